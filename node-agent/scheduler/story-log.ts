import { limits } from '#protocol/limits.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'

/** What happened to one mini-batch, and to which attempt of it. */
export interface StoryEntry {
  readonly at: Millis
  readonly job: JobId
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  readonly kind:
    | 'granted'
    | 'copied'
    | 'adopted'
    | 'started'
    | 'committed'
    | 'duplicate'
    | 'charged'
    | 'failed'
    | 'halved'
    | 'freed'
  /** Failure message or reason; empty if there is nothing to add. */
  readonly detail: string
  /** How long the run took by the worker's clock; null where nobody measured it. */
  readonly runMs: Millis | null
}

/** The newest entries of all jobs, as a ring. */
export interface StoryLog {
  readonly entries: StoryEntry[]
  next: number
}

export const createStoryLog = (): StoryLog => ({ entries: [], next: 0 })

export const tell = (log: StoryLog, entry: StoryEntry): void => {
  log.entries[log.next] = entry
  log.next = (log.next + 1) % limits.storyEntries
}
