import type { ItemIndex, JobId, MiniBatchIndex, Millis } from './ids.ts'

/** One item as the plan fixed it. Size and time prove later that the file is still the same. */
export interface PlannedItem {
  /** Path below the input's root, with `/`. */
  readonly name: string
  readonly bytes: number
  readonly modifiedMs: Millis
}

/** `count` mini-batches in a row of `items` items each. */
export interface MiniBatchRun {
  readonly count: number
  readonly items: number
}

/**
 * A stretch of the plan. Its item list travels as a blob; the ledger holds only the boundaries,
 * which is all that the head needs.
 */
export interface PlanChunk {
  readonly job: JobId
  /** Number of the chunk, from 0. */
  readonly chunk: number
  readonly firstItem: ItemIndex
  readonly firstMiniBatch: MiniBatchIndex
  readonly runs: readonly MiniBatchRun[]
  readonly items: readonly PlannedItem[]
  /** True on the last chunk: the plan is complete. */
  readonly last: boolean
}
