import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash, JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import type { OutputFile } from '#protocol/model/rows.ts'

/** A file of rows that is wanted. */
export interface RowFileWish {
  readonly job: JobId
  /** Absolute folder; made if it is missing. */
  readonly folder: string
  readonly fileName: string
  readonly format: OutputFormat
  /** Between the fields of a row, for formats with columns of text; undefined: as usual for the format. */
  readonly delimiter?: string
  /** Whether the names of the columns come first; undefined: as usual for the format. */
  readonly header?: boolean
  /** What becomes of a file of that name: another name is taken, it is replaced, or the wish is refused. */
  readonly present: 'other-name' | 'replaced' | 'refused'
  /** Rows at most; undefined: all. */
  readonly most?: number
  /**
   * What must count (`SealFacts.mapHash`), with all its rows here; undefined: whatever is here. If it is not
   * so, nothing is written and the error is retryable.
   */
  readonly mapHash?: string
}

/** The files of scripts, wanted in the folder `files` of a job's output folder. */
export interface FilesWish {
  readonly job: JobId
  /** Absolute folder; made if it is missing. */
  readonly folder: string
  /** Name of the folder in it that holds the files and nothing else. */
  readonly name: string
  /** What becomes of a folder of that name: another name is taken, or it is replaced. */
  readonly present: 'other-name' | 'replaced'
  /** See `RowFileWish`. */
  readonly mapHash: string
}

/** Files of scripts that were laid out. */
export interface WrittenFiles {
  /** Absolute; empty if there were no files. */
  readonly folder: string
  readonly count: number
  readonly bytes: number
  /** What a person should know of them, in sentences; empty if nothing. */
  readonly note: string
}

/** The file with the rows, complete and under its name. */
export interface WrittenFile {
  /** Absolute. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

/**
 * Writes rows from the store into files, away from the agent's own thread. A file is complete under its
 * name or not there: written beside it, fsynced, renamed. Disposing gives up what is being written.
 */
export interface OutputWriter extends AsyncDisposable {
  /** All rows of one state of the store in plan order. `OutputExists`, `DiskFull`, `HomeNotWritable`, `Aborted`. */
  readonly write: (
    wish: RowFileWish,
    signal: AbortSignal,
  ) => Promise<Result<WrittenFile, MusterError>>
  /**
   * Lays out the files of all counted mini-batches from their packs, which must be here: `BlobMissing`. The
   * folder is complete under its name or not there.
   */
  readonly writeFiles: (
    wish: FilesWish,
    signal: AbortSignal,
  ) => Promise<Result<WrittenFiles, MusterError>>
  /** `OutputExists` in words if something of these names stands in the folder. */
  readonly checkFree: (
    folder: string,
    names: readonly string[],
  ) => Promise<Result<void, MusterError>>
}

/** The rows of one job in one state of the store, for whoever writes them; read as often as need be. */
export interface RowSource {
  /** JSON text of each row in plan order; failed items have none. */
  readonly values: () => Iterable<string>
}

/** The files that one mini-batch left. */
export interface MiniBatchFiles {
  readonly miniBatch: MiniBatchIndex
  readonly pack: BlobHash
  readonly list: readonly OutputFile[]
}

/** The files of a job in one state of the store; read as often as need be. */
export interface FileSource {
  /** Mini-batches in plan order; those without files are left out. */
  readonly files: () => Iterable<MiniBatchFiles>
}
