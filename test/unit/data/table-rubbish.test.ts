import { appendFile, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { execFile } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import type { ColumnMetaData } from 'hyparquet'
import { parquetWriteFile } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { createThreadedPreview } from '#agent/data/threaded-preview.ts'
import { recordsIn } from '#agent/job/cut/records.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { directAccess } from '#agent/data/readers/file-access.ts'
import { columnStart } from '#agent/data/readers/parquet-pages.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import { limits } from '#protocol/limits.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { itemsOf } from '#protocol/model/plan.ts'
import type { TablePlanChunk } from '#protocol/model/plan.ts'
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

/** Bytes as they come out of old machines, broken disks and other programs. */
const rubbishPiece = fc.constantFrom<readonly number[]>(
  [...Buffer.from('1,2')],
  [...Buffer.from('a')],
  [...Buffer.from('"')],
  [...Buffer.from('""')],
  [...Buffer.from(',')],
  [0x0a],
  [0x0d, 0x0a],
  [0x0d],
  [0x00],
  [0x09],
  // Latin-1, and the first halves of characters in UTF-8 and UTF-16.
  [0xe9],
  [0xf0, 0x9f],
  [0xed, 0xa0, 0x80],
  [0xff],
  [...Buffer.from('\ufeff')],
  [...Buffer.from('\u{1f600}\u2028')],
)
const rubbish = fc
  .array(rubbishPiece, { maxLength: 60 })
  .map((pieces) => Buffer.from(pieces.flat()))

/** Every record once and in order, with values or with a reason. */
const expectAll = async (spec: JobSpec, chunks: readonly TablePlanChunk[], counts: number[]) => {
  const records = await readAll(spec, chunks)
  const expected = counts.flatMap((count, i) =>
    Array.from({ length: count }, (_, record) => `${i}.txt#${record + 1}`),
  )
  expect(records.map((record) => record.name)).toEqual(expected)
  expect(records.map((record) => record.item)).toEqual(expected.map((_, i) => i))
  for (const { values, problem } of records) expect(values === undefined).toBe(problem !== '')
  return records
}

describe('a table of rubbish', () => {
  it('with a few zeros behind a sound header is read, and no UTF-16', async () => {
    await using folder = await tempFolder()
    const files = ['x,y\n\0a\0', 'x,y\n1\0a\0\n'].map((text) => Buffer.from(text))
    await writeTables(folder.path, Object.fromEntries(files.map((file, i) => [`${i}.txt`, file])))
    const spec = tableSpec({ root: folder.path, bytes: 10, format: 'delimited' })
    await expectAll(spec, await planAll(spec), [1, 1])
  })

  it.each(['delimited', 'json-lines'] as const)(
    'of %s is planned with every record exactly once, wherever the plan goes on',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(rubbish, { minLength: 1, maxLength: 3 }),
          fc.constantFrom(1, 3, 10, 1_000_000),
          fc.nat(),
          async (files, bytes, at) => {
            await using folder = await tempFolder()
            // A sound first line: what a file is, is seen by it.
            const first = format === 'delimited' ? 'x,y\n' : '{"x":1}\n'
            await writeTables(
              folder.path,
              Object.fromEntries(
                files.map((file, i) => [`${i}.txt`, Buffer.concat([Buffer.from(first), file])]),
              ),
            )
            const rule = {
              delimiter: format === 'delimited' ? 44 : undefined,
              longest: limits.openQuoteBytes,
            }
            const counts = files.map(
              (file) => recordsIn(rule, file).count + (format === 'delimited' ? 0 : 1),
            )
            fc.pre(counts.some((count) => count > 0))
            const spec = tableSpec({ root: folder.path, bytes, format })
            const chunks = await planAll(spec)
            await expectAll(spec, chunks, counts)
            const cut = at % chunks.length
            const rest = await planAll(spec, positionBehind(chunks[cut]))
            expect(namesIn(rest)).toEqual(namesIn(chunks.slice(cut + 1)))
          },
        ),
        { numRuns: 100 },
      )
    },
  )

  it('of any bytes is either planned whole or refused by the name of its file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(rubbish, fc.uint8Array({ maxLength: 200 })),
        fc.constantFrom('delimited', 'json-lines', 'parquet'),
        async (bytes, format) => {
          await using folder = await tempFolder()
          await writeTables(folder.path, { '0.txt': bytes })
          const spec = tableSpec({ root: folder.path, bytes: 10, format })
          const planned = await planAll(spec).catch(async () => failureOf(planAll(spec)))
          if (typeof planned === 'string') {
            expect(planned).toMatch(/^"0\.txt" of input "prices" .*[.:]|holds a record: correct/)
            return
          }
          const count = planned
            .flatMap(({ slices }) => slices)
            .reduce((n, one) => n + one.records, 0)
          await expectAll(spec, planned, [count])
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    [
      'lines that end with carriage returns',
      'delimited',
      'a,b\r1,2\r3,4\r',
      'lone carriage return',
    ],
    [
      'the same with cells of two lines',
      'delimited',
      'a,b\r"1\n1",2\r3,4\r',
      'lone carriage return',
    ],
    ['the same in JSON', 'json-lines', '{"a":1}\r{"a":2}\r', 'lone carriage return'],
    ['one JSON document', 'json-lines', '[\n{"a":1},\n{"a":2}\n]\n', 'one JSON document'],
    ['the same in one line', 'json-lines', '[{"a":1},{"a":2}]', 'one JSON document'],
    ['the same over lines', 'json-lines', '{\n  "a": 1\n}\n', 'one JSON document'],
    [
      'gzip',
      'delimited',
      gzipSync('a,b\n1,2\n'),
      'compressed (gzip) and no table of text: unpack it.',
    ],
    ['gzip for JSON', 'json-lines', gzipSync('{"a":1}\n'), 'compressed (gzip)'],
    ['a workbook', 'delimited', Buffer.from('PK\x03\x04\x14\0\x06\0'), 'or save it as CSV.'],
    ['Parquet', 'delimited', Buffer.from('PAR1\x15\x04\x15'), 'set its format to parquet.'],
  ] as const)('is refused by name and with advice: %s', async (_, format, bytes, words) => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { '0.txt': bytes })
    const said = await failureOf(planAll(tableSpec({ root: folder.path, format })))
    expect(said).toMatch(/^"0\.txt" of input "prices" (is|has) /)
    expect(said).toContain(words)
    // Also before anything is submitted.
    const checked = await createPlanner().check(tableOf({ root: folder.path, format }), [])
    expect(checked.ok ? '' : checked.error.message).toBe(said)
  })

  it('keeps carriage returns that stand in quotation marks, and words like marks of files', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, {
      '0.csv': '"a\rb",5"\r\n"1\r2",3\r\n',
      '1.csv': 'PAR1,BZh\n1,2\n',
      '2.csv': 'PKxx\n1\n',
    })
    const spec = tableSpec({ root: folder.path })
    const values = (await readAll(spec, await planAll(spec))).map((record) => record.values)
    expect(values).toEqual([{ 'a\rb': '1\r2', '5"': '3' }, { PAR1: '1', BZh: '2' }, { PKxx: '1' }])
  })

  it('full of quotes that never close is read once, not once for each of them', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': `x,y\n${'1,"2\n'.repeat(20_000)}` })
    let bytes = 0
    const counting = {
      ...directAccess,
      read: (file: number, into: Uint8Array, at: number) => {
        const count = directAccess.read(file, into, at)
        if (typeof count === 'number') bytes += count
        return count
      },
    }
    const chunks = await planAll(tableSpec({ root: folder.path }), undefined, counting)
    expect(chunks.flatMap((chunk) => chunk.slices).map((slice) => slice.records)).toEqual([20_000])
    expect(bytes).toBeLessThan(4 * 120_000)
  })

  it('with more records or mini-batches than a head can count is refused with advice', async () => {
    await using folder = await tempFolder()
    await writeTables(folder.path, { 'a.csv': `x\n${'1\n'.repeat(200)}` })
    const spec = tableSpec({ root: folder.path, bytes: 1 })
    const behind = positionBehind((await planAll(spec))[0])
    const { jobItems, jobMiniBatches } = limits
    const many = planAll(spec, { ...behind, firstMiniBatch: jobMiniBatches + 1 })
    expect(await failureOf(many)).toContain('give a larger mini_batch_size.')
    const items = planAll(spec, { ...behind, firstItem: jobItems + 1 })
    expect(await failureOf(items)).toContain('split it into several jobs by pattern.')
  })

  it('has a record too long to be read in a mini-batch of its own', async () => {
    await using folder = await tempFolder()
    const long = 'x'.repeat(limits.tableRecordBytes)
    await writeTables(folder.path, { 'a.csv': `x,y\n1,2\n3,${long}\n5,6\n7,8\n` })
    const spec = tableSpec({ root: folder.path, bytes: 1024 * 1024 * 1024 })
    const chunks = await planAll(spec)
    expect(miniBatchesIn(chunks).map(([slice]) => slice?.records)).toEqual([1, 1, 2])
    const records = await readAll(spec, chunks)
    expect(records.map(({ values, problem }) => values?.['x'] ?? problem)).toEqual([
      '1',
      `has more than ${limits.tableRecordBytes} bytes`,
      '5',
      '7',
    ])
  })
})

describe('a table that changes while its job runs', () => {
  const replaced = async (path: string) => {
    await writeFile(`${path}.new`, 'x,y\n5,6\n7,8\n')
    await rename(`${path}.new`, path)
    await utimes(path, 7, 7)
  }
  it.each([
    ['replaced by one of the same size', replaced, 'was changed after the job was planned'],
    ['grown', (path: string) => appendFile(path, '9,9\n'), 'had 12 bytes when the job was planned'],
    [
      'cut short',
      (path: string) => writeFile(path, 'x,y\n'),
      'had 12 bytes when the job was planned',
    ],
    ['gone', unlink, 'is gone'],
    [
      'a pipe',
      async (path: string) => {
        await unlink(path)
        await promisify(execFile)('mkfifo', [path])
      },
      'is no longer a file',
    ],
  ] as const)(
    '%s: its records fail in words, whoever looked at it before',
    async (_, change, words) => {
      if (process.platform === 'win32' && words === 'is no longer a file') return
      await using folder = await tempFolder()
      const path = join(folder.path, 'a.csv')
      await writeFile(path, 'x,y\n1,2\n3,4\n')
      await utimes(path, 1, 1)
      expect((await stat(path)).size).toBe(12)
      const spec = tableSpec({ root: folder.path })
      const [slices = []] = miniBatchesIn(await planAll(spec))
      await change(path)
      const { records } = await readTable(runTable(spec, slices))
      expect(records).toHaveLength(2)
      for (const { values, problem } of records) {
        expect(values).toBeUndefined()
        expect(problem).toContain(`"a.csv" ${words}`)
      }
    },
  )
})

describe('Parquet', () => {
  const write = (path: string) =>
    parquetWriteFile({
      filename: path,
      columnData: [{ name: 'id', data: Array.from({ length: 40 }, (_, i) => i), type: 'INT32' }],
      rowGroupSize: 10,
    })

  it('cut off anywhere is refused by the name of its file', async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, '0.parquet')
    write(path)
    const whole = await readFile(path)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
        await writeFile(path, whole.subarray(0, length))
        const spec = tableSpec({ root: folder.path, format: 'parquet' })
        expect(await failureOf(planAll(spec))).toMatch(/^"0\.parquet" of input "prices" /)
      }),
      { numRuns: 40 },
    )
  })

  it('with any byte of its footer wrong gives every row a value or a reason, or is refused by its name', async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, '0.parquet')
    write(path)
    const whole = await readFile(path)
    const footer = whole.length - 8 - whole.readUInt32LE(whole.length - 8)
    const place = fc.integer({ min: footer, max: whole.length - 1 })
    await fc.assert(
      fc.asyncProperty(place, fc.nat(255), async (at, byte) => {
        const broken = Buffer.from(whole)
        broken[at] = byte
        await writeFile(path, broken)
        const spec = tableSpec({ root: folder.path, format: 'parquet', bytes: 1 })
        const planned = await planAll(spec).catch(async () => failureOf(planAll(spec)))
        if (typeof planned === 'string') {
          expect(planned).toMatch(/^"0\.parquet" of input "prices" |holds a record/)
          return
        }
        const records = await readAll(spec, planned)
        expect(records.length).toBe(planned.reduce((sum, chunk) => sum + itemsOf(chunk), 0))
        for (const { values, problem } of records) expect(values === undefined).toBe(problem !== '')
      }),
      { numRuns: 200 },
    )
  })

  it('of a page without its length is rows that fail, where the library would go round for ever', async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, '0.parquet')
    write(path)
    const spec = tableSpec({ root: folder.path, format: 'parquet' })
    const planned = await planAll(spec)
    const [slice] = planned[0]?.slices ?? []
    const broken = await readFile(path)
    // The type of the second field: no longer the length but the end of the head.
    for (const at of [0, 1, 2, 3]) {
      const bytes = Buffer.from(broken)
      bytes.fill(0, (slice?.offset ?? 0) + at, (slice?.offset ?? 0) + at + 2)
      await writeFile(path, bytes)
      await utimes(path, 1, (slice?.file.modifiedMs ?? 0) / 1_000)
      const problems = (await readAll(spec, planned)).map((record) => record.problem)
      expect(problems.every((problem) => problem.includes('cannot be read'))).toBe(true)
    }
  })

  it('whose footer says 0 where there is no dictionary does not begin at the start of its file', () => {
    const facts = { data_page_offset: 500n, total_compressed_size: 10n }
    expect(columnStart({ ...facts, dictionary_page_offset: 0n } as ColumnMetaData)).toBe(500)
    expect(columnStart({ ...facts, dictionary_page_offset: 400n } as ColumnMetaData)).toBe(400)
    expect(columnStart(facts as ColumnMetaData)).toBe(500)
  })

  it('whose reading takes too long is no harm to who looks at it', async () => {
    await using folder = await tempFolder()
    const path = join(folder.path, '0.parquet')
    write(path)
    const input = tableOf({ root: folder.path, format: 'parquet' })
    const signal = new AbortController().signal
    // Sooner than any thread begins.
    const found = await createThreadedPreview(1).first(input, 5, signal)
    expect(found.ok ? '' : found.error.message).toBe(
      'The first records of input "prices" could not be read within 0.001 s: is one of its files damaged, or does its disk not answer?',
    )
    // The library alone goes round for ever here.
    const bytes = await readFile(path)
    bytes[10] = 25
    await writeFile(path, bytes)
    const broken = await createThreadedPreview().first(input, 5, signal)
    const rows = broken.ok && broken.value.kind === 'table' ? broken.value.rows : []
    expect(rows.map(({ problem }) => problem)).toEqual(
      Array.from({ length: 5 }, () => expect.stringContaining('cannot be read')),
    )
    write(path)
    const sound = await createThreadedPreview().first(input, 5, signal)
    expect(sound.ok && sound.value.kind === 'table' && sound.value.rows.length).toBe(5)
  })
})
