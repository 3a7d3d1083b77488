import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { RowSource } from '#agent/ports/output.ts'
import { limits } from '#protocol/limits.ts'
import { createColumnBook, fieldsOf, fieldText, readRow } from './columns.ts'
import type { Columns, Row } from './columns.ts'
import type { Sink } from './sink.ts'

/**
 * A Parquet file, compressed with Snappy. The types come from all rows, so they are read twice; what is
 * held in memory is one row group. Every column may be null.
 */
export const writeParquet = (rows: RowSource, sink: Sink): number => {
  const table = describe(rows)
  const bytes = createBytes(sink)
  const file = new ParquetWriter({ writer: bytes, schema: schemaOf(table), createdBy: 'muster' })
  let group = emptyGroup(table)
  let count = 0
  const close = (): void => {
    if (group.rows === 0) return
    void file.write({ columnData: group.columns, rowGroupSize: group.rows })
    group = emptyGroup(table)
  }
  const most = Math.max(
    1,
    Math.min(limits.rowGroupRows, Math.floor(groupCells / table.kinds.length)),
  )
  for (const value of rows.values()) {
    addRow(group, table, readRow(value))
    group.chars += value.length
    count += 1
    if (group.rows >= most || group.chars >= limits.rowGroupBytes) close()
  }
  close()
  void file.finish()
  return count
}

/** Values in one row group, those that are null included: each takes a place in an array. */
const groupCells = 4_000_000

interface Table {
  readonly columns: Columns
  readonly names: readonly string[]
  readonly known: ReadonlySet<string>
  readonly kinds: readonly Kind[]
}

type Kind = 'BOOLEAN' | 'INT64' | 'DOUBLE' | 'STRING'

/** Bits of what a column was seen to hold. */
const seen = { boolean: 1, whole: 2, number: 4, other: 8 } as const

const describe = (rows: RowSource): Table => {
  const book = createColumnBook()
  const bitsByName = new Map<string, number>()
  for (const value of rows.values()) {
    const row = readRow(value)
    book.add(row)
    for (const [name, field] of Object.entries(row))
      bitsByName.set(name, (bitsByName.get(name) ?? 0) | bitOf(field))
  }
  const columns = book.columns()
  const names = columns.rest === undefined ? columns.names : [...columns.names, columns.rest]
  const kinds = names.map((name, place) =>
    place < columns.names.length ? kindOf(bitsByName.get(name) ?? 0) : 'STRING',
  )
  return { columns, names, known: new Set(columns.names), kinds }
}

const bitOf = (field: unknown): number => {
  if (field === null || field === undefined) return 0
  if (typeof field === 'boolean') return seen.boolean
  if (typeof field !== 'number') return seen.other
  // A whole number beyond 2^53 was rounded already, and -0 is not 0: only a float can hold either.
  return Number.isSafeInteger(field) && !Object.is(field, -0) ? seen.whole : seen.number
}

const kindOf = (bits: number): Kind => {
  if (bits === seen.boolean) return 'BOOLEAN'
  if (bits === seen.whole) return 'INT64'
  if (bits === seen.number || bits === (seen.number | seen.whole)) return 'DOUBLE'
  return 'STRING'
}

const schemaOf = ({ names, kinds }: Table) => [
  { name: 'root', num_children: names.length },
  ...names.map((name, place) => {
    const kind = kinds[place] ?? 'STRING'
    return kind === 'STRING'
      ? {
          name,
          type: 'BYTE_ARRAY' as const,
          converted_type: 'UTF8' as const,
          repetition_type: 'OPTIONAL' as const,
        }
      : { name, type: kind, repetition_type: 'OPTIONAL' as const }
  }),
]

interface Group {
  readonly columns: { readonly name: string; readonly data: unknown[] }[]
  rows: number
  chars: number
}

const emptyGroup = ({ names }: Table): Group => ({
  columns: names.map((name) => ({ name, data: [] })),
  rows: 0,
  chars: 0,
})

const addRow = (group: Group, { columns, known, kinds }: Table, row: Row): void => {
  const fields = fieldsOf(row, columns, known)
  if (fields === undefined) throw new Error('a row has other keys than when it was read before')
  for (const [place, field] of fields.entries())
    group.columns[place]?.data.push(toCell(field, kinds[place] ?? 'STRING'))
  group.rows += 1
}

const toCell = (field: unknown, kind: Kind): unknown => {
  if (field === null || field === undefined) return null
  if (kind === 'STRING') return fieldText(field)
  return kind === 'INT64' ? BigInt(field as number) : field
}

/** The library's buffer, emptied into the file after each row group. */
const createBytes = (sink: Sink): ByteWriter => {
  const writer = new ByteWriter()
  const flush = (): void => {
    sink.bytes(writer.getBytes())
    writer.index = 0
  }
  return Object.assign(writer, { flush, finish: flush })
}
