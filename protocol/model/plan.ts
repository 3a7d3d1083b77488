import type { ItemIndex, JobId, MiniBatchIndex, Millis } from './ids.ts'

/** A file as the plan saw it. Size and time prove later that it is still the same. */
export interface PlannedFile {
  /** Path below the input's root, with `/`. */
  readonly name: string
  readonly bytes: number
  readonly modifiedMs: Millis
  /** Position of its input in the job's list. */
  readonly input: number
}

/** One item of a file input: the file itself. */
export type PlannedItem = PlannedFile

/** A file of records. */
export interface PlannedTable extends PlannedFile {
  /** Names of its columns in their order; empty for JSON Lines, whose records name them. */
  readonly columns: readonly string[]
  /** Bytes at the file's end that a reader of any of its slices needs: the footer of Parquet, else 0. */
  readonly tailBytes: number
}

/** Neighbouring records of one file: all of a mini-batch, or a part of one. */
export interface PlannedSlice {
  readonly file: PlannedTable
  /** Where the bytes lie that hold the records: whole records of text, or whole row groups of Parquet. */
  readonly offset: number
  readonly length: number
  /** Number of the first record in its file, from 0, a header not counted. */
  readonly firstRecord: number
  /** Records, each of which is one item. */
  readonly records: number
}

/** What the partition keys are in one mini-batch, in the order of the keys. */
export type PartitionValue = string | number | boolean | null
/** Values of the partition keys that all items of a mini-batch have, by key. */
export type Partition = Readonly<Record<string, PartitionValue>>

/** `count` mini-batches in a row of `items` items each. */
export interface MiniBatchRun {
  readonly count: number
  readonly items: number
}

/**
 * A stretch of the plan. What it lists travels as a blob; the ledger holds only the boundaries,
 * which is all that the head needs.
 */
interface PlanChunkBase {
  readonly job: JobId
  /** Number of the chunk, from 0. */
  readonly chunk: number
  readonly firstItem: ItemIndex
  readonly firstMiniBatch: MiniBatchIndex
  readonly runs: readonly MiniBatchRun[]
  /** One for each mini-batch of the chunk; empty without partition keys. */
  readonly partitions: readonly Partition[]
  /** True on the last chunk: the plan is complete. */
  readonly last: boolean
}

/** A stretch of a plan of files. */
export interface FilePlanChunk extends PlanChunkBase {
  readonly kind: 'files'
  readonly items: readonly PlannedItem[]
}

/**
 * A stretch of a plan of tables. Slices stand in the order of their items; none crosses the end of its
 * mini-batch.
 */
export interface TablePlanChunk extends PlanChunkBase {
  readonly kind: 'table'
  readonly slices: readonly PlannedSlice[]
}

/** A part of a plan: some mini-batches in a row with all their items. */
export type PlanChunk = FilePlanChunk | TablePlanChunk

/** Items of a chunk. */
export const itemsOf = ({ runs }: { readonly runs: readonly MiniBatchRun[] }): number =>
  runs.reduce((sum, run) => sum + run.count * run.items, 0)

/** Mini-batches of a chunk. */
export const miniBatchesOf = ({ runs }: { readonly runs: readonly MiniBatchRun[] }): number =>
  runs.reduce((sum, run) => sum + run.count, 0)

/** How people know a record: its file, and its number from 1, a header not counted. */
export const recordName = (file: string, record: number): string => `${file}#${record + 1}`
