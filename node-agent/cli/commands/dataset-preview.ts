import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PreviewView } from '#protocol/control/registry-views.ts'
import type { Setting } from '../arguments.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import { bytesText, dateText } from '../text.ts'

interface Options {
  readonly head?: number
  readonly share?: string
  readonly datastore?: string
  readonly pattern?: readonly string[]
  readonly table?: boolean
  readonly option?: Record<string, Setting>
}

export const datasetPreview = async (
  cli: Cli,
  data: string,
  options: Options,
): Promise<ExitCode> => {
  const answer = await cli.call('previewData', {
    body: {
      input: inputOf(data, options),
      ...(options.head === undefined ? {} : { count: options.head }),
    },
  })
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (answer.kind === 'files') await printFiles(cli, answer)
  else await printRows(cli, answer)
  if (answer.more) await cli.screen.line('...')
  return exitCodes.done
}

/** A registered dataset, unless it looks like a path, or lies in a share or a datastore. */
const inputOf = (data: string, options: Options): Record<string, unknown> => {
  const { share, datastore, pattern, table, option } = options
  const isPlace = share !== undefined || datastore !== undefined
  const [, name, version] = /^([A-Za-z0-9][A-Za-z0-9_.-]*)(?::(\d+))?$/.exec(data) ?? []
  if (!isPlace && name !== undefined && !existsSync(data))
    return { dataset: name, ...(version === undefined ? {} : { version: Number(version) }) }
  return {
    path: isPlace ? data : resolve(data),
    ...(share === undefined ? {} : { share }),
    ...(datastore === undefined ? {} : { datastore }),
    ...(pattern === undefined ? {} : { patterns: pattern }),
    ...(table === true || (!isPlace && isTableFile(data)) ? { type: 'table' } : {}),
    ...option,
  }
}

/** A lone file that is there and has the ending of a table can be looked at in no other way. */
const isTableFile = (path: string): boolean =>
  /\.(csv|tsv|jsonl|ndjson|parquet)$/i.test(path) &&
  statSync(path, { throwIfNoEntry: false })?.isFile() === true

const printFiles = (cli: Cli, { files }: PreviewView): Promise<void> =>
  files.length === 0
    ? cli.screen.line('No file there fits.')
    : printTable(
        cli.screen,
        [
          { title: 'FILE', text: ({ name }) => name },
          { title: 'SIZE', text: ({ bytes }) => bytesText(bytes), right: true },
          { title: 'CHANGED', text: ({ modifiedAt }) => dateText(modifiedAt) },
        ],
        files,
      )

const printRows = (cli: Cli, { columns, rows }: PreviewView): Promise<void> =>
  rows.length === 0
    ? cli.screen.line('No record there.')
    : printTable(
        cli.screen,
        [
          { title: 'RECORD', text: ({ name }) => name },
          ...columns.map((column) => ({
            title: column,
            text: ({ value, problem }: PreviewView['rows'][number]) =>
              value === null
                ? column === columns[0]
                  ? `(${problem})`
                  : ''
                : cellOf(value[column]),
          })),
        ],
        rows,
      )

const cellOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
