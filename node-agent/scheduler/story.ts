import { assertNever } from '#protocol/model/assert-never.ts'
import { limits } from '#protocol/limits.ts'
import { halve, isHalf, itemsWords, miniBatchName } from '#protocol/model/half.ts'
import type { JobId, MiniBatchIndex, Millis } from '#protocol/model/ids.ts'
import { cell, type Cell } from './columns.ts'
import { attemptOf, chargedOf, isKnown, plannedOf, rangeOf, stateOf } from './cells.ts'
import type { JobEntry, SchedulerState } from './state.ts'
import type { StoryEntry } from './story-log.ts'

/** The life of one mini-batch in sentences, oldest first; old lines are forgotten, the last one never is. */
export const story = (
  state: SchedulerState,
  job: JobId,
  miniBatch: MiniBatchIndex,
): readonly string[] => {
  const entry = state.jobs.get(job)
  if (entry === undefined) return [`Job ${job} is not known to this head.`]
  if (entry.columns.count === 0 && entry.closed !== null) {
    return [`Job ${job} has ended; its mini-batches are no longer kept in memory.`]
  }
  if (!isKnown(entry, miniBatch)) return [unknown(entry, miniBatch)]
  const { entries, next } = state.stories
  const lines = [...entries.slice(next), ...entries.slice(0, next)]
    .filter((line) => line.job === job && line.miniBatch === miniBatch)
    .slice(-limits.storyLines)
    .map((line) => `${seconds(line.at - (entry.job?.submittedAt ?? line.at))}: ${sentence(line)}`)
  const now = `Now it is ${cellWord(stateOf(entry, miniBatch))}.`
  return [head(entry, miniBatch), ...lines, now, ...halvesNow(entry, miniBatch)]
}

const head = (entry: JobEntry, miniBatch: MiniBatchIndex): string => {
  const range = rangeOf(entry, miniBatch)
  const part = isHalf(miniBatch)
    ? ` and is part of mini-batch ${String(plannedOf(entry, miniBatch) ?? '?')}`
    : ''
  return (
    `Mini-batch ${miniBatchName(miniBatch)} has ${itemsWords(range)}${part}; ` +
    `granted ${String(attemptOf(entry, miniBatch))} times, charged ${String(chargedOf(entry, miniBatch))}.`
  )
}

const unknown = (entry: JobEntry, miniBatch: MiniBatchIndex): string =>
  isHalf(miniBatch)
    ? `There is no half ${miniBatchName(miniBatch)}.`
    : `Mini-batch ${String(miniBatch)} is not in the plan, which has ${String(entry.columns.count)} so far.`

/** What stands in the place of a halved mini-batch. */
const halvesNow = (entry: JobEntry, miniBatch: MiniBatchIndex): readonly string[] =>
  stateOf(entry, miniBatch) !== cell.halved
    ? []
    : halve(rangeOf(entry, miniBatch)).flatMap((half) => [
        `Half ${miniBatchName(half.miniBatch)} with ${itemsWords(half)} is ${cellWord(stateOf(entry, half.miniBatch))}.`,
        ...halvesNow(entry, half.miniBatch),
      ])

const seconds = (ms: Millis): string => `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(3)} s`

const sentence = (line: StoryEntry): string => {
  const attempt = `attempt ${String(line.attempt)}`
  switch (line.kind) {
    case 'granted':
      return `${attempt} was granted to ${line.peer}.`
    case 'copied':
      return `${attempt} was granted to ${line.peer} as well, because the one before takes long.`
    case 'adopted':
      return `${attempt}, granted by an earlier head, goes on at ${line.peer}.`
    case 'started':
      return `${attempt} started at ${line.peer}.`
    case 'committed':
      return `${attempt} of ${line.peer} counts.`
    case 'duplicate':
      return `${attempt} of ${line.peer} came after another one counted and was dropped.`
    case 'charged':
      return `${attempt} at ${line.peer} failed and was charged: ${line.detail}`
    case 'failed':
      return `${attempt} at ${line.peer} was the last that may be charged: ${line.detail}`
    case 'halved':
      return `It was halved: ${line.detail}.`
    case 'freed':
      return `${attempt} at ${line.peer} ended without cost: ${line.detail}.`
    default:
      return assertNever(line.kind)
  }
}

export const cellWord = (state: Cell): string => {
  switch (state) {
    case cell.pending:
      return 'pending'
    case cell.leased:
      return 'leased'
    case cell.committed:
      return 'committed'
    case cell.failed:
      return 'failed'
    case cell.canceled:
      return 'canceled'
    case cell.halved:
      return 'halved'
    case cell.void:
      return 'not needed, since its whole is committed'
    default:
      return assertNever(state)
  }
}
