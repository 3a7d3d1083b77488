import { assertNever } from '#protocol/model/assert-never.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, MiniBatchIndex, Millis } from '#protocol/model/ids.ts'
import { cell, type Cell } from './columns.ts'
import { stateOf, type JobEntry, type SchedulerState } from './state.ts'
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
  if (miniBatch >= entry.columns.count) {
    return [
      `Mini-batch ${String(miniBatch)} is not in the plan, which has ${String(entry.columns.count)} so far.`,
    ]
  }
  const { entries, next } = state.stories
  const lines = [...entries.slice(next), ...entries.slice(0, next)]
    .filter((line) => line.job === job && line.miniBatch === miniBatch)
    .slice(-limits.storyLines)
    .map((line) => `${seconds(line.at - (entry.job?.submittedAt ?? line.at))}: ${sentence(line)}`)
  return [head(entry, miniBatch), ...lines, `Now it is ${cellWord(stateOf(entry, miniBatch))}.`]
}

const head = (entry: JobEntry, miniBatch: MiniBatchIndex): string => {
  const first = entry.columns.firstItem[miniBatch] ?? 0
  const items = entry.columns.items[miniBatch] ?? 0
  return (
    `Mini-batch ${String(miniBatch)} has items ${String(first)} to ${String(first + items - 1)}; ` +
    `granted ${String(entry.columns.attempt[miniBatch] ?? 0)} times, charged ${String(entry.columns.charged[miniBatch] ?? 0)}.`
  )
}

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
    case cell.cancelled:
      return 'canceled'
    default:
      return assertNever(state)
  }
}
