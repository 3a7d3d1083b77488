import type { BlobHash, JobId, Millis, PeerId, PipelineId } from './ids.ts'
import type { ModelFile, ModelReference, NamedModel } from './model.ts'
import type { JobInput, SideInput } from './input.ts'
import type { Postprocess, Preprocess } from './processing.ts'

/** `append_row`: all rows go into one file; `summary_only`: scripts write files of their own, which are collected. */
export type OutputAction = 'append_row' | 'summary_only'

/** The least level of what a script logs that is kept. */
export type LoggingLevel = 'DEBUG' | 'INFO' | 'WARNING'

/** How much goes into one mini-batch. */
export type MiniBatchSize =
  /** So many files. */
  | { readonly kind: 'items'; readonly items: number }
  /** Records of a table that take up about so many bytes of one file. */
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** As Muster sees fit. */
  | { readonly kind: 'auto' }

/** The user's entry script as one bundle and the files that travel with it. */
export interface ScriptReference {
  /** Name of the script as its author knows it, such as `score.ts`. */
  readonly entry: string
  /** The bundle first, then the files beside it; paths relative to the source folder, with `/`. */
  readonly files: readonly ModelFile[]
}

/** A folder on the keeper's machine into which the output of every run goes. */
export interface OutputPlace {
  /** Absolute. */
  readonly path: string
  /** Whether what an earlier run left there is replaced; without it, its presence is an error. */
  readonly overwrite: boolean
}

/** Who may keep a job's rows: `keeper` means its keeper and its submitter alone; others hold its history. */
export type Visibility = 'members' | 'keeper'

/** What every job has, whatever runs its mini-batches. */
export interface JobSpecBase {
  readonly name: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  /** One or more, all of one kind. Plans name them by their position. */
  readonly inputs: readonly JobInput[]
  readonly sideInputs: readonly SideInput[]
  /** Means nothing where there are partition keys. */
  readonly miniBatchSize: MiniBatchSize
  /**
   * Columns of the tables, or fields of the files' partition formats: each combination of their values is
   * one mini-batch. Empty: cut by size.
   */
  readonly partitionKeys: readonly string[]
  /** Failed items tolerated over the whole job; the job aborts when strictly more fail. -1: any number. */
  readonly errorThreshold: number
  /** Failed mini-batches tolerated, the same rule. */
  readonly miniBatchErrorThreshold: number
  /** Failed mini-batches tolerated, in percent of all; the job aborts when strictly more fail. Undefined: 100. */
  readonly allowedFailedPercent?: number
  /** Jobs of a higher one go first wherever they can run. Undefined: 0. */
  readonly priority?: number
  /** Share of the slots beside jobs of equal priority, by proportion. Undefined: 1. */
  readonly weight?: number
  /** The pool whose machines it may use; undefined: all machines. */
  readonly pool?: string
  readonly runLimitMs: Millis
  /** Loading one mini-batch, until it can be handed to `run()`; a longer one is charged. Undefined: as long as it takes. */
  readonly loadLimitMs?: Millis
  /**
   * Time in which machines at work on the job end not one attempt of it, for good or ill; past it the job is
   * aborted. Undefined: none of its own.
   */
  readonly progressLimitMs?: Millis
  /** Listing the input, until its first mini-batches are known; past it the job is aborted. Undefined: none. */
  readonly firstPlanLimitMs?: Millis
  /** Total tries of a mini-batch that are charged before it fails for good. */
  readonly maxAttempts: number
  /** Worker processes a peer; undefined: by its owner's limits. */
  readonly processesPerPeer?: number
  /** Peers to use; undefined: all of the pool. */
  readonly peerCount?: number
  readonly outputAction: OutputAction
  readonly outputFileName: string
  /** What stands between the fields of a row in a `.csv`, `.tsv` or text file; undefined: by its ending. */
  readonly outputDelimiter?: string
  /** Whether such a file begins with the names of its columns; undefined: by its ending. */
  readonly outputHeader?: boolean
  /** Where the output goes; undefined: a folder of this run alone. */
  readonly outputPlace?: OutputPlace
  /** Who may keep the rows; undefined: all members. */
  readonly visibility?: Visibility
  readonly loggingLevel: LoggingLevel
  readonly device: string
  /** False: items are always streamed, also to workers that could open them in place. */
  readonly inPlace: boolean
}

/** A job without a script: what goes into the model and what becomes of its output is declared. */
export interface OnnxJobSpec extends JobSpecBase {
  readonly runtime: 'onnx'
  readonly model: ModelReference
  readonly preprocess: Preprocess
  /** One for each output that is wanted; the parts of several stand under their outputs' names. */
  readonly postprocess: readonly Postprocess[]
}

/** A job whose mini-batches an entry script runs. */
export interface NodeJobSpec extends JobSpecBase {
  readonly runtime: 'node'
  readonly script: ScriptReference
  /** As given; the script sees them parsed too. */
  readonly arguments: readonly string[]
  /** The only variables of the script's environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The model that `context.session()` opens, if there is one; its script may ask for it by its name too. */
  readonly model?: ModelReference
  /** Further models, or all of them, by the names under which the script knows them. Never empty. */
  readonly models?: readonly NamedModel[]
}

/** All that decides what a job computes and how. Normalised: no default is left open. */
export type JobSpec = OnnxJobSpec | NodeJobSpec

/** All models of a job by the names under which a script asks for them: the one that needs no name first. */
export const modelsOf = (spec: JobSpec): readonly NamedModel[] => [
  ...(spec.model === undefined ? [] : [{ ...spec.model, alias: spec.model.name }]),
  ...(spec.runtime === 'node' ? (spec.models ?? []) : []),
]

/** A spec before its models were looked up, its script bundled and its side inputs listed. */
export type JobDraft = (
  | Omit<OnnxJobSpec, 'model' | 'sideInputs'>
  | Omit<NodeJobSpec, 'model' | 'models' | 'script' | 'sideInputs'>
) & { readonly sideInputs: readonly JobInput[] }

/** A job as its submitter signed it. */
export interface Job {
  readonly id: JobId
  readonly spec: JobSpec
  readonly submitter: PeerId
  /** The peer that holds the items and writes the plan. */
  readonly dataPeer: PeerId
  /** The peer that collects the rows, writes the output and seals. */
  readonly keeper: PeerId
  readonly submittedAt: Millis
  /** The pipeline run and step it belongs to; jobs of older versions have none. */
  readonly run?: JobRun
  /** What its rows are computed from besides the items; undefined: nothing of it is ever reused. */
  readonly reuse?: ReuseSettings
  /** Only these items of another job's plan, for a run of what failed there. */
  readonly only?: OnlyItems
}

/** Where a job belongs. Jobs of older versions have none, and count as runs of their own. */
export interface JobRun {
  readonly pipeline: PipelineId
  /** Name of the pipeline run. */
  readonly name: string
  readonly step: string
  readonly experiment: string
}

/** How a job takes part in reuse. */
export interface ReuseSettings {
  /** SHA-256, hex: jobs with the same key give the same rows for the same items. */
  readonly key: string
  /** Take over rows of an earlier job with this key. False: compute all, but later jobs may reuse it. */
  readonly take: boolean
  /** The key names the content of the whole input: names and times of files say nothing more. */
  readonly pinned: boolean
  /** Why `take` is false. Jobs of older versions do not say. */
  readonly whyNot?: ReuseRefusal
  /** Muster's version on the submitter's machine, a part of the key. Jobs of older versions do not say. */
  readonly version?: string
  /** Names of what is in the inputs whose content is known, by their names: a part of the key. */
  readonly contents?: Readonly<Record<string, string>>
}

/** `off`: `allow_reuse` is; `regenerate`: all was to be computed anew; `elsewhere`: another machine plans. */
export type ReuseRefusal = 'off' | 'regenerate' | 'elsewhere'

/** Items of an earlier job's plan, as a blob at the data's peer: their positions, ascending. */
export interface OnlyItems {
  readonly job: JobId
  readonly blob: BlobHash
  readonly items: number
}

/** Azure ML's run states, as people see them. */
export type JobState =
  | 'NotStarted'
  | 'Preparing'
  | 'Queued'
  | 'Running'
  | 'Paused'
  | 'Finalizing'
  | 'CancelRequested'
  | 'Canceled'
  | 'Completed'
  | 'Failed'

/** How a job, a step or a pipeline run ended for good. */
export type EndState = Extract<JobState, 'Completed' | 'Failed' | 'Canceled'>
