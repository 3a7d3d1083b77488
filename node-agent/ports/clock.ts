import type { Millis } from '#protocol/model/ids.ts'

/** Time as the agent sees it. The simulation has its own. */
export interface Clock {
  /** Milliseconds since 1970 UTC. May jump. */
  readonly now: () => Millis
  /** Milliseconds since some moment; never goes back. For durations. */
  readonly monotonic: () => Millis
  /** Calls `run` once after `ms` unless disposed before. */
  readonly after: (ms: Millis, run: () => void) => Disposable
  /** Calls `run` every `ms` until disposed. */
  readonly every: (ms: Millis, run: () => void) => Disposable
  /** Resolves after `ms`; rejects with the signal's reason if aborted before. */
  readonly sleep: (ms: Millis, signal?: AbortSignal) => Promise<void>
}
