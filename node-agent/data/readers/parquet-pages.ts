import { crc32 } from 'node:zlib'
import { parquetSchema } from 'hyparquet'
import type { AsyncBuffer, ColumnMetaData, FileMetaData, PageHeader, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import {
  getMaxDefinitionLevel,
  getMaxRepetitionLevel,
  getPhysicalColumns,
  getTreePath,
  isFlatColumn,
} from 'hyparquet/src/schema.js'
import { limits } from '#protocol/limits.ts'
import { walkStruct } from './parquet-footer.ts'
import { compressors } from './parquet-parsers.ts'
import { senseless, walkRuns } from './parquet-runs.ts'
import type { PageBytes } from './parquet-runs.ts'
import { checkPlain, checkValues, lengthEnd } from './parquet-values.ts'

/** Rows of a file that are to be decoded, and of which columns; left out: of all. */
export interface WantedRows {
  readonly first: number
  readonly end: number
  readonly columns?: readonly string[]
}

/** Where the bytes of a column in a row group begin. Some writers say 0 where there is no dictionary. */
export const columnStart = (facts: ColumnMetaData): number => {
  const dictionary = Number(facts.dictionary_page_offset ?? 0)
  return dictionary > 0 ? dictionary : Number(facts.data_page_offset)
}

/**
 * Looks at all pages that will be decoded: the library believes them. Where one is damaged it would go round for
 * ever, fill the memory, or give other values and fewer rows without a word. @throws Error if one makes no sense
 */
export const checkPages = async (
  file: AsyncBuffer,
  metadata: FileMetaData,
  { first, end, columns }: WantedRows,
): Promise<void> => {
  const schema = parquetSchema(metadata)
  const names = getPhysicalColumns(schema)
  let firstRow = 0
  for (const group of metadata.row_groups) {
    const from = firstRow
    const rows = Number(group.num_rows)
    firstRow += rows
    if (firstRow <= first || from >= end) continue
    // One that is missing would be missing in its rows, and nobody would say so.
    const isSame = group.columns.every(
      (one, i) => one.meta_data?.path_in_schema.join('.') === names[i],
    )
    if (!isSame || group.columns.length !== names.length) throw senseless()
    for (const { meta_data: facts } of group.columns) {
      const isWanted = columns?.includes(facts?.path_in_schema[0] ?? '') ?? true
      if (facts === undefined || !isWanted) continue
      const start = columnStart(facts)
      const bytes = await file.slice(start, start + Number(facts.total_compressed_size))
      const wanted = { first: first - from, end: end - from }
      walk(new Uint8Array(bytes), columnOf(schema, facts, { rows, ...wanted }), wanted)
    }
  }
}

/** A column in a row group. */
interface Column {
  readonly facts: ColumnMetaData
  readonly path: SchemaTree[]
  readonly element: SchemaTree['element']
  readonly isFlat: boolean
  /** Levels of repetition and of definition that there are beside 0. */
  readonly repetition: number
  readonly definition: number
  readonly rows: number
  /** Rows at its beginning are passed over, by what its pages say of them. */
  readonly isCut: boolean
}

const columnOf = (
  schema: SchemaTree,
  facts: ColumnMetaData,
  { rows, first }: { readonly rows: number; readonly first: number },
): Column => {
  const path = getTreePath(schema, facts.path_in_schema)
  const element = path.at(-1)?.element
  if (element === undefined || element.type !== facts.type) throw senseless()
  return {
    facts,
    path,
    element,
    isFlat: isFlatColumn(path),
    repetition: getMaxRepetitionLevel(path),
    definition: getMaxDefinitionLevel(path),
    rows,
    isCut: first > 0,
  }
}

/** From page to page. `first` and `end`: the rows of the group that are wanted. */
const walk = (
  bytes: Uint8Array,
  column: Column,
  { first, end }: { readonly first: number; readonly end: number },
): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const reader = { view, offset: 0 }
  const { facts, isFlat } = column
  let dictionary: number | undefined
  let left = Number(facts.num_values)
  let rows = 0
  // Of a flat column the library stops behind the last row, of others at the end of the bytes.
  for (; reader.offset < view.byteLength - 1;) {
    if (left <= 0 && isFlat) break
    walkStruct({ bytes, at: reader.offset })
    const head = parquetHeader(reader)
    const page = pageOf(bytes, reader.offset, head)
    reader.offset += page.length
    if (head.type === 'DICTIONARY_PAGE') {
      dictionary = checkDictionary(page, head, column)
      continue
    }
    const values = (head.data_page_header ?? head.data_page_header_v2)?.num_values
    if (!isWithin(values, Math.min(left, limits.parquetPageValues))) throw senseless()
    left -= values
    const isRead = !isFlat || (rows + values >= first && rows < end)
    rows += isRead ? checkPage(page, head, column, dictionary) : values
  }
  if (left !== 0 || rows !== column.rows) throw senseless()
}

const isWithin = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most

/** The bytes of a page as they stand in the file. */
const pageOf = (bytes: Uint8Array, start: number, head: PageHeader): Uint8Array => {
  const { compressed_page_size: size, uncompressed_page_size: unpacked, crc } = head
  if (!isWithin(size, bytes.length - start) || !isWithin(unpacked, limits.tableBatchBytes))
    throw senseless()
  const page = bytes.subarray(start, start + size)
  if (typeof crc === 'number' && crc32(page) !== crc >>> 0)
    throw new Error('a page of it is damaged: its checksum is another one')
  return page
}

const unpack = (page: Uint8Array, length: number, { facts }: Column): Uint8Array => {
  if (length < 0) throw senseless()
  return decompressPage(page, length, facts.codec, compressors)
}

/** @returns how many values it has */
const checkDictionary = (page: Uint8Array, head: PageHeader, column: Column): number => {
  const count = head.dictionary_page_header?.num_values
  if (!isWithin(count, head.uncompressed_page_size)) throw senseless()
  const bytes = unpack(page, head.uncompressed_page_size, column)
  checkPlain({ bytes, at: 0 }, column.element, count)
  return count
}

/** @returns how many rows begin in it */
const checkPage = (
  page: Uint8Array,
  head: PageHeader,
  column: Column,
  dictionary: number | undefined,
): number => {
  const found =
    head.type === 'DATA_PAGE' ? openPage(page, head, column) : openPageV2(page, head, column)
  const { element } = column
  checkValues(found.values, { element, dictionary, count: found.count, encoding: found.encoding })
  return found.rows
}

/** A page whose levels were walked through. */
interface OpenPage {
  readonly values: PageBytes
  readonly encoding: Parameters<typeof checkValues>[1]['encoding']
  /** Values that are not null. */
  readonly count: number
  readonly rows: number
}

const openPage = (page: Uint8Array, head: PageHeader, column: Column): OpenPage => {
  const facts = head.data_page_header
  if (facts === undefined) throw senseless()
  const { num_values: values, encoding } = facts
  const bytes = { bytes: unpack(page, head.uncompressed_page_size, column), at: 0 }
  const levels = (highest: number, counted: number, how: string | undefined): number => {
    if (highest === 0) return values
    if (how !== 'RLE') throw new Error('its levels are written in a way that is not read')
    return walkLevels(bytes, { values, highest, counted, end: lengthEnd(bytes) })
  }
  const rows = levels(column.repetition, 0, facts.repetition_level_encoding)
  const count = levels(column.definition, column.definition, facts.definition_level_encoding)
  return { values: bytes, encoding, count, rows }
}

const openPageV2 = (page: Uint8Array, head: PageHeader, column: Column): OpenPage => {
  const facts = head.data_page_header_v2
  if (facts === undefined || head.type !== 'DATA_PAGE_V2') throw senseless()
  const {
    num_values: values,
    repetition_levels_byte_length: first,
    definition_levels_byte_length: second,
  } = facts
  if (!isWithin(first, page.length) || !isWithin(second, page.length - first)) throw senseless()
  const levels = { bytes: page, at: 0 }
  const walked = (highest: number, counted: number, end: number): number => {
    const found = highest === 0 ? values : walkLevels(levels, { values, highest, counted, end })
    levels.at = end
    return found
  }
  const rows = walked(column.repetition, 0, first)
  const count = walked(column.definition, column.definition, first + second)
  if (count !== values - facts.num_nulls) throw senseless()
  // Some writers count values here; by this number the library passes pages over.
  if (rows !== facts.num_rows && (column.isFlat || column.isCut)) throw senseless()
  const rest = page.subarray(first + second)
  const length = head.uncompressed_page_size - first - second
  const bytes = facts.is_compressed === false ? rest : unpack(rest, length, column)
  return { values: { bytes, at: 0 }, encoding: facts.encoding, count, rows }
}

interface Levels {
  readonly values: number
  readonly highest: number
  readonly counted: number
  readonly end: number
}

/** @returns how many levels are `counted` */
const walkLevels = (page: PageBytes, { values, highest, counted, end }: Levels): number => {
  const width = 32 - Math.clz32(highest)
  const [found = 0] = walkRuns(page, { count: values, width, below: highest + 1, end }, [counted])
  page.at = end
  return found
}
