import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RowView } from '#protocol/control/job-views.ts'

/** One JSON row view a line. */
export async function* jsonLines(rows: AsyncIterable<RowView>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`
}

/**
 * RFC 4180 with a line of names. The columns are those of all rows, which is known only at the end, so
 * the rows wait in a temporary file.
 */
export async function* csvParts(rows: AsyncIterable<RowView>): AsyncGenerator<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-rows-'))
  try {
    const file = join(folder, 'rows.jsonl')
    const names = new Set<string>()
    const noting = async function* () {
      for await (const row of rows) {
        for (const name of valueColumns(row)) names.add(name)
        yield row
      }
    }
    await pipeline(Readable.from(jsonLines(noting())), createWriteStream(file, { mode: 0o600 }))
    const columns = [...names]
    yield csvLine([...leading, ...columns.map(aside), ...trailing])
    for await (const line of createInterface({
      input: createReadStream(file),
      crlfDelay: Infinity,
    })) {
      yield csvRow(JSON.parse(line) as RowView, columns)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const leading = ['item', 'name'] as const
const trailing = ['mini_batch', 'machine', 'attempt', 'failure'] as const

/** A value's own `name` or `item` keeps its column apart from ours. */
const aside = (name: string): string =>
  [...leading, ...trailing].some((own) => own === name) ? `value.${name}` : name

const csvRow = (row: RowView, columns: readonly string[]): string =>
  csvLine([
    String(row.item),
    row.name,
    ...columns.map((name) => cellOf(row, name)),
    String(row.miniBatch),
    row.peerName,
    String(row.attempt),
    row.failure,
  ])

const csvLine = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`

/** Names of a row's columns: the fields of an object, else one column `value`; none for a failed item. */
export const valueColumns = ({ value, failure }: RowView): readonly string[] => {
  if (failure !== '') return []
  return isObject(value) ? Object.keys(value) : ['value']
}

/** Text as it is, everything else as JSON; empty where the row has no such field. */
export const cellOf = (row: RowView, name: string): string => {
  if (row.failure !== '') return ''
  const value = isObject(row.value) ? row.value[name] : name === 'value' ? row.value : undefined
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
