import { isAscii } from 'node:buffer'
import type { AsyncBuffer } from 'hyparquet'
import type { RunSlice, RunSource, RunTable } from '#agent/ports/runtime.ts'
import { splitFields } from '#agent/job/cut/fields.ts'
import { recordsIn } from '#agent/job/cut/records.ts'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { ItemIndex } from '#protocol/model/ids.ts'
import { recordName } from '#protocol/model/plan.ts'
import {
  aboutItem,
  becameShorter,
  changedSince,
  noFile,
  unreadableWords,
} from '#protocol/model/planned-file.ts'
import { directAccess, openForReading } from './file-access.ts'
import { systemCode } from '../disk.ts'
import { readFooter } from './read-footers.ts'
import { bytesBuffer, plainValue, readParquetRows } from './parquet.ts'
import { endSliceHash, footerWords, startSliceHash, textHash } from './table-hash.ts'
import { decodeUtf8, ruleOf, withoutLineEnd } from './text-head.ts'

/** One record of a table as a worker process gets it. */
export interface TableRecord {
  readonly item: ItemIndex
  readonly name: string
  /** Values by column, as JSON has them; text where the table is delimited. Undefined: the record is broken. */
  readonly values: Readonly<Record<string, unknown>> | undefined
  /** Second half of a sentence that says what is wrong with it; empty if nothing is. */
  readonly problem: string
}

export interface ReadTable {
  /** All names of columns, in the order in which they are first met. */
  readonly columns: readonly string[]
  /** One for each item, in their order. */
  readonly records: readonly TableRecord[]
}

/**
 * Reads the records of one mini-batch. What cannot be read is broken records, never an exception.
 * @param contents filled with what was read of each slice, as in `protocol/model/content.ts`; left out: nobody asks
 */
export const readTable = async (table: RunTable, contents?: Buffer): Promise<ReadTable> => {
  const records: TableRecord[] = []
  const columns = new Set<string>()
  for (const group of bySource(table)) {
    for (const column of group.source.columns) columns.add(column)
    for (const record of await readGroup(table, group, contents)) records.push(record)
  }
  if (table.format === 'json-lines')
    for (const { values } of records)
      if (values !== undefined) for (const column of Object.keys(values)) columns.add(column)
  return { columns: [...columns], records }
}

/** Neighbouring slices of one source: its bytes are read and taken apart once for all of them. */
interface Group {
  readonly source: RunSource
  readonly slices: RunSlice[]
  /** Position of its first slice among those of the mini-batch. */
  readonly first: number
}

const bySource = ({ sources, slices }: RunTable): readonly Group[] => {
  const groups: Group[] = []
  let number = -1
  for (const [first, slice] of slices.entries()) {
    const source = sources[slice.source]
    if (source === undefined) throw new Error('a slice of a source that was not given')
    if (slice.source === number) groups.at(-1)?.slices.push(slice)
    else groups.push({ source, slices: [slice], first })
    number = slice.source
  }
  return groups
}

const readGroup = async (
  table: RunTable,
  group: Group,
  contents: Buffer | undefined,
): Promise<readonly TableRecord[]> => {
  const { source, slices } = group
  const found = await bytesOf(source)
  if (typeof found === 'string') return broken(source, slices, found)
  const { bytes, footer } = found
  if (table.format === 'parquet') return readRows(group, bytes, footer, contents)
  if (contents !== undefined) noteContent(contents, group, textHash(bytes))
  return readText(table, group, bytes)
}

/** Slices of one source were read from the same bytes. */
const noteContent = (contents: Buffer, { first, slices }: Group, hex: string): void => {
  for (let at = first; at < first + slices.length; at += 1)
    contents.write(hex, at * contentHashBytes, 'hex')
}

/** The bytes of a source, and of Parquet the footer of its file. */
interface SourceBytes {
  readonly bytes: Uint8Array
  readonly footer?: Uint8Array
}

/** What is wrong with it instead. */
const bytesOf = async ({
  name,
  content,
  offset,
  tailBytes,
}: RunSource): Promise<SourceBytes | string> => {
  if ('problem' in content) return content.problem
  if ('bytes' in content) return content
  try {
    const { path, fileBytes, modifiedMs, length } = content
    await using file = await openForReading(directAccess, path, fileBytes)
    if (!file.facts().isFile()) return aboutItem(name, noFile)
    const bytes = await file.exactly(offset, length)
    const tail = await file.exactly(fileBytes - tailBytes, tailBytes)
    // Looked at behind the bytes: whoever changed the file before or meanwhile is noticed.
    const changed = changedSince({ bytes: fileBytes, modifiedMs }, file.facts())
    if (changed !== undefined) return aboutItem(name, changed)
    if (bytes === undefined || tail === undefined) return aboutItem(name, becameShorter)
    return { bytes, footer: tail }
  } catch (thrown) {
    const code = systemCode(thrown)
    return code === ''
      ? `could not be read (${thrownToText(thrown)})`
      : aboutItem(name, unreadableWords(code, name))
  }
}

const broken = (
  { name }: RunSource,
  slices: readonly RunSlice[],
  problem: string,
): readonly TableRecord[] =>
  slices.flatMap(({ firstItem, firstRecord, records }) =>
    Array.from({ length: records }, (_, i) => ({
      item: firstItem + i,
      name: recordName(name, firstRecord + i),
      values: undefined,
      problem,
    })),
  )

const readText = (
  table: RunTable,
  { source, slices }: Group,
  bytes: Uint8Array,
): readonly TableRecord[] => {
  const found = recordsIn(ruleOf({ ...table, header: false }), bytes)
  // In ASCII a byte is a character: then the bytes need to be decoded only once.
  const whole =
    bytes.length <= limits.decodedAtOnceBytes && isAscii(bytes)
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
      : undefined
  const read = table.format === 'delimited' ? readDelimited(table, source) : readJson
  return slices.flatMap(({ firstItem, firstRecord, records, skip }) =>
    Array.from({ length: records }, (_, i): TableRecord => {
      const start = skip + i < found.count ? found.starts[skip + i] : undefined
      const end = found.ends[skip + i]
      const at = { item: firstItem + i, name: recordName(source.name, firstRecord + i) }
      if (start === undefined || end === undefined)
        return { ...at, values: undefined, problem: 'is not where the plan saw it' }
      if (end - start > limits.tableRecordBytes)
        return {
          ...at,
          values: undefined,
          problem: `has more than ${limits.tableRecordBytes} bytes`,
        }
      const text = whole?.slice(start, end) ?? decodeUtf8(bytes.subarray(start, end))
      const values = text === undefined ? 'is not valid UTF-8' : read(withoutLineEnd(text))
      return typeof values === 'string'
        ? { ...at, values: undefined, problem: values }
        : { ...at, values, problem: '' }
    }),
  )
}

type Read = (record: string) => Readonly<Record<string, unknown>> | string

const readDelimited =
  ({ delimiter }: RunTable, { columns }: RunSource): Read =>
  (record) => {
    const fields = splitFields(record, delimiter)
    if (typeof fields === 'string') return fields
    if (fields.length !== columns.length)
      return `has ${fields.length} fields, but its table has ${columns.length} columns`
    const values: Record<string, unknown> = {}
    for (let i = 0; i < columns.length; i += 1) define(values, columns[i] ?? '', fields[i])
    return values
  }

/** A column may be called `__proto__`, which plain assignment would take for something else. */
const define = (values: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === '__proto__')
    Object.defineProperty(values, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else values[name] = value
}

const readJson: Read = (record) => {
  try {
    const value: unknown = JSON.parse(record)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>
    return 'is no JSON object'
  } catch {
    return 'is not valid JSON'
  }
}

/** All rows between the first and the last that are wanted are decoded at once: a row group is read in columns. */
const readRows = async (
  group: Group,
  bytes: Uint8Array,
  footer: Uint8Array | undefined,
  contents: Buffer | undefined,
): Promise<readonly TableRecord[]> => {
  const { source, slices } = group
  const first = Math.min(...slices.map((slice) => slice.firstRecord))
  const end = Math.max(...slices.map((slice) => slice.firstRecord + slice.records))
  try {
    if (footer === undefined) throw new Error('its footer did not come')
    const facts = readFooter(footer)
    if (contents !== undefined) {
      const begun = startSliceHash().update(bytes)
      const words = footerWords(facts, { offset: source.offset, length: bytes.length })
      noteContent(contents, group, endSliceHash(begun, words))
    }
    const buffer: AsyncBuffer = bytesBuffer(bytes, source.offset)
    const rows = await readParquetRows(buffer, facts.metadata, { first, end })
    return slices.flatMap((slice) =>
      Array.from({ length: slice.records }, (_, i): TableRecord => {
        const row = rows[slice.firstRecord + i - first]
        const at = {
          item: slice.firstItem + i,
          name: recordName(source.name, slice.firstRecord + i),
        }
        return row === undefined
          ? { ...at, values: undefined, problem: 'is not where the plan saw it' }
          : { ...at, values: plainRow(row), problem: '' }
      }),
    )
  } catch (thrown) {
    return broken(source, slices, `is in a row group that cannot be read (${thrownToText(thrown)})`)
  }
}

const plainRow = (row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const values: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) define(values, name, plainValue(value))
  return values
}
