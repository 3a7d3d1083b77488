import { appendFile, mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { parquetWriteFile } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { recordsIn } from '#agent/job/cut/records.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import { limits } from '#protocol/limits.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { itemsOf, miniBatchesOf } from '#protocol/model/plan.ts'
import type { TablePlanChunk } from '#protocol/model/plan.ts'
import { decodePlanChunk, encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { job, specOf } from './specs.ts'
import {
  failureOf,
  miniBatchesIn,
  namesIn,
  planAll,
  positionBehind,
  readAll,
  runTable,
  tableOf,
  tableSpec,
  writeTables,
} from './table-plans.ts'
import { tempFolder } from './temp.ts'

const forever = new AbortController().signal

const wildField = fc
  .array(fc.constantFrom('a', '7', ' ', ',', '"', '""', '\n', '\r\n', 'é', '\u{1f600}'), {
    maxLength: 5,
  })
  .map((pieces) => pieces.join(''))
/** Mostly sound records, and some with quotes and line ends wherever they fall. */
const wildRecord = fc.oneof(
  fc
    .tuple(wildField, wildField)
    .map(([a, b]) => `"${a.replaceAll('"', '""')}","${b.replaceAll('"', '""')}"`),
  fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => `${a},${b}`),
  wildField,
)
const wildTable = fc
  .tuple(
    fc.boolean(),
    fc.array(wildRecord, { maxLength: 12 }),
    fc.constantFrom('\n', '\r\n'),
    fc.boolean(),
  )
  .map(([mark, records, end, isEnded]) => {
    const text = ['x,y', ...records].join(end) + (isEnded ? end : '')
    return (mark ? '\ufeff' : '') + text
  })

describe('a plan of delimited tables', () => {
  it('covers every record exactly once, in order, and never crosses the end of a file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(wildTable, fc.constantFrom('', '\ufeff', 'x,y\n', '\r\n\n')), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(),
        async (texts, bytes, at) => {
          await using folder = await tempFolder()
          const files = Object.fromEntries(texts.map((text, i) => [`${i}.csv`, text]))
          await writeTables(folder.path, { ...files, 'z.csv': 'x,y\n1,2\n' })
          const spec = tableSpec({ root: folder.path, bytes })
          const chunks = await planAll(spec)

          const expected = [...texts, 'x,y\n1,2\n'].flatMap((text, i, all) => {
            const whole = Buffer.from(text.replace('\ufeff', ''))
            const { count } = recordsIn({ delimiter: 44, longest: limits.openQuoteBytes }, whole)
            const name = i === all.length - 1 ? 'z.csv' : `${i}.csv`
            return Array.from(
              { length: Math.max(0, count - 1) },
              (_, record) => `${name}#${record + 1}`,
            )
          })
          const records = await readAll(spec, chunks)
          expect(records.map((record) => record.name)).toEqual(expected)
          expect(records.map((record) => record.item)).toEqual(expected.map((_, i) => i))
          // Either a value for each column, or a sentence why not.
          for (const { values, problem } of records)
            expect(values === undefined).toBe(problem !== '')
          for (const slices of miniBatchesIn(chunks)) expect(slices).toHaveLength(1)
          expect(chunks.at(-1)?.last).toBe(true)
          expect(chunks.slice(0, -1).every((chunk) => !chunk.last)).toBe(true)

          // Planning goes on behind any chunk as if it had never stopped.
          const cut = at % chunks.length
          const behind = positionBehind(chunks[cut])
          const rest = await planAll(spec, behind)
          expect(namesIn(rest)).toEqual(namesIn(chunks.slice(cut + 1)))
          for (const chunk of chunks) expect(decodePlanChunk(encodePlanChunk(chunk))).toEqual(chunk)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('reads back what a plain parser would, broken rows apart', async () => {
    await using folder = await tempFolder()
    const text = [
      'name,price,name',
      'anna,1,x',
      '"b,e""n",2,"y\nz"',
      'too,few',
      'one,too,many,fields',
      '"open,3,x',
      'caf\u00e9,4,\u{1f600}',
      '"a"b,5,x',
    ].join('\r\n')
    const bytes = Buffer.concat([
      Buffer.from(`\ufeff${text}\r\n\r\n`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(',6,x'),
    ])
    await writeTables(folder.path, { 'a.csv': bytes })
    const spec = tableSpec({ root: folder.path })
    const [miniBatch] = miniBatchesIn(await planAll(spec))
    const { columns, records } = await readTable(runTable(spec, miniBatch ?? []))
    expect(columns).toEqual(['name', 'price', 'name_2'])
    expect(
      records.map(({ values, problem }) =>
        problem === '' ? Object.values(values ?? {}) : problem,
      ),
    ).toEqual([
      ['anna', '1', 'x'],
      ['b,e"n', '2', 'y\nz'],
      'has 2 fields, but its table has 3 columns',
      'has 4 fields, but its table has 3 columns',
      'has a quotation mark that is never closed',
      ['caf\u00e9', '4', '\u{1f600}'],
      'has characters behind a closing quotation mark',
      'is not valid UTF-8',
    ])
  })

  it('cuts a large file near the size and leaves a small one whole', async () => {
    await using folder = await tempFolder()
    const line = `${'x'.repeat(49)}\n`
    await writeTables(folder.path, {
      'large.csv': `h\n${line.repeat(1_000)}`,
      'small.csv': `h\n${line}`,
    })
    const chunks = await planAll(tableSpec({ root: folder.path, bytes: 10_000 }))
    const slices = chunks.flatMap((chunk) => chunk.slices)
    expect(slices.map((slice) => [slice.file.name, slice.records])).toEqual([
      ...Array.from({ length: 5 }, () => ['large.csv', 200]),
      ['small.csv', 1],
    ])
    expect(slices[1]).toMatchObject({ offset: 10_002, length: 10_000, firstRecord: 200 })
    expect(chunks[0]?.runs).toEqual([
      { count: 5, items: 200 },
      { count: 1, items: 1 },
    ])
  })

  it('gives header and delimiter to every mini-batch of a file', async () => {
    await using folder = await tempFolder()
    const rows = Array.from({ length: 30 }, (_, at) => [`name ${at}, first`, String(at)])
    const text = ['who;how many', ...rows.map((row) => row.join(';'))].join('\n')
    await writeTables(folder.path, { 'a.csv': text })
    const spec = tableSpec({ root: folder.path, delimiter: ';', bytes: 100 })
    const miniBatches = miniBatchesIn(await planAll(spec))
    expect(miniBatches.length).toBeGreaterThan(3)
    const read: unknown[] = []
    for (const slices of miniBatches) {
      const { columns, records } = await readTable(runTable(spec, slices))
      expect(columns).toEqual(['who', 'how many'])
      read.push(...records.map(({ values }) => values))
    }
    expect(read).toEqual(rows.map(([who, count]) => ({ who, 'how many': count })))
  })

  it('takes other delimiters, and names the columns itself where no header does', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.tsv': '1\ta,b\n2\tc\n' })
    const spec = tableSpec({ root: folder.path, delimiter: '\t', header: false })
    expect((await readAll(spec, await planAll(spec))).map((record) => record.values)).toEqual([
      { Column1: '1', Column2: 'a,b' },
      { Column1: '2', Column2: 'c' },
    ])
  })

  it('starts with a small chunk, so that the first lease need not wait', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': `x\n${'12345678\n'.repeat(100)}` })
    const chunks = await planAll(tableSpec({ root: folder.path, bytes: 9 }))
    expect(chunks.map(miniBatchesOf)).toEqual([8, 16, 32, 44])
  })

  it.each([
    [
      'utf16le',
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('a,b\n1,2\n', 'utf16le')]),
      'UTF-16LE',
    ],
    [
      'utf16be',
      Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from('a,b\n', 'utf16le').swap16()]),
      'UTF-16BE',
    ],
    ['no mark', Buffer.from('name,price\nanna,1\n', 'utf16le'), 'UTF-16LE'],
  ])('refuses UTF-16 by name: %s', async (_, bytes, name) => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': 'a,b\n1,2\n', 'b.csv': bytes })
    expect(await failureOf(planAll(tableSpec({ root: folder.path })))).toBe(
      `"b.csv" of input "prices" is ${name} text, which is not read: save it as UTF-8.`,
    )
  })

  it('says where no record is, and that a file changed while it was planned', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': 'x,y\n' })
    const spec = tableSpec({ root: folder.path, bytes: 1 })
    expect(await failureOf(planAll(spec))).toContain('holds a record: correct the path')
    await writeTables(folder.path, { 'a.csv': `x\n${'1\n'.repeat(20)}` })
    const [first] = await planAll(spec)
    await appendFile(join(folder.path, 'a.csv'), '2\n')
    expect(await failureOf(planAll(spec, positionBehind(first)))).toContain(
      'was changed while the job was planned: submit the job again.',
    )
  })

  it('splits each of several inputs by itself', async () => {
    await using folder = await tempFolder()
    await using other = await tempFolder()
    await writeTables(folder.path, { 'a.csv': 'x\n1\n2\n' })
    await writeTables(other.path, { 'a.csv': 'y\n3\n' })
    const spec = tableSpec({
      root: folder.path,
      more: [tableOf({ root: other.path, name: 'more' })],
    })
    const chunks = await planAll(spec)
    expect(chunks.flatMap((chunk) => chunk.slices.map((slice) => slice.file.input))).toEqual([0, 1])
    expect((await readAll(spec, chunks)).map((record) => record.values)).toEqual([
      { x: '1' },
      { x: '2' },
      { y: '3' },
    ])
    expect(
      namesIn(
        await planAll(
          spec,
          positionBehind({ ...chunks[0], slices: chunks[0]?.slices.slice(0, 1) } as TablePlanChunk),
        ),
      ),
    ).toEqual(['1/a.csv@0+1'])
  })
})

describe('a plan of JSON Lines', () => {
  it('takes every line that is not empty, and knows broken ones when it reads them', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, {
      'a.jsonl': '\ufeff{"a":1}\n\n{"b":[1,2]}\r\n{"a":\n[1]\n{"__proto__":2}',
    })
    const spec = tableSpec({ root: folder.path, format: 'json-lines', bytes: 12 })
    const records = await readAll(spec, await planAll(spec))
    expect(
      records.map(({ values, problem }) => (problem === '' ? JSON.stringify(values) : problem)),
    ).toEqual([
      '{"a":1}',
      '{"b":[1,2]}',
      'is not valid JSON',
      'is no JSON object',
      '{"__proto__":2}',
    ])
  })
})

const parquetFile = async (path: string, from: number, rows: number, rowGroupSize: number) => {
  const numbers = Array.from({ length: rows }, (_, i) => from + i)
  await mkdir(dirname(path), { recursive: true })
  parquetWriteFile({
    filename: path,
    columnData: [
      { name: 'id', data: numbers, type: 'INT32' },
      { name: 'store', data: numbers.map((n) => `s${n % 3}`), type: 'STRING' },
    ],
    rowGroupSize,
  })
  await utimes(path, 1, 1)
}

describe('a plan of Parquet', () => {
  it('cuts at row groups, joins small ones, and covers every row exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 15 }),
        fc.integer({ min: 1, max: 2_000 }),
        async (files, rowGroupSize, bytes) => {
          await using folder = await tempFolder()
          let from = 0
          for (const [i, rows] of files.entries()) {
            await parquetFile(join(folder.path, `${i}.parquet`), from, rows, rowGroupSize)
            from += rows
          }
          const spec = tableSpec({ root: folder.path, format: 'parquet', bytes })
          const chunks = await planAll(spec)
          const records = await readAll(spec, chunks)
          expect(records.map((record) => record.values)).toEqual(
            Array.from({ length: from }, (_, id) => ({ id, store: `s${id % 3}` })),
          )
          for (const slices of miniBatchesIn(chunks)) expect(slices).toHaveLength(1)
          expect(namesIn(await planAll(spec, positionBehind(chunks[0])))).toEqual(
            namesIn(chunks.slice(1)),
          )
        },
      ),
      { numRuns: 40 },
    )
  })

  it('says what is no Parquet file', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.parquet': 'no such thing at all' })
    expect(await failureOf(planAll(tableSpec({ root: folder.path, format: 'parquet' })))).toBe(
      '"a.parquet" of input "prices" is no Parquet file.',
    )
  })

  it('makes rows of a broken row group failed items', async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, 'a.parquet')
    await parquetFile(path, 0, 20, 10)
    const bytes = await readFile(path)
    bytes.fill(0xee, 4, 40)
    await writeFile(path, bytes)
    const spec = tableSpec({ root: folder.path, format: 'parquet', bytes: 1 })
    const records = await readAll(spec, await planAll(spec))
    expect(records).toHaveLength(20)
    expect(records[0]?.problem).toContain('is in a row group that cannot be read')
    expect(records[10]?.values).toEqual({ id: 10, store: 's1' })
  })
})

describe('a plan by partition keys', () => {
  const rows = fc.array(
    fc.record({
      store: fc.constantFrom('a', 'b', 'c,d', ''),
      brand: fc.constantFrom('x', 'y'),
      n: fc.nat(9),
    }),
    { minLength: 1, maxLength: 40 },
  )

  it.each(['delimited', 'json-lines', 'parquet'] as const)(
    'of %s gives every combination as one mini-batch, and every record exactly once',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 3 }), async (files) => {
          await using folder = await tempFolder()
          for (const [i, table] of files.entries())
            await writeRows(join(folder.path, `${i}.table`), table, format)
          const keys = ['brand', 'store']
          const spec = tableSpec({ root: folder.path, format, keys, bytes: 1 })
          const chunks = await planAll(spec)
          const all = files.flat()
          const expected = new Map<string, string[]>()
          for (const row of all) {
            const key = JSON.stringify({ brand: row.brand, store: row.store })
            expected.set(key, [...(expected.get(key) ?? []), JSON.stringify(plainRow(row, format))])
          }
          const partitions = chunks.flatMap((chunk) => chunk.partitions)
          expect(partitions.map((one) => JSON.stringify(one))).toEqual([...expected.keys()])
          for (const [i, slices] of miniBatchesIn(chunks).entries()) {
            const { records } = await readTable(runTable(spec, slices))
            expect(records.map((record) => JSON.stringify(record.values))).toEqual(
              expected.get(JSON.stringify(partitions[i])),
            )
          }
          expect(chunks.reduce((sum, chunk) => sum + itemsOf(chunk), 0)).toBe(all.length)
          for (const chunk of chunks) expect(decodePlanChunk(encodePlanChunk(chunk))).toEqual(chunk)
        }),
        { numRuns: 40 },
      )
    },
  )

  it('keeps broken rows as items of the values they have', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': 'store,n\na,1\n"b,2\n"a",3,4\nonlystore\n' })
    const spec = tableSpec({ root: folder.path, keys: ['store'] })
    const chunks = await planAll(spec)
    expect(chunks[0]?.partitions).toEqual([{ store: 'a' }, { store: null }, { store: 'onlystore' }])
    expect((await readAll(spec, chunks)).map((record) => record.problem === '')).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('goes on behind what is written, and notices that the data changed', async () => {
    await using folder = await tempFolder()
    const lines = Array.from({ length: 60 }, (_, i) => `s${i},${i}`)
    await writeTables(folder.path, { 'a.csv': `store,n\n${lines.join('\n')}\n` })
    const spec = tableSpec({ root: folder.path, keys: ['store'] })
    const chunks = await planAll(spec)
    expect(chunks.map(miniBatchesOf)).toEqual([8, 16, 32, 4])
    const behind = positionBehind(chunks[1])
    expect(namesIn(await planAll(spec, behind))).toEqual(namesIn(chunks.slice(2)))
    await writeTables(folder.path, { '0.csv': 'store,n\ns30,1\n' })
    expect(await failureOf(planAll(spec, behind))).toBe(
      'The input was changed while the job was planned: submit the job again.',
    )
  })

  it('says which column is missing, also when a job is submitted', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': 'store,n\na,1\n' })
    const words =
      '"a.csv" of input "prices" has no column "shop", which is a partition key; its columns are store, n.'
    expect(await failureOf(planAll(tableSpec({ root: folder.path, keys: ['shop'] })))).toBe(words)
    const checked = await createPlanner().check(tableOf({ root: folder.path }), ['shop'])
    expect(checked).toMatchObject({ ok: false, error: { message: words } })
    expect((await createPlanner().check(tableOf({ root: folder.path }), ['store'])).ok).toBe(true)
  })
})

describe('files by partition format', () => {
  it('gives every combination of fields as one mini-batch, wherever its files lie', async () => {
    await using folder = await tempFolder()
    const names = [
      'anna/summer/1.wav',
      'anna/winter/1.wav',
      'ben/summer/1.wav',
      'anna/summer/2.wav',
    ]
    await writeTables(folder.path, Object.fromEntries(names.map((name) => [name, ''])))
    const input = { root: folder.path, partitionFormat: '{user}/{season}/{n}.wav' }
    const spec: JobSpec = { ...specOf(input, 1), partitionKeys: ['user'] }
    const chunks = await Array.fromAsync(createPlanner().plan(job, spec, undefined, forever))
    const [chunk] = chunks
    if (chunk?.kind !== 'files' || chunks.length > 1) throw new Error('another plan')
    expect(chunk.partitions).toEqual([{ user: 'anna' }, { user: 'ben' }])
    expect(chunk.runs).toEqual([
      { count: 1, items: 3 },
      { count: 1, items: 1 },
    ])
    expect(chunk.items.map((item) => item.name)).toEqual([
      'anna/summer/1.wav',
      'anna/summer/2.wav',
      'anna/winter/1.wav',
      'ben/summer/1.wav',
    ])
    await writeTables(folder.path, { 'readme.txt': '' })
    expect(
      await failureOf(Array.fromAsync(createPlanner().plan(job, spec, undefined, forever))),
    ).toContain('"readme.txt" of input "digits" does not fit its partition_format')
  })
})

/** `input/file@firstRecord+records` of every slice. */
interface Row {
  readonly store: string
  readonly brand: string
  readonly n: number
}

const plainRow = (row: Row, format: string): Readonly<Record<string, unknown>> => ({
  store: row.store,
  brand: row.brand,
  n: format === 'delimited' ? String(row.n) : row.n,
})

const writeRows = async (path: string, rows: readonly Row[], format: string): Promise<void> => {
  if (format === 'parquet')
    return parquetWriteFile({
      filename: path,
      columnData: [
        { name: 'store', data: rows.map((row) => row.store), type: 'STRING' },
        { name: 'brand', data: rows.map((row) => row.brand), type: 'STRING' },
        { name: 'n', data: rows.map((row) => row.n), type: 'INT32' },
      ],
      rowGroupSize: 7,
    })
  const lines =
    format === 'json-lines'
      ? rows.map((row) => JSON.stringify(row))
      : ['store,brand,n', ...rows.map((row) => `"${row.store}",${row.brand},${row.n}`)]
  return writeFile(path, `${lines.join('\n')}\n`)
}
