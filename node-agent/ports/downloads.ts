import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { Result } from '#protocol/model/result.ts'

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
