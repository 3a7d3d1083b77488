import type { RowSource } from '#agent/ports/output.ts'
import { limits } from '#protocol/limits.ts'
import { createColumnBook, fieldsOf, fieldText, parse, readRow } from './columns.ts'
import type { Columns, Row } from './columns.ts'
import type { Sink } from './sink.ts'

/** Rows written. */
type Count = number

/** One JSON value a line. */
export const writeJsonLines = (rows: RowSource, sink: Sink): Count => {
  let count = 0
  for (const value of rows.values()) {
    sink.text(`${oneLine(value, parse(value))}\n`)
    count += 1
  }
  return count
}

/** One line an element: a string stands as it is, unless its line breaks would make several lines of it. */
export const writeLines = (rows: RowSource, sink: Sink): Count => {
  let count = 0
  for (const value of rows.values()) {
    const row = parse(value)
    const isLine = typeof row === 'string' && !/[\r\n]/.test(row)
    sink.text(`${isLine ? row : oneLine(value, row)}\n`)
    count += 1
  }
  return count
}

/** JSON text on one line; text that is no JSON is a string by itself. */
const oneLine = (value: string, row: unknown): string =>
  row === value || /[\r\n]/.test(value) ? JSON.stringify(row) : value

export interface Delimited {
  /** One character. */
  readonly delimiter: string
  readonly header: boolean
}

/**
 * Columns of text: RFC 4180 with line feeds, with whatever delimiter. The columns are those of all rows.
 * Most jobs return rows of one kind, so the first rows are asked, and all of them only if that was wrong.
 */
export const writeDelimited = (rows: RowSource, sink: Sink, form: Delimited): Count => {
  const early = columnsOf(rows, limits.csvHeaderRows)
  const count = writeRecords(rows, sink, form, early)
  if (count !== undefined) return count
  sink.restart()
  const written = writeRecords(rows, sink, form, columnsOf(rows, Infinity))
  if (written === undefined) throw new Error('rows have other columns than when they were read')
  return written
}

const columnsOf = (rows: RowSource, most: number): Columns => {
  const book = createColumnBook()
  let seen = 0
  for (const value of rows.values()) {
    if (seen >= most) break
    book.add(readRow(value))
    seen += 1
  }
  return book.columns()
}

/** Undefined if a row has a key that is in no column. */
const writeRecords = (
  rows: RowSource,
  sink: Sink,
  form: Delimited,
  columns: Columns,
): Count | undefined => {
  const record = createRecord(form.delimiter)
  const known = new Set(columns.names)
  let count = 0
  for (const value of rows.values()) {
    const row = readRow(value)
    if (count === 0 && form.header) sink.text(headerOf(columns, record))
    const fields = fieldsInOrder(row, columns) ?? fieldsOf(row, columns, known)
    if (fields === undefined) return undefined
    sink.text(record(fields))
    count += 1
  }
  return count
}

/** The fields of a row that has just the columns' keys in their order, as most have; else undefined. */
const fieldsInOrder = (row: Row, { names, rest }: Columns): readonly unknown[] | undefined => {
  const keys = Object.keys(row)
  if (keys.length !== names.length || rest !== undefined) return undefined
  for (let at = 0; at < keys.length; at++) if (keys[at] !== names[at]) return undefined
  return Object.values(row)
}

const headerOf = (
  { names, rest }: Columns,
  record: (fields: readonly unknown[]) => string,
): string => record(rest === undefined ? names : [...names, rest])

/** A record of one empty field is quoted, or it would be a blank line. */
const createRecord = (delimiter: string): ((fields: readonly unknown[]) => string) => {
  const special = new RegExp(`["\\r\\n${delimiter.replace(/[\\\]^-]/, String.raw`\$&`)}]`)
  const plainNumbers = !/[-+.eE\d]/.test(delimiter)
  const quoted = (value: unknown): string => {
    if (typeof value === 'number' && plainNumbers) return String(value)
    const field = fieldText(value)
    return special.test(field) ? `"${field.replaceAll('"', '""')}"` : field
  }
  return (fields) => {
    let text = quoted(fields[0])
    if (fields.length === 1 && text === '') return '""\n'
    for (let at = 1; at < fields.length; at++) text += delimiter + quoted(fields[at])
    return `${text}\n`
  }
}
