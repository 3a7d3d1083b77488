import type { ControlHandlers, ControlBackend } from '#agent/ports/control-backend.ts'
import type { ExportWish, Exports } from '#agent/ports/exports.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { formatOfName } from '#protocol/model/output.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

export interface ExportHandlerDeps {
  readonly exports: Exports
  readonly find: (key: string) => Promise<Result<JobFold, MusterError>>
}

/** Rows of a job into a file on this machine. */
export const exportHandlers = ({
  exports,
  find,
}: ExportHandlerDeps): Pick<ControlHandlers, 'exportRows'> => ({
  exportRows: async ({ query, body, signal }) => {
    const fold = await find(query.job)
    if (!fold.ok) return fold
    const { path, format = formatOfName(path), overwrite = false, head, ...form } = body
    const wish: ExportWish = {
      job: fold.value.job.id,
      format,
      ...optional({ most: head, ...form }),
    }
    const refusal = columnsWanted(wish)
    if (refusal !== undefined) return err(refusal)
    const written = await exports.toFile({ ...wish, path, overwrite }, signal)
    return written.ok ? ok({ ...written.value, elsewhere: elsewhereOf(fold.value) }) : written
  },
})

/** The same, sent to whoever asks. */
export const createDownload =
  ({ exports, find }: ExportHandlerDeps): ControlBackend['download'] =>
  async ({ job, format, most }, signal) => {
    const fold = await find(job)
    if (!fold.ok) return fold
    const { id, spec } = fold.value.job
    const made = await exports.toParts({ job: id, format, ...optional({ most }) }, signal)
    return made.ok ? ok({ ...made.value, fileName: `${spec.name}-${id}.${format}` }) : made
  }

/** Rows of the job that only others hold now. */
const elsewhereOf = ({ rows, rowsHere }: JobFold): number => Math.max(0, rows - rowsHere)

const columnsWanted = ({ format, delimiter, header }: ExportWish): MusterError | undefined => {
  const isText = format !== 'jsonl' && format !== 'parquet'
  if (isText || (delimiter === undefined && header === undefined)) return undefined
  const message = `Delimiter and header are for files with columns of text, but ${format} has none.`
  return musterError('RequestInvalid', message)
}

/** Without the fields that were not given. */
const optional = (wish: {
  readonly most?: number | undefined
  readonly delimiter?: string | undefined
  readonly header?: boolean | undefined
}): Pick<ExportWish, 'most' | 'delimiter' | 'header'> => ({
  ...(wish.most === undefined ? {} : { most: wish.most }),
  ...(wish.delimiter === undefined ? {} : { delimiter: wish.delimiter }),
  ...(wish.header === undefined ? {} : { header: wish.header }),
})
