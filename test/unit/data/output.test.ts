import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OutputRow } from '#agent/ports/data.ts'
import { createOutputWriter } from '#agent/data/output.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { parseCsv } from './csv.ts'
import { tempFolder } from './temp.ts'

const forever = new AbortController().signal

async function* rowsOf(values: readonly unknown[]): AsyncGenerator<OutputRow> {
  for (const [item, value] of values.entries())
    yield { item, name: `${item}.png`, value: JSON.stringify(value) }
}

/** Writes rows into a fresh folder and gives the file's text; nothing else may be left there. */
const written = async (fileName: string, values: readonly unknown[]): Promise<string> => {
  await using folder = await tempFolder()
  const result = await createOutputWriter().write(folder.path, fileName, rowsOf(values), forever)
  expect(result).toEqual({ ok: true, value: join(folder.path, fileName) })
  expect(await readdir(folder.path)).toEqual([fileName])
  return readFile(join(folder.path, fileName), 'utf8')
}

/** What a field of a CSV must read as. */
const fieldText = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

describe('csv', () => {
  it('has a header, quotes what needs it, and one column for rows that are no objects', async () => {
    const rows = [{ file: 'a,b.png', digit: 7 }, { file: 'say "hi"\n', score: 0.5, top: [1, 2] }, 3]
    expect(await written('rows.csv', rows)).toBe(
      'file,digit,score,top,value\n"a,b.png",7,,,\n"say ""hi""\n",,0.5,"[1,2]",\n,,,,3\n',
    )
    expect(await written('rows.csv', ['a', null, true, ''])).toBe('value\na\n""\ntrue\n""\n')
    expect(await written('rows.csv', [])).toBe('')
    expect(await written('rows.CSV', [{}])).toBe('value\n""\n')
  })

  it('reads back as the rows, whatever they hold', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', "'") })
    const value = fc.oneof(
      text,
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constant(null),
    )
    const row = fc.oneof(
      fc.dictionary(fc.constantFrom('a', 'b,c', '"', 'd\ne', 'value', '__proto__'), value),
      value,
      fc.array(value, { maxLength: 2 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async (rows) => {
        // Through JSON once, as rows travel: -0 and the like are gone afterwards.
        const plain = rows.map((one) => JSON.parse(JSON.stringify(one)) as unknown)
        const [header = [], ...records] = parseCsv(await written('rows.csv', plain))
        expect(new Set(header).size).toBe(header.length)
        const expected = plain.map((one) => {
          const isMap = typeof one === 'object' && one !== null && !Array.isArray(one)
          const fields = new Map<string, unknown>(isMap ? Object.entries(one) : [['value', one]])
          return header.map((column) => fieldText(fields.get(column)))
        })
        expect(records).toEqual(expected)
        const keys = plain.flatMap((one) =>
          typeof one === 'object' && one !== null && !Array.isArray(one)
            ? Object.keys(one)
            : ['value'],
        )
        expect(new Set(header)).toEqual(new Set(keys.length === 0 ? ['value'] : keys))
      }),
      { numRuns: 200 },
    )
  })

  it('keeps keys that come late in a last column, without spoiling what stands before', async () => {
    const late = limits.csvHeaderRows + 5
    const rows = Array.from({ length: late + 3 }, (_, i) => ({
      file: i % 3 === 0 ? `line\nbreak "${i}"` : `${i}.png`,
      other: i,
      ...(i === late ? { extra: { deep: true }, more: 'x,y' } : {}),
    }))
    const [header, ...records] = parseCsv(await written('rows.csv', rows))
    expect(header).toEqual(['file', 'other', 'other_'])
    expect(records).toEqual(
      rows.map((row, i) => [
        row.file,
        String(i),
        i === late ? '{"extra":{"deep":true},"more":"x,y"}' : '',
      ]),
    )
  })

  it('adds that column also where the file is read in many pieces', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => ({
      text: `é"\n${'x'.repeat(i % 11)}`,
      ...(i === 29_000 ? { late: 1 } : {}),
    }))
    const records = parseCsv(await written('rows.csv', rows))
    expect(records.length).toBe(30_001)
    expect(records.every((record) => record.length === 2)).toBe(true)
    expect(records.filter((record) => record[1] !== '')).toEqual([
      ['text', 'other'],
      [rows[29_000]?.text, '{"late":1}'],
    ])
    expect(records.slice(1).map((record) => record[0])).toEqual(rows.map((row) => row.text))
  })
})

describe('jsonl and text', () => {
  const rows = ['plain', 'two\nlines', 1.5, { a: 'x\ny' }, [1], null, true, '"quoted"']

  it('writes one JSON value a line', async () => {
    const text = await written('rows.jsonl', rows)
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(rows)
  })

  it('writes one line an element, strings as they are', async () => {
    expect(await written('parallel_run_step.txt', rows)).toBe(
      'plain\n"two\\nlines"\n1.5\n{"a":"x\\ny"}\n[1]\nnull\ntrue\n"quoted"\n',
    )
  })

  it('keeps to one line even if a worker sent JSON with line breaks, or no JSON at all', async () => {
    await using folder = await tempFolder()
    async function* odd(): AsyncGenerator<OutputRow> {
      yield { item: 0, name: 'a', value: '{\n"a": 1\n}' }
      yield { item: 1, name: 'b', value: 'not json\nat all' }
    }
    await createOutputWriter().write(folder.path, 'a.jsonl', odd(), forever)
    expect(await readFile(join(folder.path, 'a.jsonl'), 'utf8')).toBe(
      '{"a":1}\n"not json\\nat all"\n',
    )
  })
})

describe('complete or absent', () => {
  it('never replaces a file, also when many are written at once', async () => {
    await using folder = await tempFolder()
    await writeFile(join(folder.path, 'rows.csv'), 'mine')
    const writer = createOutputWriter()
    const writes = Array.from({ length: 8 }, (_, i) =>
      writer.write(folder.path, 'rows.csv', rowsOf([i]), forever),
    )
    const paths = (await Promise.all(writes)).map((result) => (result.ok ? result.value : ''))
    const expected = [2, 3, 4, 5, 6, 7, 8, 9].map((n) => join(folder.path, `rows-${n}.csv`))
    expect(paths.toSorted()).toEqual(expected)
    expect(await readFile(join(folder.path, 'rows.csv'), 'utf8')).toBe('mine')
    expect((await readdir(folder.path)).length).toBe(9)
  })

  it('leaves nothing when the rows fail or the writing is stopped', async () => {
    await using folder = await tempFolder()
    const writer = createOutputWriter()
    async function* failing(): AsyncGenerator<OutputRow> {
      yield* rowsOf(Array.from({ length: 2_000 }, () => 'x'))
      throw new MusterFailure(musterError('BlobMissing', 'The rows are gone.'))
    }
    const failed = await writer.write(folder.path, 'rows.csv', failing(), forever)
    expect(failed).toMatchObject({ ok: false, error: { code: 'BlobMissing' } })
    const stop = new AbortController()
    async function* endless(): AsyncGenerator<OutputRow> {
      for (let item = 0; ; item++) {
        if (item === 5_000) stop.abort()
        yield { item, name: 'x', value: '"x"' }
      }
    }
    const stopped = await writer.write(folder.path, 'rows.csv', endless(), stop.signal)
    expect(stopped).toMatchObject({ ok: false, error: { code: 'Aborted' } })
    expect(await readdir(folder.path)).toEqual([])
  })

  it('takes away what a killed agent left of the same file, and only that', async () => {
    await using folder = await tempFolder()
    await mkdir(folder.path, { recursive: true })
    for (const name of ['.rows.csv.1-1.part', '.other.csv.1-1.part', '.rows.csv.keep'])
      await writeFile(join(folder.path, name), 'left')
    await createOutputWriter().write(folder.path, 'rows.csv', rowsOf([1]), forever)
    expect((await readdir(folder.path)).toSorted()).toEqual([
      '.other.csv.1-1.part',
      '.rows.csv.keep',
      'rows.csv',
    ])
  })

  it('asks for rows no faster than it writes them', async () => {
    await using folder = await tempFolder()
    const value = JSON.stringify('x'.repeat(100_000))
    let mostAhead = 0
    async function* large(): AsyncGenerator<OutputRow> {
      for (let item = 0; item < 200; item++) {
        const [part = ''] = await readdir(folder.path)
        const { size } = await stat(join(folder.path, part))
        mostAhead = Math.max(mostAhead, item * 100_001 - size)
        yield { item, name: 'x', value }
      }
    }
    const result = await createOutputWriter().write(folder.path, 'a.txt', large(), forever)
    expect(result.ok).toBe(true)
    expect(mostAhead).toBeGreaterThan(0)
    expect(mostAhead).toBeLessThan(400_000)
  })
})
