import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { limits } from '#protocol/limits.ts'
import { createTextAppender } from './disk.ts'

/** How rows become text. */
export interface OutputFormat {
  /** Text to append for a row, with its line end; it may be held back for a while. */
  readonly add: (value: string) => string
  /** What is still held back. */
  readonly end: () => string
  /** Set if the beginning of the file must be written again, which only the end of the rows tells. */
  readonly finish?: (temp: string, signal: AbortSignal) => Promise<void>
}

/**
 * CSV with a header. Columns are the keys of the first `limits.csvHeaderRows` rows, in the order in which
 * they appear; a row that is no object stands in the column `value`. Keys that appear only later are kept
 * too, together as JSON in a last column `other`, for which the file is written a second time.
 */
export const createCsvFormat = (): OutputFormat => {
  let held: Cells[] | undefined = []
  let columns: readonly string[] = []
  let known: ReadonlySet<string> = new Set()
  /** Records written before the first late key, the header included. */
  let narrow: number | undefined
  let written = 0

  const recordOf = (cells: Cells): string => {
    const fields = columns.map((column) => toField(cells.get(column)))
    const late = [...cells].filter(([key]) => !known.has(key))
    if (late.length > 0) narrow ??= written
    if (narrow !== undefined) fields.push(late.length === 0 ? '' : otherOf(late))
    written++
    return toRecord(fields)
  }
  const release = (): string => {
    if (held === undefined) return ''
    const first = held
    held = undefined
    if (first.length === 0) return ''
    columns = columnsOf(first)
    known = new Set(columns)
    written = 1
    return toRecord(columns) + first.map(recordOf).join('')
  }
  return {
    add: (value) => {
      const cells = cellsOf(value)
      if (held === undefined) return recordOf(cells)
      held.push(cells)
      return held.length < limits.csvHeaderRows ? '' : release()
    },
    end: release,
    finish: async (temp, signal) => {
      if (narrow !== undefined) await widen(temp, narrow, freeName(columns), signal)
    },
  }
}

/** A row's fields by column. */
type Cells = ReadonlyMap<string, unknown>

const cellsOf = (value: string): Cells => {
  const row = parse(value)
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    return new Map([['value', row]])
  return new Map(Object.entries(row))
}

const parse = (value: string): unknown => {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

const toField = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const columnsOf = (rows: readonly Cells[]): readonly string[] => {
  const columns = [...new Set(rows.flatMap((cells) => [...cells.keys()]))]
  return columns.length === 0 ? ['value'] : columns
}

const otherOf = (late: readonly (readonly [string, unknown])[]): string =>
  JSON.stringify(Object.fromEntries(late))

const freeName = (columns: readonly string[]): string => {
  let name = 'other'
  while (columns.includes(name)) name += '_'
  return name
}

/** RFC 4180, with plain line feeds. A record of one empty field is quoted, or it would be a blank line. */
const toRecord = (fields: readonly string[]): string =>
  fields.length === 1 && fields[0] === '' ? '""\n' : `${fields.map(quote).join(',')}\n`

const quote = (field: string): string =>
  /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field

/** Adds the last column to the first `records` records of a file: its name to the header, nothing else below. */
const widen = async (
  path: string,
  records: number,
  name: string,
  signal: AbortSignal,
): Promise<void> => {
  const wide = `${path}.wide.part`
  try {
    {
      await using file = await open(wide, 'w')
      const out = createTextAppender(file)
      let done = 0
      let quoted = false
      for await (const text of createReadStream(path, { encoding: 'utf8', signal })) {
        let from = 0
        const chunk = text as string
        for (let i = 0; done < records && i < chunk.length; i++) {
          const char = chunk.charAt(i)
          if (char === '"') quoted = !quoted
          if (char !== '\n' || quoted) continue
          await out.append(`${chunk.slice(from, i)},${done === 0 ? quote(name) : ''}`)
          from = i
          done++
        }
        await out.append(chunk.slice(from))
      }
      await out.flush()
      await file.sync()
    }
    await rename(wide, path)
  } catch (thrown) {
    await rm(wide, { force: true })
    throw thrown
  }
}
