import type { OutputWriter } from '#agent/ports/output.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { formatOfName } from '#protocol/model/output.ts'
import type { JobSealed } from '#protocol/model/record.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Where the output of a job goes, and whether it may. */

/** Folder below a job's output folder that holds the files of its scripts. */
const filesFolder = 'files'

export interface OutputWish {
  readonly outputFolder: (job: JobId) => string
  /** See `RowFileWish`. */
  readonly mapHash: string
  /** Whether the rows are written; files always are, since they stand nowhere else. */
  readonly withRows: boolean
  readonly signal: AbortSignal
}

/** What a seal says of the output, and what people should know of it. */
export type WrittenOutput = Pick<JobSealed, 'output' | 'outputFiles'> & { readonly note: string }

/** Into the folder of this run, or the one that was asked for; what somebody else put there stays. */
export const writeOutput = async (
  writer: OutputWriter,
  { id, spec }: Job,
  wish: OutputWish,
): Promise<Result<WrittenOutput, MusterError>> => {
  const { mapHash, signal } = wish
  const place = {
    job: id,
    folder: spec.outputPlace?.path ?? wish.outputFolder(id),
    // In the run's own folder only an earlier try can stand, of an agent that was killed before its seal.
    present: spec.outputPlace?.overwrite === false ? 'other-name' : 'replaced',
    mapHash,
  } as const
  let output = ''
  if (wish.withRows) {
    const rows = await writer.write({ ...place, ...formOf(spec) }, signal)
    if (!rows.ok) return rows
    output = rows.value.path
  }
  if (spec.runtime !== 'node') return ok({ output, note: '' })
  const files = await writer.writeFiles({ ...place, name: filesFolder }, signal)
  if (!files.ok) return files
  const { note, ...outputFiles } = files.value
  return ok({ output, note, ...(outputFiles.count === 0 ? {} : { outputFiles }) })
}

const formOf = (spec: Job['spec']) => ({
  fileName: spec.outputFileName,
  format: formatOfName(spec.outputFileName),
  ...(spec.outputDelimiter === undefined ? {} : { delimiter: spec.outputDelimiter }),
  ...(spec.outputHeader === undefined ? {} : { header: spec.outputHeader }),
})

/** `OutputExists` if the job would have to replace what is there, and may not. */
export const checkPlace = async (
  writer: OutputWriter,
  spec: Pick<Job['spec'], 'outputAction' | 'outputFileName' | 'outputPlace' | 'runtime'>,
): Promise<Result<void, MusterError>> => {
  const { outputPlace } = spec
  if (outputPlace === undefined || outputPlace.overwrite) return ok(undefined)
  const rows = spec.outputAction === 'append_row' ? [spec.outputFileName] : []
  const files = spec.runtime === 'node' ? [filesFolder] : []
  return writer.checkFree(outputPlace.path, [...rows, ...files])
}
