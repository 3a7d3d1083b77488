import type { OptionTable } from './check-options.ts'
import type { Environment } from './environment.ts'
import type { Maybe } from './parameter.ts'

/** How a declared `onnx` step reads its items; the fields of `preprocess` in a job file. */
export type Preprocess = Readonly<Record<string, unknown>>
/** What becomes of the model's output; the fields of `postprocess` in a job file. */
export type Postprocess = Readonly<Record<string, unknown>>

/** Azure's `ParallelRunConfig`, and what Muster adds. Everything left out has the default of a job file. */
export interface ParallelRunConfigOptions {
  /** Your script (`.ts` or `.js`) below `sourceDirectory`; none for a step that is declared. */
  readonly entryScript?: Maybe<string>
  readonly sourceDirectory?: Maybe<string>
  readonly environment?: Environment
  /** The pool whose machines work, or its name. Default: all of them. */
  readonly computeTarget?: Maybe<{ readonly name: string } | string>
  /** A count of files, bytes of a table such as `'1MB'`, or `'auto'`. */
  readonly miniBatchSize?: Maybe<number | string>
  readonly partitionKeys?: readonly Maybe<string>[]
  readonly errorThreshold?: Maybe<number>
  readonly miniBatchErrorThreshold?: Maybe<number>
  readonly allowedFailedCount?: Maybe<number>
  readonly allowedFailedPercent?: Maybe<number>
  readonly outputAction?: Maybe<'append_row' | 'summary_only'>
  readonly appendRowFileName?: Maybe<string>
  readonly appendRowDelimiter?: Maybe<string>
  readonly appendRowHeader?: Maybe<boolean>
  readonly nodeCount?: Maybe<number>
  readonly processCountPerNode?: Maybe<number>
  /** Seconds one `run()` may take. */
  readonly runInvocationTimeout?: Maybe<number>
  /** Tries of a mini-batch in all. */
  readonly runMaxTry?: Maybe<number>
  /** Seconds in which machines at work end no mini-batch before the job is given up. Default: no limit. */
  readonly progressUpdateTimeout?: Maybe<number>
  /** Seconds for listing the input as far as its first mini-batch. Default: no limit. */
  readonly firstTaskCreationTimeout?: Maybe<number>
  /** Seconds for loading one mini-batch; a longer one is charged. Default: no limit. */
  readonly taskOverheadTimeout?: Maybe<number>
  readonly loggingLevel?: Maybe<'DEBUG' | 'INFO' | 'WARNING'>
  readonly device?: Maybe<string>
  readonly priority?: Maybe<number>
  readonly weight?: Maybe<number>
  readonly preprocess?: Preprocess
  readonly postprocess?: Postprocess
  readonly inPlace?: Maybe<boolean>
  /** Folder for the output of every run. Default: a folder of each run's own. */
  readonly outputFolder?:
    Maybe<string> | { readonly path: Maybe<string>; readonly overwrite?: Maybe<boolean> }
  /** Who may keep the rows: all members, or only the keeper and the submitter. Default: `members`. */
  readonly visibility?: Maybe<'members' | 'keeper'>
}

/** Options that are written into a step as they are: their names there. */
export const plainFields = {
  entryScript: 'entry_script',
  miniBatchSize: 'mini_batch_size',
  partitionKeys: 'partition_keys',
  errorThreshold: 'error_threshold',
  miniBatchErrorThreshold: 'mini_batch_error_threshold',
  allowedFailedCount: 'allowed_failed_count',
  allowedFailedPercent: 'allowed_failed_percent',
  outputAction: 'output_action',
  appendRowFileName: 'append_row_file_name',
  appendRowDelimiter: 'append_row_delimiter',
  appendRowHeader: 'append_row_header',
  outputFolder: 'output',
  visibility: 'visibility',
  nodeCount: 'node_count',
  processCountPerNode: 'process_count_per_node',
  runInvocationTimeout: 'run_invocation_timeout',
  runMaxTry: 'run_max_try',
  progressUpdateTimeout: 'progress_update_timeout',
  firstTaskCreationTimeout: 'first_task_creation_timeout',
  taskOverheadTimeout: 'task_overhead_timeout',
  loggingLevel: 'logging_level',
  device: 'device',
  priority: 'priority',
  weight: 'weight',
  preprocess: 'preprocess',
  postprocess: 'postprocess',
  inPlace: 'in_place',
} as const satisfies Partial<Record<keyof ParallelRunConfigOptions, string>>

export type PlainOption = keyof typeof plainFields

/** All options of a `ParallelRunConfig`; none must be given. */
export const optionTable: OptionTable<ParallelRunConfigOptions> = {
  ...(Object.fromEntries(Object.keys(plainFields).map((name) => [name, 'may'])) as {
    readonly [Name in PlainOption]: 'may'
  }),
  sourceDirectory: 'may',
  environment: 'may',
  computeTarget: 'may',
}
