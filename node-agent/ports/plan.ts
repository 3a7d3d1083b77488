import type { MusterError } from '#protocol/errors.ts'
import type { ItemIndex, JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { PlanChunk, PlannedFile, PlannedItem, PlannedSlice } from '#protocol/model/plan.ts'
import type { Result } from '#protocol/model/result.ts'
import type { InputLabel } from '#protocol/wire/input/protocol.ts'

/** Lists inputs and cuts them into mini-batches: folder by folder, names sorted by bytes. */
export interface Planner {
  /**
   * Checks that an input exists and has at least one item, without listing it all, and that the first file
   * of a table can be read and has the columns `keys`.
   */
  readonly check: (
    input: JobInput,
    keys: readonly string[],
    signal?: AbortSignal,
  ) => Promise<Result<void, MusterError>>
  /** The first files of an input, at most `most`, in the order of the walk. */
  readonly list: (
    input: JobInput,
    most: number,
    signal?: AbortSignal,
  ) => Promise<Result<readonly PlannedFile[], MusterError>>
  /**
   * Plan chunks in order; the last has `last: true`. `behind` is what stands in the ledger already: planning
   * goes on there after a restart. @throws MusterFailure `InputMissing`, `InputEmpty`, `InputUnreadable`
   */
  readonly plan: (
    job: JobId,
    spec: JobSpec,
    behind: PlanPosition | undefined,
    signal: AbortSignal,
  ) => AsyncIterable<PlanChunk>
}

/** The end of a plan's last written chunk. */
export interface PlanPosition {
  /** Number of the next chunk, and where it starts. */
  readonly chunk: number
  readonly firstItem: ItemIndex
  readonly firstMiniBatch: MiniBatchIndex
  /** The last planned file; of a table the end of its last planned slice, in bytes and records. */
  readonly file: PlannedFile
  readonly offset: number
  readonly record: number
}

/** The plan of jobs whose data is here, as stored in plan chunk blobs. */
export interface PlanReader {
  /** Planned items `first` .. `first + count - 1`. `BlobMissing` if the plan is not here. */
  readonly items: (
    job: JobId,
    first: ItemIndex,
    count: number,
  ) => Promise<Result<readonly PlannedItem[], MusterError>>
  /** The same of a table, and what its mini-batch is called. */
  readonly slices: (
    job: JobId,
    first: ItemIndex,
    count: number,
  ) => Promise<Result<PlannedStretch, MusterError>>
  /** What the mini-batch that has item `item` is called. */
  readonly label: (job: JobId, item: ItemIndex) => Promise<Result<InputLabel, MusterError>>
  /** The end of the plan as far as it is written; undefined if nothing is. */
  readonly end: (job: JobId) => Promise<Result<PlanPosition | undefined, MusterError>>
}

/** Records of a table that follow on each other in its plan. */
export interface PlannedStretch {
  readonly parts: readonly PlannedPart[]
  readonly label: InputLabel
}

/** A slice, or those records of it that were asked for. */
export interface PlannedPart {
  readonly slice: PlannedSlice
  readonly firstItem: ItemIndex
  /** Records of the slice before the first one. */
  readonly skip: number
  readonly records: number
}
