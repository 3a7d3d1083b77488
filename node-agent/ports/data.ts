import type { ItemPlace, RunInput } from './runtime.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ItemIndex, JobId, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { JobDraft, JobInput, JobSpec, SharePlace, TableInput } from '#protocol/model/job.ts'
import type { ParameterValue, PipelineStep, ScheduleTrigger } from '#protocol/model/pipeline.ts'
import type {
  PlanChunk,
  PlannedFile,
  PlannedItem,
  PlannedSlice,
  PlannedTable,
} from '#protocol/model/plan.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import type { Result } from '#protocol/model/result.ts'
import type { InputLabel, SameUserProof } from '#protocol/wire/input/protocol.ts'

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

/** An item's content, or why it cannot be had. */
export type ItemContent =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly modifiedMs: number }
  | { readonly ok: false; readonly problem: string }

export interface ItemReader {
  /**
   * Reads one planned item below `root`. A file that changed since the plan (size or time), vanished, is
   * too large, or leads out of `root` by a link is a problem in words, never an exception.
   */
  readonly read: (root: string, item: PlannedItem) => Promise<ItemContent>
  /**
   * Where the worker process may look for items in place: folders whose real paths are inside `root`. The files
   * are not looked at; the process checks that each is as planned. Undefined: only `read` can say what is wrong.
   */
  readonly places: (
    root: string,
    items: readonly PlannedItem[],
  ) => Promise<readonly (ItemPlace | undefined)[]>
  /** The item as it is now: with the size and time of its file, or as it was if that is gone. */
  readonly lookAgain: (root: string, item: PlannedItem) => Promise<PlannedItem>
  /**
   * Slices with only some records of a slice of a table, by their places in it, ascending. The slice itself if
   * they cannot be told apart: its file is not what the plan saw, which is told when it is read.
   */
  readonly narrow: (
    input: TableInput,
    slice: PlannedSlice,
    wanted: readonly number[],
  ) => Promise<readonly PlannedSlice[]>
  /** Absolute path if the file may be opened in place: inside `root`, same size and time as planned. */
  readonly inPlacePath: (root: string, item: PlannedItem) => Promise<string | undefined>
  /**
   * Reads stretches of one file of a table, in their order, in pieces of at most `limits.bulkFrameBytes`.
   * One problem in words in place of all that is left, if the file is not what the plan saw.
   */
  readonly readStretches: (
    root: string,
    file: PlannedTable,
    stretches: readonly Stretch[],
  ) => AsyncIterable<StretchPiece | { readonly problem: string }>
  /**
   * All bytes of a file of any size in pieces of at most `limits.bulkFrameBytes`, then their hash; or a problem in
   * words in place of what is left.
   */
  readonly copy: (
    root: string,
    file: PlannedFile,
  ) => AsyncIterable<
    { readonly bytes: Uint8Array } | { readonly sha256: string } | { readonly problem: string }
  >
  /** As `inPlacePath`, for a file of any size. */
  readonly tablePath: (root: string, file: PlannedFile) => Promise<string | undefined>
}

/** Bytes of a file. */
export interface Stretch {
  readonly offset: number
  readonly length: number
}

export interface StretchPiece {
  /** Position in the list of stretches. */
  readonly stretch: number
  readonly bytes: Uint8Array
}

/** Copies of inputs that jobs want to have on this machine as a whole. */
export interface Downloads {
  /** Folder in which the files of an input lie under their own paths. */
  readonly folderOf: (job: JobId, input: number) => string
  /**
   * Those of these files that are not there yet as they should be. What an agent before this one left counts
   * if it still has its hash. Rejects with the signal's reason if aborted.
   */
  readonly missing: (
    job: JobId,
    files: readonly PlannedFile[],
    signal: AbortSignal,
  ) => Promise<readonly PlannedFile[]>
  /** Deletes what is there of all jobs but these, and what is not whole. Bytes that stay, by job. */
  readonly keepOnly: (jobs: readonly JobId[]) => Promise<ReadonlyMap<JobId, number>>
  /** Begins a file. `InputUnreadable` for a name that cannot stand here, `DiskFull`, `HomeNotWritable` */
  readonly open: (job: JobId, file: PlannedFile) => Promise<Result<DownloadedFile, MusterError>>
  /** Bytes of the disk that are free. */
  readonly freeBytes: () => Promise<number>
  /** Deletes all files of a job. */
  readonly drop: (job: JobId) => Promise<void>
}

/** A file that is being copied: nobody sees it before it is whole. Disposing it takes away what is not. */
export interface DownloadedFile extends AsyncDisposable {
  readonly write: (bytes: Uint8Array) => Promise<Result<void, MusterError>>
  /** Gives it its name and its time. False: it does not have this hash or its size, and is gone again. */
  readonly finish: (sha256: string) => Promise<Result<boolean, MusterError>>
}

/** Proof that two agents are the same OS user on the same machine: a nonce file only that user can read. */
export interface SameUser {
  /** Path of a fresh nonce file in this agent's home, and the nonce. */
  readonly offer: () => Promise<SameUserProof>
  /**
   * True if the file is readable, owned by this user, holds the nonce and names `peer`, who showed the
   * proof: a peer that passes on what another offered proves nothing.
   */
  readonly check: (peer: PeerId, proof: SameUserProof) => Promise<boolean>
}

/** Folders and files of this machine outside the store. */
export interface DataFolders {
  /** Real absolute path of a folder. `InputMissing` if it is not there, is none, or the path is relative. */
  readonly check: (path: string) => Promise<Result<string, MusterError>>
  /** Absolute path of the default datastore, which is made if it is not there. */
  readonly own: () => Promise<string>
  /** Deletes a file that a worker process left; one that is gone already is no error. */
  readonly discard: (path: string) => Promise<void>
}

/** The beginning of an input. */
export type Preview =
  | { readonly kind: 'files'; readonly files: readonly PlannedFile[]; readonly more: boolean }
  | {
      readonly kind: 'table'
      readonly files: readonly PlannedFile[]
      readonly columns: readonly string[]
      readonly rows: readonly {
        /** File and number of the record. */
        readonly name: string
        /** Values by column; null for a broken record, of which `problem` tells. */
        readonly value: Readonly<Record<string, unknown>> | null
        readonly problem: string
      }[]
      /** Whether there are more files or records than these. */
      readonly more: boolean
    }

/** Looks into inputs of this machine. */
export interface DataPreview {
  /** The bytes of one file below the input's folder. `InputMissing`, `ItemTooLarge` above `mostBytes` */
  readonly file: (
    input: JobInput,
    name: string,
    mostBytes: number,
  ) => Promise<Result<Uint8Array, MusterError>>
  /** The first files, or the first records of a table, at most `most`. `InputMissing`, `InputUnreadable`, `ItemTooLarge` */
  readonly first: (
    input: JobInput,
    most: number,
    signal: AbortSignal,
  ) => Promise<Result<Preview, MusterError>>
  /**
   * A mini-batch of the first items, at most `most`, to be tried on this machine; with `keys` of the first
   * partition. Numbers of items count from 0. `InputMissing`, `InputEmpty`, `InputUnreadable`, `ItemTooLarge`
   */
  readonly sample: (
    input: JobInput,
    keys: readonly string[],
    most: number,
    signal: AbortSignal,
  ) => Promise<Result<RunInput, MusterError>>
}

/** Names what is in an input by a hash. */
export interface ContentDigest {
  /** SHA-256 (hex) over the names and the bytes of all its files. Reads all of them. `InputMissing` */
  readonly of: (input: JobInput, signal: AbortSignal) => Promise<Result<string, MusterError>>
  /**
   * What is in a planned file of an input now, as in `protocol/model/content.ts`, hex; undefined if it is no
   * longer as planned or cannot be read.
   */
  readonly file: (
    input: JobInput,
    planned: PlannedFile,
    signal: AbortSignal,
  ) => Promise<string | undefined>
  /** The same of slices of a table, in their order; of their files just their bytes are read, and footers of Parquet. */
  readonly slices: (
    input: TableInput,
    slices: readonly PlannedSlice[],
    signal: AbortSignal,
  ) => Promise<readonly (string | undefined)[]>
}

/** Where shares lie on this machine. */
export interface Shares {
  /**
   * Real absolute path of a place in a share mapped to `root`. `InputMissing` if it is not there, or if
   * a link leads it out of the share.
   */
  readonly resolve: (root: string, place: SharePlace) => Promise<Result<string, MusterError>>
}

/** What the names of data in a job file mean. */
export interface KnownData {
  /** The agent that reads. */
  readonly self: PeerId
  readonly nameOf: (peer: PeerId) => string
  /** Those that count, with the default one. */
  readonly datastores: readonly Datastore[]
  /** All versions. */
  readonly datasets: readonly Dataset[]
  readonly pools: readonly string[]
}

/** Reads job files. */
export interface JobFileReader {
  /**
   * Checks a job file's text and gives a spec without the model's bytes and with the input's absolute
   * root, which is empty for an input in a share: only settings know where that lies. Every error carries line and column, and a suggestion for a misspelt field.
   */
  readonly read: (
    text: string,
    file: string,
    overrides: Readonly<Record<string, string | number | boolean>>,
    known?: KnownData,
  ) => Result<JobFile, MusterError>
  /**
   * Reads what is submitted as one run: a pipeline file, or a job file, which gives a run of one step.
   * References to parameters are filled in; a wired input has an empty root. Errors are like those of `read`.
   */
  readonly readRun: (text: string, file: string, given: GivenValues) => Result<RunFile, MusterError>
  /** The file as plain values, whatever they mean. `JobFileInvalid` where it is no YAML map */
  readonly parse: (text: string, file: string) => Result<ParsedFile, MusterError>
}

/** A file whose fields nobody has looked at. */
export interface ParsedFile {
  readonly kind: 'job' | 'pipeline' | 'azure'
  readonly fields: Readonly<Record<string, unknown>>
}

/** What stands beside a file when it is submitted. */
export interface GivenValues {
  readonly parameters: Readonly<Record<string, ParameterValue>>
  /** By dotted names; those of a pipeline's steps begin with `steps.NAME.` */
  readonly overrides: Readonly<Record<string, ParameterValue>>
  /** Left out: the file can name no datastores and datasets. */
  readonly known?: KnownData
  /** An earlier run has the scripts, so none need be there. Left out: false. */
  readonly isAgain?: boolean
}

/** A checked file with all its steps, before models are looked up and scripts are bundled. */
export interface RunFile {
  readonly name: string
  readonly experiment: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly continueOnStepFailure: boolean
  readonly regenerateOutputs: boolean
  readonly schedule?: WantedSchedule
  readonly steps: readonly StepFile[]
  /**
   * The text with the other files that it names put in, which stands for it when the run is started again;
   * left out where the text itself says all.
   */
  readonly whole?: string
  /** Sentences about what was accepted but has no effect here, with their place. */
  readonly warnings: readonly string[]
}

export interface StepFile extends Pick<
  PipelineStep,
  'name' | 'wires' | 'after' | 'output' | 'allowReuse'
> {
  readonly job: JobFile
}

/** A schedule as a file names it; a folder's path is absolute. */
export interface WantedSchedule {
  readonly trigger: ScheduleTrigger
  readonly overlap: boolean
}

/** A checked job file: what it asks for, before the model is looked up. */
export interface JobFile {
  readonly spec: JobDraft
  /** Absent only where a script runs without a model that needs no name. */
  readonly model?: WantedModel
  /** Models that a script asks for by name; left out: none. */
  readonly models?: readonly WantedNamedModel[]
  /** Absolute paths; present exactly where `spec.runtime` is `node`. */
  readonly script?: { readonly entry: string; readonly sourceDirectory?: string }
  /** The machine that holds all inputs, if it is another one: their roots are absolute there. */
  readonly dataPeer?: PeerId
  /** Sentences about what was accepted but has no effect here, with their place. */
  readonly warnings: readonly string[]
}

/** One of several models. */
export interface WantedNamedModel {
  /** What the script asks for; undefined: the model's own name. */
  readonly alias?: string
  readonly wanted: WantedModel
}

/** A model as a job file names it. */
export type WantedModel =
  | { readonly kind: 'registered'; readonly name: string; readonly version?: number }
  | { readonly kind: 'path'; readonly path: string }
