import { resolve } from 'node:path'
import type { QueryOf } from '#protocol/control/api.ts'
import type { RowPageView } from '#protocol/control/job-views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { formatOfName, outputFormats } from '#protocol/model/output.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import { readControlFile } from '../cli.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { exportRows, printExport } from '../rows/export-rows.ts'
import { readRows } from '../rows/read-rows.ts'
import type { Rows } from '../rows/read-rows.ts'
import { printRowTable } from '../rows/row-table.ts'
import { csvParts, jsonLines } from '../rows/row-text.ts'
import { writeWhole } from '../rows/write-whole.ts'
import { countText } from '../text.ts'

interface Options {
  readonly head?: number
  readonly format?: 'table' | OutputFormat
  readonly output?: string
  readonly only?: 'rows' | 'failures'
  readonly details?: boolean
  readonly overwrite?: boolean
}

/** Rows come a page at a time and leave as they come, so a million rows need no memory. */
export const jobResults = async (cli: Cli, job: string, options: Options): Promise<ExitCode> => {
  const { head, output, only, overwrite = false } = options
  const format = chooseFormat(cli, options)
  if (cli.json && output === undefined) {
    await cli.printJson(await onePage(rowsOf(cli, job, only, head ?? limits.pageRows)))
  } else if (format === 'table') {
    const rows = rowsOf(cli, job, only, head ?? limits.tableRows)
    const whyNone = async () => (await keptElsewhere(cli, job)) ?? noneOf(only)
    await printRowTable(cli.screen, rows, whyNone)
    if (only === 'failures') await tellUnlisted(cli, job, rows.total())
  } else if (options.details === true || only !== undefined) {
    const rows = rowsOf(cli, job, only, head ?? Infinity)
    await giveDetails(cli, rows, detailed(format), { output, overwrite })
    if (only !== 'rows' && head === undefined) await tellUnlisted(cli, job, rows.failures())
  } else if (output === undefined) {
    await printExport(cli, { job, format, head })
  } else {
    const wish = { job, format, head, path: resolve(output), overwrite }
    const { rows, bytes, elsewhere } = await exportRows(cli, wish)
    if (elsewhere > 0)
      cli.screen.note(
        (await keptElsewhere(cli, job)) ??
          `${countText(elsewhere, 'more row')} of the job are not here yet.`,
      )
    await tellWritten(cli, output, { rows, bytes, elsewhere })
  }
  return exitCodes.done
}

/** Why rows of the job will never be here; undefined where they may, or where no agent can be asked. */
const keptElsewhere = async (cli: Cli, job: string): Promise<string | undefined> => {
  if ((await readControlFile(cli.home)) === undefined) return undefined
  const { spec, rows, rowsHere, keeperName } = await cli.call('job', { query: { job } })
  if (spec['visibility'] !== 'keeper' || rowsHere > 0 || rows === 0) return undefined
  return `${countText(rows, 'row')} of the job stay on ${safe(keeperName)} alone, since its file says "visibility: keeper".`
}

const noneOf = (only: Options['only']): string =>
  only === 'failures' ? 'No item failed by itself here.' : 'No rows here yet.'

/** Failed items stand beside the rows of their mini-batch; one that failed whole has given none. */
const tellUnlisted = async (cli: Cli, job: string, listed: number): Promise<void> => {
  if ((await readControlFile(cli.home)) === undefined) return
  const { id, itemsFailed, rows, rowsHere } = await cli.call('job', { query: { job } })
  const unlisted = itemsFailed - listed
  if (unlisted <= 0 || rowsHere < rows) return
  cli.screen.note(
    `${countText(unlisted, 'more item')} failed with the whole mini-batch: \`muster job show ${id}\` says why, \`muster job retry-failed ${id}\` tries them again.`,
  )
}

const rowsOf = (cli: Cli, job: string, only: Options['only'], most: number): Rows => {
  const query: QueryOf<'results'> = { job, ...(only === undefined ? {} : { only }) }
  return readRows(cli, query, most)
}

/** Rows with their items, machines and attempts, and failed items. */
const giveDetails = async (
  cli: Cli,
  rows: Rows,
  format: 'csv' | 'jsonl',
  { output, overwrite }: { readonly output: string | undefined; readonly overwrite: boolean },
): Promise<void> => {
  const parts = format === 'csv' ? csvParts(rows) : jsonLines(rows)
  if (output === undefined) {
    for await (const part of parts) await cli.screen.write(part)
    return
  }
  await writeWhole(output, parts, overwrite)
  const failures = rows.failures()
  const facts = { rows: rows.taken() - failures, ...(failures === 0 ? {} : { failures }) }
  await tellWritten(cli, output, facts)
}

const tellWritten = async (
  cli: Cli,
  output: string,
  facts: {
    readonly rows: number
    readonly failures?: number
    readonly bytes?: number
    readonly elsewhere?: number
  },
): Promise<void> => {
  if (cli.json) {
    await cli.printJson({ output, ...facts })
    return
  }
  const { rows, failures = 0 } = facts
  const failed = failures === 0 ? '' : ` and ${countText(failures, 'failed item')}`
  await cli.screen.line(`Wrote ${countText(rows, 'row')}${failed} to ${output}.`)
}

/** The API's answer, as if it had been one page. */
const onePage = async (rows: Rows): Promise<RowPageView> => {
  const all = await Array.fromAsync(rows)
  return { rows: all, total: rows.total(), next: rows.next() }
}

const chooseFormat = (cli: Cli, { format, output }: Options): 'table' | OutputFormat => {
  if (output === undefined) {
    if (cli.json && format !== undefined)
      throw unfit('--format and --json do not go together; leave one out.')
    if (format === 'parquet')
      throw unfit('A Parquet file cannot be printed; give its name with --output.')
    return format ?? 'table'
  }
  const isNamed = outputFormats.some((one) => output.toLowerCase().endsWith(`.${one}`))
  const chosen = format ?? (isNamed ? formatOfName(output) : undefined)
  if (chosen !== undefined && chosen !== 'table') return chosen
  throw unfit(
    `Files are written as ${outputFormats.join(', ')}; choose with --format, or name the file so.`,
  )
}

const detailed = (format: OutputFormat): 'csv' | 'jsonl' => {
  if (format === 'csv' || format === 'jsonl') return format
  throw unfit('With --details or --only rows are given as csv or jsonl; choose one with --format.')
}

const unfit = (sentence: string): MusterFailure =>
  new MusterFailure(musterError('RequestInvalid', sentence))
