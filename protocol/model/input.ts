import type { ModelFile } from './model.ts'

/** Every word for `InputMode`, the one that is meant unless another is given first. */
export const inputModes = ['mount', 'download', 'direct'] as const

/**
 * How the items of an input come to a machine. `mount`: fetched as leases need them, or opened where they lie.
 * `download`: all of the input is there, checked, before the first mini-batch runs. `direct`: the script opens
 * the files itself, where they lie; machines that cannot reach them take no part.
 */
export type InputMode = (typeof inputModes)[number]

/** A chosen set of files on one peer. */
interface InputBase {
  readonly name: string
  /** Absolute folder on the data's peer. */
  readonly root: string
  /** Globs below `root`, with `/`. */
  readonly patterns: readonly string[]
  /** Undefined: `mount`. */
  readonly mode?: Exclude<InputMode, 'mount'>
  /** Where `root` lies in a share, for machines whose owners mapped it; undefined: in none. */
  readonly share?: SharePlace
}

/** Files, each of which is one item. */
export interface FileInput extends InputBase {
  readonly kind: 'files'
  /** Path below `root` with fields in braces, such as `{user}/{season}/{x}.wav`; undefined: none. */
  readonly partitionFormat?: string
}

/** How records stand in a file: CSV and its like, a JSON object a line, or Parquet. */
export type TableFormat = 'delimited' | 'json-lines' | 'parquet'

/** Files of records, each of which is one item. */
export interface TableInput extends InputBase {
  readonly kind: 'table'
  readonly format: TableFormat
  /** One ASCII character between the fields of a record. Means something only where `delimited`. */
  readonly delimiter: string
  /** Whether the first record of each file names its columns. Means something only where `delimited`. */
  readonly header: boolean
}

/** What a job reads. All inputs of one job are of one kind; each is split by itself. */
export type JobInput = FileInput | TableInput

/** A dataset that is not split: its files are present on every worker, under their paths below its root. */
export type SideInput = JobInput & {
  /**
   * Named when the job was submitted, in the order of their paths. Of a step that waits for the output of
   * another one, which fills this: none, and the root is empty.
   */
  readonly files: readonly ModelFile[]
}

/** A folder named the same way on every machine that sees the share. */
export interface SharePlace {
  readonly name: string
  /** Path below the share, with `/`; empty: the share's own folder. */
  readonly path: string
}
