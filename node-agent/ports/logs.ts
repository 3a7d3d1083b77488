import type { MusterError } from '#protocol/errors.ts'
import type { JobId, Millis } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'

/** What one worker process printed, while it ran. */
export interface ProcessLog {
  /** Number among the processes of its job on its machine. */
  readonly process: number
  readonly startedAt: Millis
  readonly bytes: number
}

/** What worker processes of jobs printed on this machine. */
export interface ProcessLogs {
  /** By process and start. */
  readonly list: (job: JobId) => Promise<readonly ProcessLog[]>
  /** Its newest bytes, `most` at most; none if it is gone. */
  readonly read: (job: JobId, log: ProcessLog, most: number) => Promise<Uint8Array>
}

/** The folder `logs` of a run on its keeper. */
export interface RunLogs {
  /** Absolute; it may not be there. */
  readonly folder: (job: JobId) => string
  /** Writes a file below it, whole or not at all, in place of what is there. */
  readonly write: (
    job: JobId,
    path: string,
    parts: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  ) => Promise<Result<void, MusterError>>
  /** Files below it with their sizes; their paths have `/`. */
  readonly list: (
    job: JobId,
  ) => Promise<readonly { readonly path: string; readonly bytes: number }[]>
  /** Newest bytes of a file that `list` named, `most` at most; none if it is gone. */
  readonly read: (job: JobId, path: string, most: number) => Promise<Uint8Array>
}
