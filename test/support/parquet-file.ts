import type { Encoding, FileMetaData, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import { writeMetadata } from 'hyparquet-writer/src/metadata.js'

/** A page as it is written: what it says of itself, and its bytes. */
export interface Page {
  readonly values: number
  readonly bytes: readonly number[] | Uint8Array
  readonly encoding?: Encoding
  /** It is a dictionary. */
  readonly isDictionary?: boolean
  readonly crc?: number
  readonly unpacked?: number
}

export interface Written {
  readonly element: Partial<SchemaElement>
  readonly pages: readonly Page[]
  readonly rows: number
  readonly codec?: 'UNCOMPRESSED' | 'GZIP' | 'BROTLI'
  /** Change what the footer says. */
  readonly footer?: (metadata: FileMetaData) => FileMetaData
}

/** A file of one column and one row group, page by page as somebody else's program may write it. */
export const fileOf = ({
  element,
  pages,
  rows,
  codec = 'UNCOMPRESSED',
  footer,
}: Written): Uint8Array => {
  const writer = new ByteWriter()
  writer.appendUint32(0x31524150)
  let dataAt = 0
  let dictionaryAt: number | undefined
  for (const { values, bytes, encoding = 'PLAIN', isDictionary, crc, unpacked } of pages) {
    if (isDictionary === true) dictionaryAt ??= writer.offset
    else if (dataAt === 0) dataAt = writer.offset
    const level = { definition_level_encoding: 'RLE', repetition_level_encoding: 'RLE' } as const
    writePageHeader(writer, {
      uncompressed_page_size: unpacked ?? bytes.length,
      compressed_page_size: bytes.length,
      ...(crc === undefined ? {} : { crc: crc | 0 }),
      ...(isDictionary === true
        ? {
            type: 'DICTIONARY_PAGE',
            dictionary_page_header: { num_values: values, encoding, is_sorted: false },
          }
        : {
            type: 'DATA_PAGE',
            data_page_header: { num_values: values, encoding, ...level },
          }),
    })
    writer.appendBytes(Uint8Array.from(bytes))
  }
  const column = { name: 'x', repetition_type: 'REQUIRED', type: 'INT32', ...element } as const
  const size = BigInt(writer.offset - 4)
  const metadata: FileMetaData = {
    version: 2,
    schema: [{ name: 'root', num_children: 1 }, column],
    num_rows: BigInt(rows),
    row_groups: [
      {
        columns: [
          {
            file_offset: 4n,
            meta_data: {
              type: column.type,
              encodings: ['PLAIN'],
              path_in_schema: ['x'],
              codec,
              num_values: BigInt(rows),
              total_uncompressed_size: size,
              total_compressed_size: size,
              data_page_offset: BigInt(dataAt),
              ...(dictionaryAt === undefined
                ? {}
                : { dictionary_page_offset: BigInt(dictionaryAt) }),
            },
          },
        ],
        total_byte_size: size,
        num_rows: BigInt(rows),
      },
    ],
    metadata_length: 0,
  }
  writeMetadata(writer, footer?.(metadata) ?? metadata)
  writer.appendUint32(0x31524150)
  return writer.getBytes()
}
