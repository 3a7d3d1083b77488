import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import type { FileMetaData, SchemaElement } from 'hyparquet'
import { parquetWriteFile } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { factsOf } from '#agent/data/readers/parquet.ts'
import type { TableRecord } from '#agent/data/readers/read-table.ts'
import { fileOf } from '#test/support/parquet-file.ts'
import type { Page, Written } from '#test/support/parquet-file.ts'
import { failureOf, planAll, readAll, tableSpec } from './table-plans.ts'
import { tempFolder } from './temp.ts'

const recordsOf = async (bytes: Uint8Array): Promise<readonly TableRecord[]> => {
  await using folder = await tempFolder()
  await writeFile(join(folder.path, '0.parquet'), bytes)
  const spec = tableSpec({ root: folder.path, format: 'parquet' })
  return readAll(spec, await planAll(spec))
}

const valuesOf = async (written: Written): Promise<readonly unknown[]> =>
  (await recordsOf(fileOf(written))).map(({ values, problem }) => values?.['x'] ?? problem)

const int32 = (...values: readonly number[]): number[] =>
  values.flatMap((value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24])
const text = (...values: readonly (string | readonly number[])[]): number[] =>
  values.flatMap((value) => {
    const bytes = typeof value === 'string' ? [...Buffer.from(value)] : value
    return [...int32(bytes.length), ...bytes]
  })
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
/** Levels with their length before them. */
const levels = (...bytes: readonly number[]): number[] => [...int32(bytes.length), ...bytes]
const nullable = { repetition_type: 'OPTIONAL' } as const
const three = text('a', 'b', 'c')
const strings = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const

describe('a page of Parquet', () => {
  it('that another program wrote is read, with levels, dictionary and checksum', async () => {
    const bytes = [...levels(varint(4 << 1)[0] ?? 0, 1), 2, 3, 0b00_10_01_00, 0]
    const dictionary = { values: 3, bytes: three, isDictionary: true }
    const page = { values: 4, bytes, encoding: 'RLE_DICTIONARY' } as const
    const checked = { ...page, crc: crc32(Uint8Array.from(bytes)) }
    for (const one of [page, checked]) {
      const written = { element: { ...strings, ...nullable }, pages: [dictionary, one], rows: 4 }
      expect(await valuesOf(written)).toEqual(['a', 'b', 'c', 'a'])
    }
  })

  it('of nulls that has no bytes at all is read', async () => {
    const page = { values: 3, bytes: [...levels(3 << 1, 0)] }
    const records = await recordsOf(fileOf({ element: nullable, pages: [page], rows: 3 }))
    expect(records.map(({ values, problem }) => [values?.['x'], problem])).toEqual(
      Array.from({ length: 3 }, () => [null, '']),
    )
    const empty = { values: 0, bytes: [...gzipSync('')], unpacked: 0 }
    const bytes = [...gzipSync(Uint8Array.from(int32(7)))]
    const pages = [empty, { values: 1, bytes, unpacked: 4 }]
    expect(await valuesOf({ element: {}, pages, rows: 1, codec: 'GZIP' })).toEqual([7])
  })

  const dictionary = { values: 3, bytes: three, isDictionary: true }
  const cases: readonly (readonly [string, Written])[] = [
    // The library wrote a thousand million levels into memory ...
    [
      'a run of far more levels than it has values',
      {
        element: nullable,
        pages: [{ values: 2, bytes: [...levels(...varint(2 ** 31), 1), ...int32(1, 2)] }],
        rows: 2,
      },
    ],
    // ... or counted down from a negative number for ever.
    [
      'a packed run of more positions than any page can have',
      {
        element: strings,
        pages: [dictionary, { values: 2, bytes: [0, 255, 255, 255, 255, 15], encoding: 'RLE' }],
        rows: 2,
      },
    ],
    [
      'fewer levels than values',
      {
        element: nullable,
        pages: [{ values: 9, bytes: [...levels(3 << 1, 1), ...int32(1, 2, 3)] }],
        rows: 9,
      },
    ],
    [
      'a level that is none',
      {
        element: nullable,
        pages: [{ values: 2, bytes: [...levels(2 << 1, 3), ...int32(1, 2)] }],
        rows: 2,
      },
    ],
    [
      'values that stand in the next page',
      {
        element: {},
        pages: [
          { values: 2, bytes: int32(1) },
          { values: 1, bytes: int32(2, 3, 4) },
        ],
        rows: 3,
      },
    ],
    [
      'text that reaches into the next page',
      {
        element: strings,
        pages: [
          { values: 1, bytes: [9, 0, 0, 0, 97] },
          { values: 1, bytes: text('some other text') },
        ],
        rows: 2,
      },
    ],
    [
      'positions behind the end of the dictionary',
      {
        element: strings,
        pages: [dictionary, { values: 2, bytes: [2, 2 << 1, 3], encoding: 'RLE_DICTIONARY' }],
        rows: 2,
      },
    ],
    [
      'positions without a dictionary',
      {
        element: {},
        pages: [{ values: 1, bytes: [1, 2, 0], encoding: 'RLE_DICTIONARY' }],
        rows: 1,
      },
    ],
    [
      'a dictionary shorter than it says',
      {
        element: strings,
        pages: [
          { ...dictionary, values: 4 },
          { values: 2, bytes: [2, 2 << 1, 1], encoding: 'RLE_DICTIONARY' },
        ],
        rows: 2,
      },
    ],
    [
      'fewer rows than its row group',
      { element: {}, pages: [{ values: 1, bytes: int32(1) }], rows: 3 },
    ],
    [
      'blocks of differences that never come to an end',
      {
        element: {},
        pages: [
          { values: 99, bytes: [...varint(128), 0, 99, 0, 0, 0], encoding: 'DELTA_BINARY_PACKED' },
        ],
        rows: 99,
      },
    ],
    [
      'texts of negative length',
      {
        element: strings,
        // Lengths 4 and -4 in one block of 128 in 4 parts, then four bytes.
        pages: [
          {
            values: 2,
            bytes: [...varint(128), 4, 2, 8, 15, 0, 0, 0, 0, ...Buffer.from('abcd')],
            encoding: 'DELTA_LENGTH_BYTE_ARRAY',
          },
        ],
        rows: 2,
      },
    ],
  ]
  it.each(cases)('with %s makes its rows fail, at once and in words', async (_, written) => {
    for (const value of await valuesOf(written))
      expect(value).toBe(
        'is in a row group that cannot be read (Error: a page of it makes no sense)',
      )
  })

  it('whose checksum is another one makes its rows fail, wherever a bit of it flipped', async () => {
    const bytes = int32(1, 20, 300)
    const crc = crc32(Uint8Array.from(bytes))
    const written = (page: Page): Written => ({ element: {}, pages: [page], rows: 3 })
    expect(await valuesOf(written({ values: 3, bytes, crc }))).toEqual([1, 20, 300])
    for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
      const flipped = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      for (const value of await valuesOf(written({ values: 3, bytes: flipped, crc })))
        expect(value).toContain('a page of it is damaged: its checksum is another one')
    }
  })

  it('with any bytes changed gives every row a value or a reason', async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, '0.parquet')
    const data = Array.from({ length: 40 }, (_, i) => (i % 5 === 2 ? null : i))
    const words = data.map((one) => (one === null ? null : `text ${one % 7}`))
    for (const encoding of ['PLAIN', 'RLE_DICTIONARY', 'DELTA_BINARY_PACKED'] as const) {
      const isDelta = encoding === 'DELTA_BINARY_PACKED'
      parquetWriteFile({
        filename: path,
        columnData: [
          { name: 'n', data, type: 'INT32', nullable: true, encoding },
          {
            name: 's',
            data: words,
            type: 'STRING',
            nullable: true,
            encoding: isDelta ? 'DELTA_BYTE_ARRAY' : encoding,
          },
        ],
        codec: 'UNCOMPRESSED',
        rowGroupSize: 20,
      })
      const whole = await readFile(path)
      const spec = tableSpec({ root: folder.path, format: 'parquet', bytes: 1 })
      await utimes(path, 1, 1)
      const planned = await planAll(spec)
      const end = whole.length - 8 - whole.readUInt32LE(whole.length - 8)
      const change = fc.tuple(
        fc.integer({ min: 4, max: end - 1 }),
        fc.uint8Array({ minLength: 1, maxLength: 5 }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
          const broken = Buffer.from(whole)
          for (const [at, bytes] of changes) broken.set(bytes.subarray(0, end - at), at)
          await writeFile(path, broken)
          await utimes(path, 1, 1)
          const records = await readAll(spec, planned)
          expect(records).toHaveLength(40)
          for (const { values, problem } of records) {
            expect(values === undefined).toBe(problem !== '')
            if (values !== undefined) expect(Object.keys(values)).toEqual(['n', 's'])
          }
        }),
        { numRuns: 60 },
      )
      await writeFile(path, whole)
    }
  })
})

describe('a footer of Parquet', () => {
  const page = { values: 1, bytes: int32(5) }
  it('that names a column twice is refused by its name', async () => {
    await using folder = await tempFolder()
    const twice = fileOf({
      element: {},
      pages: [page],
      rows: 1,
      footer: (metadata) => {
        const [root, column] = metadata.schema
        const [group] = metadata.row_groups
        if (root === undefined || column === undefined || group === undefined) return metadata
        return {
          ...metadata,
          schema: [{ ...root, num_children: 2 }, column, column],
          row_groups: [{ ...group, columns: [...group.columns, ...group.columns] }],
        }
      },
    })
    expect(factsOf(twice.subarray(4 + 4)).columns).toEqual(['x', 'x'])
    await writeFile(join(folder.path, '0.parquet'), twice)
    const said = await failureOf(planAll(tableSpec({ root: folder.path, format: 'parquet' })))
    expect(said).toBe(
      '"0.parquet" of input "prices" has more than one column "x", or one that no row can have: write it with other names.',
    )
  })

  const misled: readonly (readonly [string, (schema: SchemaElement[]) => SchemaElement[]])[] = [
    // Where the library goes back for ever.
    [
      'has fewer children than none',
      ([root, column]) => [root, { ...column, num_children: -2 }, column] as SchemaElement[],
    ],
    [
      'is nested deeper than anybody writes',
      ([, column]) => [
        ...Array.from({ length: 5_000 }, () => ({ name: 'in', num_children: 1 })),
        column as SchemaElement,
      ],
    ],
  ]
  it.each(misled)('whose schema %s is refused', async (_, change) => {
    await using folder = await tempFolder()
    const footer = (metadata: FileMetaData): FileMetaData => ({
      ...metadata,
      row_groups: [],
      num_rows: 0n,
      schema: change(metadata.schema),
    })
    const bytes = fileOf({ element: {}, pages: [page], rows: 1, footer })
    await writeFile(join(folder.path, '0.parquet'), bytes)
    const said = await failureOf(planAll(tableSpec({ root: folder.path, format: 'parquet' })))
    expect(said).toMatch(/^"0\.parquet" of input "prices" is a Parquet file that cannot be read \(/)
    expect(said).toContain('make')
  })

  it('with lists that are said to be long reserves nothing for them', async () => {
    await using folder = await tempFolder()
    // Lists in lists, each of 32 million: the library has room made for all of them.
    const lists = Array.from({ length: 60 }, () => [0xf9, ...varint(32_000_000)])
    const words = Uint8Array.from([0x19, ...lists.flat(), 0])
    const length = int32(words.length)
    const bytes = [...Buffer.from('PAR1'), ...words, ...length, ...Buffer.from('PAR1')]
    await writeFile(join(folder.path, '0.parquet'), Uint8Array.from(bytes))
    const said = await failureOf(planAll(tableSpec({ root: folder.path, format: 'parquet' })))
    expect(said).toContain('cannot be read (Error: its footer makes no sense)')
  })

  it('that lacks a column in a row group makes its rows fail', async () => {
    const lacking = fileOf({
      element: {},
      pages: [page],
      rows: 1,
      footer: (metadata) => {
        const [root, column] = metadata.schema
        if (root === undefined || column === undefined) return metadata
        return {
          ...metadata,
          schema: [{ ...root, num_children: 2 }, column, { ...column, name: 'y' }],
        }
      },
    })
    const [record] = await recordsOf(lacking)
    expect(record?.problem).toContain('cannot be read')
  })
})

describe('values of Parquet', () => {
  it('that are bytes and no text keep them, and text keeps a mark at its beginning', async () => {
    for (const element of [strings, { type: 'BYTE_ARRAY' } as const])
      expect(
        await valuesOf({
          element,
          pages: [{ values: 3, bytes: text('ä', [0xff, 0xfe, 65], '\uFEFFa\uFFFD') }],
          rows: 3,
        }),
      ).toEqual(['ä', '//5B', '\uFEFFa\uFFFD'])
  })

  it('that are decimals are the numbers that are written so', async () => {
    const element = { converted_type: 'DECIMAL', scale: 2, precision: 9 } as const
    const bytes = int32(3, -1012, 110, 123_456_789)
    const written = { element, pages: [{ values: 4, bytes }], rows: 4 }
    expect(await valuesOf(written)).toEqual([0.03, -10.12, 1.1, 1_234_567.89])
  })

  const times = (unit: string, ...values: readonly bigint[]): Written => ({
    element: {
      type: 'INT64',
      ...(unit === 'NANOS'
        ? { logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } }
        : { converted_type: unit === 'MICROS' ? 'TIMESTAMP_MICROS' : 'TIMESTAMP_MILLIS' }),
    },
    pages: [
      {
        values: values.length,
        bytes: [...new Uint8Array(BigInt64Array.from(values).buffer)],
      },
    ],
    rows: values.length,
  })
  it('that are times keep all digits, before 1970 too, and where no calendar reaches', async () => {
    expect(await valuesOf(times('MICROS', 1_500_000n, 1n, -1n, 2n ** 62n))).toEqual([
      '1970-01-01T00:00:01.500Z',
      '1970-01-01T00:00:00.000001Z',
      '1969-12-31T23:59:59.999999Z',
      '+148108-07-06T14:00:27.387904Z',
    ])
    expect(await valuesOf(times('NANOS', 2n ** 62n + 3n, -1n))).toEqual([
      '2116-02-20T23:53:38.427387907Z',
      '1969-12-31T23:59:59.999999999Z',
    ])
    expect(await valuesOf(times('MILLIS', -1n, -(2n ** 60n)))).toEqual([
      '1969-12-31T23:59:59.999Z',
      '-1152921504606846976',
    ])
    const days = { element: { converted_type: 'DATE' } as const, rows: 2 }
    const pages = [{ values: 2, bytes: int32(20_000, 2 ** 31 - 1) }]
    expect(await valuesOf({ ...days, pages })).toEqual([
      '2024-10-04T00:00:00.000Z',
      '185542587100800000',
    ])
  })
})
