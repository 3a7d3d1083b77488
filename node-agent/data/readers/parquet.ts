import { parquetReadObjects, parquetSchema } from 'hyparquet'
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { getPhysicalColumns } from 'hyparquet/src/schema.js'
import { limits } from '#protocol/limits.ts'
import { thrownToText } from '#protocol/errors.ts'
import type { OpenFile } from './file-access.ts'
import { readMetadata } from './parquet-footer.ts'
import { checkPages, columnStart } from './parquet-pages.ts'
import type { WantedRows } from './parquet-pages.ts'
import { compressors, decimalColumns, parsers, withoutNoise } from './parquet-parsers.ts'

/** What a Parquet file's footer says. */
export interface ParquetFacts {
  readonly metadata: FileMetaData
  readonly columns: readonly string[]
  readonly groups: readonly RowGroup[]
  /** Bytes of the footer, its length and mark counted in. */
  readonly tailBytes: number
}

/** Rows that were written together, and where their bytes lie. */
export interface RowGroup {
  readonly firstRow: number
  readonly rows: number
  readonly offset: number
  readonly length: number
}

/** A text instead is the second half of a sentence: why the file cannot be read. */
export const readParquetFacts = async (
  file: OpenFile,
  bytes: number,
): Promise<ParquetFacts | string> => {
  const end = bytes < 12 ? undefined : await file.exactly(bytes - 8, 8)
  const mark = end === undefined ? '' : Buffer.from(end.buffer, end.byteOffset + 4, 4).toString()
  if (end === undefined || mark !== 'PAR1')
    return mark === 'PARE' ? 'is an encrypted Parquet file.' : 'is no Parquet file.'
  const tailBytes = new DataView(end.buffer, end.byteOffset).getUint32(0, true) + 8
  if (tailBytes > Math.min(bytes, limits.parquetFooterBytes))
    return `has a Parquet footer of ${tailBytes} bytes, which cannot be right or is more than the ${limits.parquetFooterBytes} allowed.`
  const tail = await file.exactly(bytes - tailBytes, tailBytes)
  if (tail === undefined) return 'became shorter while it was read.'
  try {
    const facts = factsOf(tail)
    const sound = isWithin(facts, bytes - tailBytes)
    if (!sound) return 'is a Parquet file whose footer makes no sense.'
    const twice = sameName(facts.metadata)
    if (twice !== undefined)
      return `has more than one column "${twice.slice(0, 40)}", or one that no row can have: write it with other names.`
    const large = facts.groups.find((group) => group.length > limits.tableBatchBytes)
    return large === undefined
      ? facts
      : `has a row group of ${large.length} bytes, more than the ${limits.tableBatchBytes} that a mini-batch may have: write it with smaller row groups.`
  } catch (thrown) {
    return `is a Parquet file that cannot be read (${thrownToText(thrown)}).`
  }
}

/** @throws whatever the library says of a footer that makes no sense */
export const factsOf = (tail: Uint8Array): ParquetFacts => {
  const metadata = readMetadata(tail)
  const columns = parquetSchema(metadata).children.map((child) => child.element.name)
  let firstRow = 0
  const groups = metadata.row_groups.map((group): RowGroup => {
    const rows = Number(group.num_rows)
    const spans = group.columns.map(({ meta_data: facts }) => {
      if (facts === undefined) throw new Error('a column without its description')
      const start = columnStart(facts)
      return { start, end: start + Number(facts.total_compressed_size) }
    })
    const offset = Math.min(...spans.map((span) => span.start))
    const length = Math.max(...spans.map((span) => span.end)) - offset
    const found = { firstRow, rows, offset, length }
    firstRow += rows
    return found
  })
  return { metadata, columns, groups, tailBytes: tail.length }
}

/** A name that rows cannot tell apart from another one. */
const sameName = (metadata: FileMetaData): string | undefined => {
  const names = getPhysicalColumns(parquetSchema(metadata))
  const known = new Set(['__proto__'])
  return names.find((name) => {
    const isTaken = known.has(name)
    known.add(name)
    return isTaken
  })
}

/** Whether all row groups have sizes that can be, and lie in front of the footer, which begins at `end`. */
const isWithin = ({ groups, metadata }: ParquetFacts, end: number): boolean => {
  const rows = groups.reduce((sum, group) => sum + group.rows, 0)
  const sound = groups.every(
    ({ rows: count, offset, length }) =>
      count === 0 || (count > 0 && offset >= 0 && length >= 0 && offset + length <= end),
  )
  return sound && rows === Number(metadata.num_rows)
}

/** Rows `first` up to `end` of the file, out of a buffer that has the bytes of their row groups. */
export const readParquetRows = async (
  file: AsyncBuffer,
  metadata: FileMetaData,
  wanted: WantedRows,
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  await checkPages(file, metadata, wanted)
  const rows = await parquetReadObjects({
    file,
    metadata,
    compressors,
    parsers,
    rowStart: wanted.first,
    rowEnd: wanted.end,
    ...(wanted.columns === undefined ? {} : { columns: [...wanted.columns] }),
  })
  const decimals = decimalColumns(metadata)
  for (const row of decimals.size === 0 ? [] : rows)
    for (const [name, scale] of decimals) row[name] = withoutNoise(row[name], scale)
  return rows
}

/** A file that is open, as the library wants it. */
export const fileBuffer = (file: OpenFile, bytes: number): AsyncBuffer => ({
  byteLength: bytes,
  slice: (start, end = bytes) => {
    const read = async (): Promise<ArrayBuffer> => {
      const found = await file.exactly(start, end - start)
      if (found === undefined) throw new Error('the file became shorter while it was read')
      return ownBuffer(found)
    }
    const reading = read()
    // The library asks for all columns at once, and gives up at the first that fails.
    reading.catch(() => undefined)
    return reading
  },
})

/** A stretch of a file that stands in memory and begins at `offset` of it. */
export const bytesBuffer = (bytes: Uint8Array, offset: number): AsyncBuffer => ({
  byteLength: offset + bytes.length,
  slice: (start, end = offset + bytes.length) => {
    if (start < offset || end > offset + bytes.length)
      throw new Error('the row group reaches beyond its bytes')
    return ownBuffer(bytes.subarray(start - offset, end - offset))
  },
})

const ownBuffer = (bytes: Uint8Array): ArrayBuffer => {
  const own = new ArrayBuffer(bytes.length)
  new Uint8Array(own).set(bytes)
  return own
}

/** Values as JSON has them: whole numbers that a number cannot hold and times become text, bytes base64. */
export const plainValue = (value: unknown): unknown => {
  if (value === undefined) return null
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : String(value)
  }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (ArrayBuffer.isView(value))
    return Array.from(value as unknown as ArrayLike<unknown>, plainValue)
  if (Array.isArray(value)) return value.map(plainValue)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainValue(part)]))
}
