import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { writeRowFile } from '#agent/data/output/row-file.ts'
import { limits } from '#protocol/limits.ts'
import { tempFolder } from '../temp.ts'

/** Writes rows and reads them back with another library, with the types of the columns. */
const readBack = async (rows: readonly unknown[]) => {
  await using folder = await tempFolder()
  const texts = rows.map((row) => JSON.stringify(row))
  const wish = {
    folder: folder.path,
    fileName: 'rows.parquet',
    format: 'parquet',
    present: 'refused',
  } as const
  const result = writeRowFile(wish, { values: () => texts })
  expect(result).toMatchObject({ ok: true, value: { rows: rows.length } })
  const bytes = await readFile(join(folder.path, 'rows.parquet'))
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const metadata = parquetMetadata(file)
  return {
    rows: await parquetReadObjects({ file }),
    types: Object.fromEntries(metadata.schema.slice(1).map(({ name, type }) => [name, type])),
    groups: metadata.row_groups.map((group) => Number(group.num_rows)),
  }
}

describe('parquet', () => {
  it('has a column for every key, typed by all that stands there', async () => {
    const { rows, types } = await readBack([
      { file: 'a', whole: 1, share: 0.5, sure: true, top: [1, 2], odd: 1 },
      { file: 'b', whole: -7, share: 2, sure: null, top: { a: null }, odd: 'x' },
      'alone',
      { file: null, late: 2 ** 60 },
    ])
    expect(types).toEqual({
      file: 'BYTE_ARRAY',
      whole: 'INT64',
      share: 'DOUBLE',
      sure: 'BOOLEAN',
      top: 'BYTE_ARRAY',
      odd: 'BYTE_ARRAY',
      value: 'BYTE_ARRAY',
      late: 'DOUBLE',
    })
    const none = {
      file: null,
      whole: null,
      share: null,
      sure: null,
      top: null,
      odd: null,
      value: null,
      late: null,
    }
    expect(rows).toEqual([
      { ...none, file: 'a', whole: 1n, share: 0.5, sure: true, top: '[1,2]', odd: '1' },
      { ...none, file: 'b', whole: -7n, share: 2, top: '{"a":null}', odd: 'x' },
      { ...none, value: 'alone' },
      { ...none, late: 2 ** 60 },
    ])
  })

  it('can be empty', async () => {
    expect(await readBack([])).toEqual({ rows: [], types: { value: 'BYTE_ARRAY' }, groups: [] })
  })

  it('reads back as the rows, whatever they hold', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\0', '\n', 'é', '😀', '.') })
    const columns = {
      text: fc.option(text),
      'dotted.name': fc.option(fc.boolean()),
      whole: fc.option(fc.maxSafeInteger()),
      float: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      '': fc.option(text),
      constructor: fc.option(text),
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record(columns, { requiredKeys: ['text'] }), { minLength: 1, maxLength: 40 }),
        async (drawn) => {
          const expected = drawn.map(
            (row) => JSON.parse(JSON.stringify(row)) as Record<string, unknown>,
          )
          const { rows, types } = await readBack(expected)
          const names = Object.keys(types)
          expect(new Set(names)).toEqual(new Set(expected.flatMap((row) => Object.keys(row))))
          const back = rows.map((row) =>
            Object.fromEntries(
              names.map((name) => {
                const value: unknown = row[name]
                return [name, typeof value === 'bigint' ? Number(value) : value]
              }),
            ),
          )
          expect(back).toEqual(
            expected.map((row) =>
              Object.fromEntries(
                names.map((name) => [name, Object.hasOwn(row, name) ? row[name] : null]),
              ),
            ),
          )
        },
      ),
      { numRuns: 100 },
    )
  })

  it('is cut into row groups, so that few rows are in memory at once', async () => {
    const count = limits.rowGroupRows + 10
    const small = await readBack(Array.from({ length: count }, (_, i) => ({ i })))
    expect(small.groups).toEqual([limits.rowGroupRows, 10])
    expect(small.rows.every((row, i) => row['i'] === BigInt(i))).toBe(true)
    const large = await readBack(
      Array.from({ length: 40 }, (_, i) => ({ i, text: 'x'.repeat(1_000_000) })),
    )
    expect(large.groups.length).toBeGreaterThan(1)
    expect(large.rows.length).toBe(40)
  })
})
