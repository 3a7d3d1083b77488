import { limits } from '#protocol/limits.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { SchedulerState } from './state.ts'
import type { StoryEntry, StoryLog } from './story-log.ts'

/** One attempt of a mini-batch as the head saw it. */
export interface AttemptSpan {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  /** Null if the line that told it has been forgotten. */
  readonly grantedAt: Millis | null
  readonly startedAt: Millis | null
  /** When the head heard of its end: short runs are told of together. */
  readonly endedAt: Millis | null
  /** How long it ran by its worker's clock; null unless it succeeded. */
  readonly runMs: Millis | null
  readonly outcome: SpanOutcome
  /** Why it failed or was given back; empty otherwise. */
  readonly detail: string
}

export type SpanOutcome =
  'waiting' | 'running' | 'committed' | 'duplicate' | 'charged' | 'failed' | 'freed'

export interface Timeline {
  /** The head's clock: times of the spans are its own. */
  readonly at: Millis
  /** Nothing older is remembered, of any job. */
  readonly from: Millis
  /** In the order of their grants. */
  readonly spans: readonly AttemptSpan[]
}

/** The newest attempts of a job of which anything happened at or after `since`, from the stories that are kept. */
export const timeline = (state: SchedulerState, job: JobId, since: Millis): Timeline => {
  const { entries, next } = state.stories
  const isFull = entries.length === limits.storyEntries
  const told = since <= 0 ? undefined : keysSince(state.stories, job, since)
  const spans = new Map<number, Told>()
  // The ring's oldest line stands at `next`, once it is full.
  const read = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      const line = entries[at]
      if (line?.job === job && told?.has(keyOf(line)) !== false) note(spans, line)
    }
  }
  if (told?.size !== 0) {
    read(isFull ? next : 0, entries.length)
    if (isFull) read(0, next)
  }
  return {
    at: state.now,
    from: isFull ? (entries[next]?.at ?? 0) : 0,
    spans: [...spans.values()],
  }
}

/** Attempts of a job that anything was told of at or after `since`: looked for from the newest line back. */
const keysSince = ({ entries, next }: StoryLog, job: JobId, since: Millis): ReadonlySet<number> => {
  const keys = new Set<number>()
  const count = entries.length
  for (let back = 1; back <= count; back++) {
    const line = entries[(next - back + count) % count]
    if (line === undefined || line.at < since) break
    if (line.job === job) keys.add(keyOf(line))
  }
  return keys
}

/** Attempts of one mini-batch are far fewer. */
const attemptsMost = 2 ** 20

const keyOf = ({ miniBatch, attempt }: StoryEntry): number => miniBatch * attemptsMost + attempt

type Told = { -readonly [Key in keyof AttemptSpan]: AttemptSpan[Key] }

const note = (spans: Map<number, Told>, line: StoryEntry): void => {
  const { miniBatch, attempt, peer, at } = line
  const key = keyOf(line)
  let span = spans.get(key)
  if (span === undefined) {
    span = {
      miniBatch,
      attempt,
      peer,
      grantedAt: null,
      startedAt: null,
      endedAt: null,
      runMs: null,
      outcome: 'waiting',
      detail: '',
    }
    spans.set(key, span)
  }
  switch (line.kind) {
    case 'granted':
    case 'copied':
    case 'adopted':
      span.grantedAt = at
      return
    case 'started':
      span.startedAt = at
      span.outcome = 'running'
      return
    // The charge before it told how the attempt ended.
    case 'halved':
      return
    default:
      // What comes after the end of an attempt, such as a late second report, changes nothing.
      if (span.endedAt !== null) return
      span.endedAt = at
      span.runMs = line.runMs
      span.startedAt ??= startOf(span, line)
      span.outcome = line.kind
      span.detail = line.detail
  }
}

/** Short runs are over before their worker says that they began: then the measured time tells. */
const startOf = ({ grantedAt }: Told, { at, runMs }: StoryEntry): Millis | null =>
  runMs === null ? null : Math.max(grantedAt ?? 0, at - runMs)

/** Who holds leases of mini-batches `from` to `to`: the newest of several. */
export const holders = (
  state: SchedulerState,
  job: JobId,
  from: MiniBatchIndex,
  to: MiniBatchIndex,
): ReadonlyMap<MiniBatchIndex, PeerId> => {
  const found = new Map<MiniBatchIndex, PeerId>()
  for (const [miniBatch, leases] of state.jobs.get(job)?.liveByMiniBatch ?? []) {
    const newest = leases.at(-1)
    if (miniBatch >= from && miniBatch < to && newest !== undefined)
      found.set(miniBatch, newest.peer)
  }
  return found
}
