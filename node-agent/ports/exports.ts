import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import type { Result } from '#protocol/model/result.ts'
import type { WrittenFile } from './output.ts'

/** Rows of a job as a person wants them, at any time. */
export interface ExportWish {
  readonly job: JobId
  readonly format: OutputFormat
  /** Rows at most; undefined: all that are here. */
  readonly most?: number
  readonly delimiter?: string
  readonly header?: boolean
}

/** Writes rows that are in the store, whatever became of the job's own output. */
export interface Exports {
  /** Into a file at an absolute path, in a folder that is there. `OutputExists` without `overwrite`. */
  readonly toFile: (
    wish: ExportWish & { readonly path: string; readonly overwrite: boolean },
    signal: AbortSignal,
  ) => Promise<Result<WrittenFile, MusterError>>
  /** For sending on; whoever takes `parts` reads them to their end or closes them. */
  readonly toParts: (
    wish: ExportWish,
    signal: AbortSignal,
  ) => Promise<Result<ExportedParts, MusterError>>
}

/** The bytes of an export, to be read once and in order. */
export interface ExportedParts {
  /** All of them. */
  readonly bytes: number
  readonly parts: AsyncIterable<Uint8Array>
}
