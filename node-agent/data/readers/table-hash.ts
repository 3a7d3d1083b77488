import { createHash, hash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { ParquetFacts } from './parquet.ts'

/**
 * What names the records of a slice by their content (`protocol/model/content.ts`): the bytes they stand in,
 * and of Parquet what its footer says of their row groups. Neither their place in the file counts nor what
 * else is in it, so that what was added or changed elsewhere is no other content here. What a header says is
 * in the plan.
 */

const hexLength = 2 * contentHashBytes

/** Hash of a slice of text whose bytes are at hand. */
export const textHash = (bytes: Uint8Array): string => hash('sha256', bytes).slice(0, hexLength)

/** A hash to which the bytes of a slice are given piece by piece. */
export const startSliceHash = (): Hash => createHash('sha256')

/** @param footer of Parquet: what `footerWords` says of the slice */
export const endSliceHash = (begun: Hash, footer = ''): string =>
  begun.update(footer).digest('hex').slice(0, hexLength)

/** All that a reader learns from the footer about the row groups in these bytes of the file. */
export const footerWords = (
  { metadata, groups }: ParquetFacts,
  { offset, length }: { readonly offset: number; readonly length: number },
): string => {
  const own = metadata.row_groups.filter((_, at) => {
    const group = groups[at]
    return (
      group !== undefined &&
      group.offset >= offset &&
      group.offset + group.length <= offset + length
    )
  })
  const placeOf = (position: bigint | undefined): number | null =>
    position === undefined ? null : Number(position) - offset
  const told = own.map(({ num_rows: rows, columns }) => [
    rows,
    columns.map(({ file_path: path, meta_data: facts }) => [
      path,
      facts?.type,
      facts?.path_in_schema,
      facts?.codec,
      facts?.encodings,
      facts?.num_values,
      facts?.total_compressed_size,
      facts?.total_uncompressed_size,
      placeOf(facts?.data_page_offset),
      placeOf(facts?.dictionary_page_offset),
    ]),
  ])
  return JSON.stringify([metadata.schema, told], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}
