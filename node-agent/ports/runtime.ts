import type { MusterError } from '#protocol/errors.ts'
import type { ItemIndex, JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { JobSpec, OnnxJobSpec } from '#protocol/model/job.ts'
import type { TableFormat } from '#protocol/model/input.ts'
import type { ModelDescription } from '#protocol/model/model.ts'
import type { Partition } from '#protocol/model/plan.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ItemFailure, OutputFile } from '#protocol/model/rows.ts'

/** A folder in which items may be opened in place. Items of one folder share one object. */
export interface ItemPlace {
  /** Real path of the input's root: nothing outside it is opened. */
  readonly root: string
  /** Real path of the folder, which is the root or inside it. */
  readonly folder: string
}

/** One item as a worker process gets it. */
export type RunItem =
  /** The file of that name in the folder; the process opens it only if it is as planned. */
  | {
      readonly item: ItemIndex
      readonly name: string
      readonly place: ItemPlace
      readonly planned: PlannedFile
    }
  | { readonly item: ItemIndex; readonly name: string; readonly bytes: Uint8Array }
  /** `planned` stands where the script opens the file by itself. */
  | {
      readonly item: ItemIndex
      readonly name: string
      readonly path: string
      readonly planned?: PlannedFile
    }
  | { readonly item: ItemIndex; readonly name: string; readonly problem: string }

/** Bytes of one file of a table that hold whole records, or whole row groups of Parquet. */
export interface RunSource {
  /** Path of the file below its input's root: with a record's number it names the record. */
  readonly name: string
  /** Names of the columns; empty for JSON Lines, whose records name them. */
  readonly columns: readonly string[]
  /** Where in the file the bytes begin. */
  readonly offset: number
  /** Bytes at the file's end that belong to them: Parquet's footer, else 0. */
  readonly tailBytes: number
  /**
   * `path`: the file of `fileBytes` bytes and last changed at `modifiedMs`, of which `length` bytes are meant and the
   * footer. `bytes`: just these bytes, and the footer, one object for
   * all sources of a file that came together. `problem`: why none of the records can be had, one sentence.
   */
  readonly content:
    | {
        readonly path: string
        readonly length: number
        readonly fileBytes: number
        readonly modifiedMs: number
      }
    | { readonly bytes: Uint8Array; readonly footer?: Uint8Array }
    | { readonly problem: string }
}

/** Neighbouring records of one source. */
export interface RunSlice {
  /** Position in the list of sources. */
  readonly source: number
  /** Number of the first record in its file, from 0; it is item `firstItem` of the job. */
  readonly firstRecord: number
  readonly firstItem: ItemIndex
  readonly records: number
  /** Records of text at the beginning of the bytes that are not meant. */
  readonly skip: number
}

/** A mini-batch of a table: its records are its items, in the order of the slices. */
export interface RunTable {
  readonly format: TableFormat
  /** One character; means something only where the format is `delimited`. */
  readonly delimiter: string
  readonly sources: readonly RunSource[]
  readonly slices: readonly RunSlice[]
}

/** What a mini-batch holds. */
export interface RunInput {
  /** Empty for a table. */
  readonly items: readonly RunItem[]
  /** Present exactly where the job's inputs are tables. */
  readonly table?: RunTable
  /** Values of the job's partition keys; left out where it has none. */
  readonly partition?: Partition
  /** Name of the input that the items are of. */
  readonly input?: string
}

/** One attempt of a mini-batch with what it reads. */
export interface RunRequest extends RunInput {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
}

/** What became of an attempt whose process lives on. */
export type RunOutcome =
  | {
      readonly kind: 'succeeded'
      /** Line `i` is the JSON text of a row of item `items[i]`, ascending. */
      readonly items: readonly ItemIndex[]
      /** UTF-8, lines joined by newlines. */
      readonly lines: Uint8Array
      readonly failures: readonly ItemFailure[]
      /** Present where it is not known which item a row belongs to: there are no keys, and counts differ. */
      readonly unsure?: true
      /** What was in the items of the request, or in the slices of its table: see `protocol/model/content.ts`. */
      readonly contents?: Uint8Array
      /** Files that the script left, all in the file `pack`: an absolute path; whoever takes it deletes it. */
      readonly files?: { readonly pack: string; readonly list: readonly OutputFile[] }
      /** Milliseconds between taking up the mini-batch and having its rows. */
      readonly runMs: number
    }
  | { readonly kind: 'threw'; readonly message: string; readonly runMs: number }

/** Why a worker process is gone. */
export interface ProcessExit {
  readonly kind: 'stopped' | 'killed' | 'crashed' | 'out-of-memory'
  /** One sentence. */
  readonly message: string
}

/** A running worker process: our code around ONNX Runtime, one mini-batch at a time. */
export interface WorkerProcess {
  readonly pid: number
  /**
   * Queues a mini-batch; mini-batches are run in the order of the calls, so that the next is at hand when
   * one ends. Rejects with MusterFailure `ProcessDied` when the process goes first.
   */
  readonly run: (request: RunRequest) => Promise<RunOutcome>
  /** SIGKILL. Idempotent; `exited` follows. */
  readonly kill: () => void
  /** Resolves once, when the process is gone. */
  readonly exited: Promise<ProcessExit>
  /**
   * Present where a part of the process is its job's alone: an entry script. Ends that part in peace, and resolves to
   * the rest, which has forgotten the job; undefined if all of it ends, which needs no `kill`. Nothing may be run any
   * more.
   */
  readonly leave?: () => Promise<IdleRuntime | undefined>
}

/** A runtime process with its model that no script uses, for the next job of its kind. */
export interface IdleRuntime extends Pick<WorkerProcess, 'pid' | 'kill' | 'exited'> {
  /** Like `ModelRuntime.start`, for a job of the same kind. Whatever goes wrong, nothing of it is left. */
  readonly start: ModelRuntime['start']
}

/** What a worker process is started with; it serves one job. */
export interface StartProcess {
  readonly spec: JobSpec
  /**
   * Absolute path of the `.onnx`; external data files lie beside it under their own names. Undefined for a
   * script without a model that needs no name.
   */
  readonly modelPath: string | undefined
  /** The same of models that a script asks for by name; left out: none. */
  readonly models?: Readonly<Record<string, string>>
  /** Folder in which the files of the job's script lie; present exactly where the job has one. */
  readonly scriptFolder?: string
  /** Folder of each of the job's side inputs, by name; its files lie below under their own paths. */
  readonly sideInputs?: Readonly<Record<string, string>>
  /** Folders of inputs whose files the script opens by itself, by name: it may read all that is below them. */
  readonly directFolders?: Readonly<Record<string, string>>
  /** The job the process works for: names its logs. */
  readonly job?: JobId
  /** Number of the process among those of its job on this machine, from 0; free numbers are used again. */
  readonly workerIndex?: number
  /** Threads one inference may use. */
  readonly threads: number
  /** Memory the process may use; a model that cannot fit is refused before it is loaded. */
  readonly memoryBytes: number
  readonly signal: AbortSignal
}

/** Looks at models and starts the processes that run them. */
export interface ModelRuntime {
  /**
   * Reads a model file without loading it into a runtime: external data names that leave the folder,
   * custom operators and broken files are refused. `path` is the `.onnx` itself (a folder that holds just
   * one may be given), `files` the names of the model's files beside it, the `.onnx` first.
   */
  readonly inspect: (path: string) => Promise<
    Result<
      {
        readonly facts: ModelDescription
        readonly path: string
        readonly files: readonly string[]
      },
      MusterError
    >
  >
  /** Checks that pre- and postprocessing fit the model; the error names both sides. */
  readonly checkFit: (
    spec: Omit<OnnxJobSpec, 'model' | 'sideInputs'>,
    facts: ModelDescription,
  ) => Result<void, MusterError>
  /** Starts a process and loads the model: resolves when it is ready to run. `InitFailed` in words. */
  readonly start: (options: StartProcess) => Promise<Result<WorkerProcess, MusterError>>
  /** Whether entry scripts may run here; asked once and remembered. */
  readonly scripts: () => Promise<ScriptSafety>
  /** Execution providers that work on this machine, best first, `cpu` last; `cpu` alone until they were probed. */
  readonly devices: () => readonly string[]
  /** The same once they were probed, at the first call; what was found before is remembered. Never rejects. */
  readonly probeDevices: () => Promise<readonly string[]>
  /** One sentence for each execution provider, whether it works here and why not; probes first if need be. */
  readonly describeDevices: () => Promise<readonly string[]>
}

/** Whether this machine runs entry scripts, and how well they are shut in. */
export type ScriptSafety =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'sandbox'; readonly words: string }
  | { readonly kind: 'seat-belt'; readonly words: string }
