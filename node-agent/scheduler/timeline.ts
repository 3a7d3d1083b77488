import { limits } from '#protocol/limits.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { SchedulerState } from './state.ts'
import type { StoryEntry } from './story-log.ts'

/** One attempt of a mini-batch as the head saw it. */
export interface AttemptSpan {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  /** Null if the line that told it has been forgotten. */
  readonly grantedAt: Millis | null
  readonly startedAt: Millis | null
  readonly endedAt: Millis | null
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
  const spans = new Map<number, Told>()
  const read = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      const line = entries[at]
      if (line?.job === job) note(spans, line)
    }
  }
  // The ring's oldest line stands at `next`, once it is full.
  read(next, entries.length)
  read(0, Math.min(next, entries.length))
  const isFull = entries.length === limits.storyEntries
  return {
    at: state.now,
    from: isFull ? (entries[next]?.at ?? 0) : 0,
    spans: [...spans.values()].filter(({ toldAt }) => toldAt >= since).map(toSpan),
  }
}

type Told = { -readonly [Key in keyof AttemptSpan]: AttemptSpan[Key] } & { toldAt: Millis }

/** Attempts of one mini-batch are far fewer. */
const attemptsMost = 2 ** 20

const note = (spans: Map<number, Told>, line: StoryEntry): void => {
  const { miniBatch, attempt, peer, at } = line
  const key = miniBatch * attemptsMost + attempt
  let span = spans.get(key)
  if (span === undefined) {
    span = {
      miniBatch,
      attempt,
      peer,
      grantedAt: null,
      startedAt: null,
      endedAt: null,
      outcome: 'waiting',
      detail: '',
      toldAt: at,
    }
    spans.set(key, span)
  }
  span.toldAt = at
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
    default:
      // What comes after the end of an attempt, such as a late second report, changes nothing.
      if (span.endedAt !== null) return
      span.endedAt = at
      span.startedAt ??= startOf(span, line)
      span.outcome = line.kind
      span.detail = line.detail
  }
}

/** Short runs are over before their worker says that they began: then the measured time tells. */
const startOf = ({ grantedAt }: Told, { at, runMs }: StoryEntry): Millis | null =>
  runMs === null ? null : Math.max(grantedAt ?? 0, at - runMs)

const toSpan = ({ toldAt: _toldAt, ...span }: Told): AttemptSpan => span

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
