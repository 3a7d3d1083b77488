import { endScan, scanRecords, startScan } from '#agent/job/cut/records.ts'
import type { RecordRule } from '#agent/job/cut/records.ts'
import { splitFields } from '#agent/job/cut/fields.ts'
import { limits } from '#protocol/limits.ts'
import type { TableFormat } from '#protocol/model/input.ts'
import type { OpenFile } from './file-access.ts'
import { foreignBytes, foreignLines } from './foreign.ts'

/** How a table of text is written. */
export interface TextFormat {
  readonly format: TableFormat
  readonly delimiter: string
  readonly header: boolean
}

/** Where a file's records begin, and what its columns are called. */
export interface TextHead {
  readonly columns: readonly string[]
  /** Position of the first byte behind byte order mark and header. */
  readonly start: number
}

export const ruleOf = ({ format, delimiter }: TextFormat): RecordRule => ({
  delimiter: format === 'delimited' ? delimiter.charCodeAt(0) : undefined,
  longest: limits.openQuoteBytes,
})

/** A text instead is the second half of a sentence: why the file cannot be read. */
export const readTextHead = async (file: OpenFile, how: TextFormat): Promise<TextHead | string> => {
  const first = await file.block(0)
  const start = first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf ? 3 : 0
  const problem = foreignBytes(first) ?? foreignLines(first, start, ruleOf(how).delimiter)
  if (problem !== undefined) return problem
  if (how.format !== 'delimited') return { columns: [], start }
  const record = await firstRecord(file, ruleOf(how), start)
  if (record === undefined) return { columns: [], start }
  if (record.bytes.length > limits.openQuoteBytes)
    return `has a first record of more than ${limits.openQuoteBytes} bytes: is it a table, and is the delimiter right?`
  const fields = fieldsOf(record.bytes, how.delimiter)
  if (typeof fields === 'string') return `has a first record that ${fields}: correct it.`
  if (fields.length > limits.tableColumns)
    return `has ${fields.length} columns, more than the ${limits.tableColumns} a table may have.`
  const columns = nameColumns(how.header ? fields : fields.map(() => ''))
  const long = columns.find((name) => name.length > limits.columnNameLength)
  if (long !== undefined)
    return `has a column whose name has more than ${limits.columnNameLength} characters ("${long.slice(0, 40)}..."): does its first record name the columns?`
  return { columns, start: how.header ? record.end : start }
}

const firstRecord = async (
  file: OpenFile,
  rule: RecordRule,
  start: number,
): Promise<{ readonly bytes: Uint8Array; readonly end: number } | undefined> => {
  const scan = startScan(rule, start)
  const { found } = scan
  for (;;) {
    const block = await file.block(scan.at)
    if (block.length === 0) {
      if (endScan(scan)) break
    } else scanRecords(scan, block)
    if (found.count > 0 || scan.at - start > 2 * limits.openQuoteBytes) break
  }
  if (found.count === 0)
    return scan.at > scan.recordStart
      ? { bytes: new Uint8Array(limits.openQuoteBytes + 1), end: scan.at }
      : undefined
  const [from = 0] = found.starts
  const [end = 0] = found.ends
  const bytes = await file.exactly(from, end - from)
  return bytes && { bytes, end }
}

const fieldsOf = (bytes: Uint8Array, delimiter: string): readonly string[] | string => {
  const text = decodeUtf8(bytes)
  return text === undefined ? 'is not valid UTF-8' : splitFields(withoutLineEnd(text), delimiter)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined: these bytes are no UTF-8. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

export const withoutLineEnd = (record: string): string => {
  if (!record.endsWith('\n')) return record
  return record.endsWith('\r\n') ? record.slice(0, -2) : record.slice(0, -1)
}

/** Every column has a name of its own: `Column3` where none stands, `price_2` for a second `price`. */
export const nameColumns = (fields: readonly string[]): readonly string[] => {
  const taken = new Set<string>()
  return fields.map((field, i) => {
    const plain = field.trim() === '' ? `Column${i + 1}` : field.trim()
    let name = plain
    for (let number = 2; taken.has(name); number += 1) name = `${plain}_${number}`
    taken.add(name)
    return name
  })
}
