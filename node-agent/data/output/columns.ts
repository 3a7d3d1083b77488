import { limits } from '#protocol/limits.ts'

/** Columns of rows that are JSON texts: how text files and Parquet files lay rows out. */
export interface Columns {
  /** Keys in the order in which they first appear; a row that is no object stands in the column `value`. */
  readonly names: readonly string[]
  /** Name of a last column for keys beyond `limits.outputColumns`, as JSON; undefined if there are none. */
  readonly rest: string | undefined
}

/** A row by its keys. */
export type Row = Readonly<Record<string, unknown>>

/** JSON text as a row; text that is no JSON is a row by itself. */
export const readRow = (value: string): Row => {
  const row = parse(value)
  return typeof row === 'object' && row !== null && !Array.isArray(row)
    ? (row as Row)
    : { value: row }
}

/** Rows come from other machines: what they call JSON is looked at. */
export const parse = (value: string): unknown => {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

/** Collects the columns of rows. */
export const createColumnBook = () => {
  const names = new Set<string>()
  let overflows = false
  return {
    add: (row: Row): void => {
      for (const key of Object.keys(row)) {
        if (names.has(key)) continue
        if (names.size < limits.outputColumns) names.add(key)
        else overflows = true
      }
    },
    columns: (): Columns => {
      const list = names.size === 0 ? ['value'] : [...names]
      return { names: list, rest: overflows ? freeName(names) : undefined }
    },
  }
}

const freeName = (names: ReadonlySet<string>): string => {
  let name = 'other'
  while (names.has(name)) name += '_'
  return name
}

/**
 * A row's fields in the order of the columns; undefined in place of those it has not. Undefined as a whole
 * if it has a key that stands in no column.
 */
export const fieldsOf = (
  row: Row,
  { names, rest }: Columns,
  known: ReadonlySet<string>,
): readonly unknown[] | undefined => {
  // An inherited property is no field: a column may be called "constructor".
  const fields = names.map((name) => (Object.hasOwn(row, name) ? row[name] : undefined))
  const late = Object.entries(row).filter(([key]) => !known.has(key))
  if (rest === undefined) return late.length === 0 ? fields : undefined
  return [...fields, late.length === 0 ? undefined : Object.fromEntries(late)]
}

/** Text as it is, everything else as JSON; empty for nothing. */
export const fieldText = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
