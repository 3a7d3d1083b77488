import type { AsyncBuffer, ColumnMetaData, FileMetaData } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { limits } from '#protocol/limits.ts'

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
 * Looks at the heads of all pages that will be decoded: the library believes them, and would go round for ever
 * where one lacks its length. @throws Error if one makes no sense
 */
export const checkPages = async (
  file: AsyncBuffer,
  metadata: FileMetaData,
  { first, end, columns }: WantedRows,
): Promise<void> => {
  let firstRow = 0
  for (const group of metadata.row_groups) {
    const from = firstRow
    firstRow += Number(group.num_rows)
    if (firstRow <= first || from >= end) continue
    for (const { meta_data: facts } of group.columns) {
      const isWanted = columns?.includes(facts?.path_in_schema[0] ?? '') ?? true
      if (facts === undefined || !isWanted) continue
      const start = columnStart(facts)
      const bytes = await file.slice(start, start + Number(facts.total_compressed_size))
      walk(new DataView(bytes), Number(facts.num_values))
    }
  }
}

/** From page to page, up to the last value: what stands behind is never looked at. */
const walk = (view: DataView, values: number): void => {
  const reader = { view, offset: 0 }
  for (let left = values; left > 0 && reader.offset < view.byteLength - 1;) {
    const head = parquetHeader(reader)
    const { compressed_page_size: size, uncompressed_page_size: unpacked } = head
    const isPage =
      isWithin(size, view.byteLength - reader.offset) && isWithin(unpacked, limits.tableBatchBytes)
    const entries = head.dictionary_page_header?.num_values ?? 0
    const data = head.data_page_header ?? head.data_page_header_v2
    const found = data?.num_values ?? 0
    if (!isPage || !isWithin(entries, unpacked) || !isWithin(found, left))
      throw new Error('a page of it makes no sense')
    left -= found
    reader.offset += size
  }
}

const isWithin = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
