import type { QueryOf } from '#protocol/control/api.ts'
import type { RowPageView } from '#protocol/control/views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { readRows } from '../rows/read-rows.ts'
import type { Rows } from '../rows/read-rows.ts'
import { printRowTable } from '../rows/row-table.ts'
import { csvParts, jsonLines } from '../rows/row-text.ts'
import { writeWhole } from '../rows/write-whole.ts'
import { countText } from '../text.ts'

type Format = 'table' | 'jsonl' | 'csv'

interface Options {
  readonly head?: number
  readonly format?: Format
  readonly output?: string
  readonly only?: 'rows' | 'failures'
}

/** Rows come a page at a time and leave as they come, so a million rows need no memory. */
export const jobResults = async (cli: Cli, job: string, options: Options): Promise<ExitCode> => {
  const format = chooseFormat(cli, options)
  const query: QueryOf<'results'> = {
    job,
    ...(options.only === undefined ? {} : { only: options.only }),
  }
  if (options.output !== undefined) {
    const rows = readRows(cli, query, options.head ?? Infinity)
    await writeWhole(options.output, format === 'csv' ? csvParts(rows) : jsonLines(rows))
    const count = rows.taken()
    if (cli.json) await cli.printJson({ output: options.output, rows: count })
    else await cli.screen.line(`Wrote ${countText(count, 'row')} to ${options.output}.`)
    return exitCodes.done
  }
  if (cli.json) {
    await cli.printJson(await onePage(readRows(cli, query, options.head ?? limits.pageRows)))
  } else if (format === 'table') {
    await printRowTable(cli.screen, readRows(cli, query, options.head ?? limits.tableRows))
  } else {
    const rows = readRows(cli, query, options.head ?? Infinity)
    for await (const part of format === 'csv' ? csvParts(rows) : jsonLines(rows)) {
      await cli.screen.write(part)
    }
  }
  return exitCodes.done
}

/** The API's answer, as if it had been one page. */
const onePage = async (rows: Rows): Promise<RowPageView> => {
  const all = await Array.fromAsync(rows)
  return { rows: all, total: rows.total(), next: rows.next() }
}

const chooseFormat = (cli: Cli, { format, output }: Options): Format => {
  const ofName = /\.(csv|jsonl)$/i.exec(output ?? '')?.[1]?.toLowerCase() as Format | undefined
  if (output === undefined) {
    if (cli.json && format !== undefined)
      throw unfit('--format and --json do not go together; leave one out.')
    return format ?? 'table'
  }
  const chosen = format ?? ofName
  if (chosen === 'jsonl' || chosen === 'csv') return chosen
  throw unfit(
    'Files are written as jsonl or csv; choose with --format, or name the file .jsonl or .csv.',
  )
}

const unfit = (sentence: string): MusterFailure =>
  new MusterFailure(musterError('RequestInvalid', sentence))
