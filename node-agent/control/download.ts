import { Readable } from 'node:stream'
import { musterError } from '#protocol/errors.ts'
import { outputFormats } from '#protocol/model/output.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import type { ControlBackend } from '#agent/ports/control-backend.ts'
import { errorAnswer } from './status.ts'

/** What a browser or program asks for, as texts. */
export interface DownloadAsked {
  readonly job: string
  readonly format: string | undefined
  readonly head: string | undefined
}

/** Rows as a file to save. It is never shown as a page, whatever stands in it. */
export const answerDownload = async (
  { job, format, head }: DownloadAsked,
  backend: ControlBackend,
  signal: AbortSignal,
): Promise<Response> => {
  const chosen = outputFormats.find((one) => one === format)
  if (chosen === undefined || job.length > 64 || !/^[1-9]\d{0,9}$/.test(head ?? '1')) {
    const formats = outputFormats.join(', ')
    const message = `A download needs a format (${formats}); head is a number from 1.`
    return errorAnswer(musterError('RequestInvalid', message))
  }
  const most = head === undefined ? undefined : Number(head)
  const result = await backend.download({ job, format: chosen, most }, signal)
  if (!result.ok) return errorAnswer(result.error)
  const { fileName, bytes, parts } = result.value
  return new Response(Readable.toWeb(Readable.from(parts)) as BodyInit, {
    headers: {
      'content-type': mediaTypes[chosen],
      'content-length': String(bytes),
      'content-disposition': `attachment; filename="${fileName.replaceAll(/[^\w.-]/g, '_')}"`,
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'no-store',
    },
  })
}

const mediaTypes: Readonly<Record<OutputFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  tsv: 'text/tab-separated-values; charset=utf-8',
  jsonl: 'application/jsonl; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
}
