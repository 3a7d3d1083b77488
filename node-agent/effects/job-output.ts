import type { OutputWriter, WrittenFile } from '#agent/ports/output.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { formatOfName } from '#protocol/model/output.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Where the output of a job goes, and whether it may. */

/** Into the folder of this run, or the one that was asked for; what somebody else put there stays. */
export const writeOutput = (
  writer: OutputWriter,
  { id, spec }: Job,
  more: {
    readonly outputFolder: (job: JobId) => string
    /** See `RowFileWish`. */
    readonly mapHash: string
    readonly signal: AbortSignal
  },
): Promise<Result<WrittenFile, MusterError>> =>
  writer.write(
    {
      job: id,
      folder: spec.outputPlace?.path ?? more.outputFolder(id),
      fileName: spec.outputFileName,
      format: formatOfName(spec.outputFileName),
      ...(spec.outputDelimiter === undefined ? {} : { delimiter: spec.outputDelimiter }),
      ...(spec.outputHeader === undefined ? {} : { header: spec.outputHeader }),
      present: spec.outputPlace?.overwrite === true ? 'replaced' : 'other-name',
      mapHash: more.mapHash,
    },
    more.signal,
  )

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

/** Folder below a job's output folder that holds the files of its scripts. */
export const filesFolder = 'files'
