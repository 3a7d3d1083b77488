import type { BodyOf } from '#protocol/control/api.ts'
import type { ExportView } from '#protocol/control/job-views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import { readControlFile } from '../cli.ts'
import type { Cli } from '../cli.ts'

interface RowsWanted {
  readonly job: string
  readonly format: OutputFormat
  /** Undefined: all. */
  readonly head: number | undefined
}

export interface FileWanted extends RowsWanted {
  /** Absolute. */
  readonly path: string
  readonly overwrite: boolean
}

/** Through the agent if it runs; else here, out of its store. */
export const exportRows = async (cli: Cli, wanted: FileWanted): Promise<ExportView> => {
  const { job, path, format, head, overwrite } = wanted
  if ((await readControlFile(cli.home)) === undefined) return exportHere(cli, wanted)
  const body: BodyOf<'exportRows'> = {
    path,
    format,
    overwrite,
    ...(head === undefined ? {} : { head }),
  }
  return cli.call('exportRows', { query: { job }, body })
}

const exportHere = async ({ home }: Cli, wanted: FileWanted): Promise<ExportView> => {
  const { exportOffline } = await import('#agent/offline.ts')
  const written = await exportOffline(home, wanted)
  if (!written.ok) throw new MusterFailure(written.error)
  return written.value
}

/** Text formats only: whoever calls has looked. */
export const printExport = async (cli: Cli, { job, format, head }: RowsWanted): Promise<void> => {
  const client = await cli.connect()
  const text = new TextDecoder()
  const parts = client.download(job, format, { signal: cli.signal, head })
  for await (const part of parts) await cli.screen.write(text.decode(part, { stream: true }))
}
