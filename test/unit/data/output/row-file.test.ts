import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RowFile } from '#agent/data/output/row-file.ts'
import { writeRowFile } from '#agent/data/output/row-file.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { formatOfName } from '#protocol/model/output.ts'
import { parseCsv } from '../csv.ts'
import { tempFolder } from '../temp.ts'

const textsOf = (values: readonly unknown[]): string[] =>
  values.map((value) => JSON.stringify(value))

const wishOf = (folder: string, fileName: string, more: Partial<RowFile> = {}): RowFile => ({
  folder,
  fileName,
  format: formatOfName(fileName),
  present: 'other-name',
  ...more,
})

/** Writes JSON texts into a fresh folder and gives the file's text; nothing else may be left there. */
const writtenTexts = async (
  fileName: string,
  texts: readonly string[],
  more: Partial<RowFile> = {},
): Promise<string> => {
  await using folder = await tempFolder()
  const result = writeRowFile(wishOf(folder.path, fileName, more), { values: () => texts })
  const path = join(folder.path, fileName)
  const text = await readFile(path, 'utf8')
  const bytes = Buffer.byteLength(text)
  expect(result).toEqual({ ok: true, value: { path, rows: texts.length, bytes } })
  expect(await readdir(folder.path)).toEqual([fileName])
  return text
}

const written = (fileName: string, values: readonly unknown[], more: Partial<RowFile> = {}) =>
  writtenTexts(fileName, textsOf(values), more)

/** What a field of a CSV must read as. */
const fieldText = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const keysOf = (rows: readonly unknown[]): string[] => [
  ...new Set(rows.flatMap((row) => (isMap(row) ? Object.keys(row) : ['value']))),
]

/** Rows as scripts may return them: objects of any keys, or anything else. */
const nastyRows = (delimiter: string) => {
  const text = fc.string({
    unit: fc.constantFrom('a', '"', delimiter, '\n', '\r', ' ', 'é', "'", '😀'),
  })
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
  )
  const key = fc.constantFrom('a', `b${delimiter}c`, '"', 'd\ne', 'value', '__proto__', 'toString')
  const row = fc.oneof(fc.dictionary(key, value), value, fc.array(value, { maxLength: 2 }))
  // Through JSON once, as rows travel: -0 and the like are gone afterwards.
  return fc
    .array(row, { minLength: 1, maxLength: 12 })
    .map((rows) => rows.map((one) => JSON.parse(JSON.stringify(one)) as unknown))
}

describe('columns of text', () => {
  it('have a header, quotes where needed, and one column for rows that are no objects', async () => {
    const rows = [{ file: 'a,b.png', digit: 7 }, { file: 'say "hi"\n', score: 0.5, top: [1, 2] }, 3]
    expect(await written('rows.csv', rows)).toBe(
      'file,digit,score,top,value\n"a,b.png",7,,,\n"say ""hi""\n",,0.5,"[1,2]",\n,,,,3\n',
    )
    expect(await written('rows.csv', ['a', null, true, ''])).toBe('value\na\n""\ntrue\n""\n')
    expect(await written('rows.csv', [])).toBe('')
    expect(await written('rows.CSV', [{}])).toBe('value\n""\n')
    expect(await written('rows.tsv', [{ a: 'x\ty', b: 'x,y' }])).toBe('a\tb\n"x\ty"\tx,y\n')
  })

  it('follow the delimiter and the header that were asked for', async () => {
    const rows = [
      { file: 'a:b', digit: 7 },
      { file: 'c', digit: null },
    ]
    expect(await written('rows.csv', rows, { delimiter: ';', header: false })).toBe('a:b;7\nc;\n')
    expect(await written('rows.txt', rows, { delimiter: ':' })).toBe('"a:b":7\nc:\n')
    expect(await written('rows.txt', rows, { delimiter: ':', header: true })).toBe(
      'file:digit\n"a:b":7\nc:\n',
    )
  })

  for (const delimiter of [',', '\t', ';', ']', '^', '\\', '-', '.', '1', 'e', ' ', '|'])
    it(`read back as the rows, whatever they hold, between ${JSON.stringify(delimiter)}`, async () => {
      await fc.assert(
        fc.asyncProperty(nastyRows(delimiter), async (rows) => {
          const text = await written('rows.csv', rows, { delimiter })
          const [header = [], ...records] = parse(text, { delimiter, relax_column_count: false })
          expect(header).toEqual(keysOf(rows).length === 0 ? ['value'] : keysOf(rows))
          const expected = rows.map((row) => {
            const fields = new Map<string, unknown>(
              isMap(row) ? Object.entries(row) : [['value', row]],
            )
            return header.map((column) => fieldText(fields.get(column)))
          })
          expect(records).toEqual(expected)
          if (delimiter === ',') expect(parseCsv(text)).toEqual([header, ...expected])
        }),
        { numRuns: 60 },
      )
    })

  it('have the keys of all rows as columns, also those that come late', async () => {
    const late = limits.csvHeaderRows + 5
    const rows = Array.from({ length: late + 3 }, (_, i) => ({
      file: i % 3 === 0 ? `line\nbreak "${i}"` : `${i}.png`,
      ...(i === late ? { extra: { deep: true }, more: 'x,y' } : {}),
    }))
    const [header, ...records] = parseCsv(await written('rows.csv', rows))
    expect(header).toEqual(['file', 'extra', 'more'])
    expect(records).toEqual(
      rows.map((row, i) => (i === late ? [row.file, '{"deep":true}', 'x,y'] : [row.file, '', ''])),
    )
  })

  it('keep keys beyond the limit in a last column', async () => {
    const many = Object.fromEntries(
      Array.from({ length: limits.outputColumns + 2 }, (_, i) => [i === 0 ? 'other' : `k${i}`, i]),
    )
    const [header = [], first = [], second = []] = parseCsv(
      await written('rows.csv', [many, { other: 'x' }]),
    )
    expect(header.length).toBe(limits.outputColumns + 1)
    expect(header.at(-1)).toBe('other_')
    const last = limits.outputColumns
    expect(first.at(-1)).toBe(JSON.stringify({ [`k${last}`]: last, [`k${last + 1}`]: last + 1 }))
    expect([second[0], second.at(-1)]).toEqual(['x', ''])
  })
})

describe('lines', () => {
  const rows = ['plain', 'two\nlines', 1.5, { a: 'x\ny' }, [1], null, true, '"quoted"']

  it('hold one JSON value each', async () => {
    const text = await written('rows.jsonl', rows)
    const lines = text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(rows)
  })

  it('hold one element each, strings as they are', async () => {
    expect(await written('parallel_run_step.txt', rows)).toBe(
      'plain\n"two\\nlines"\n1.5\n{"a":"x\\ny"}\n[1]\nnull\ntrue\n"quoted"\n',
    )
  })

  it('stay one even if a worker sent JSON with line breaks, or no JSON at all', async () => {
    const odd = ['{\n"a": 1\n}', 'not json\nat all']
    expect(await writtenTexts('a.jsonl', odd)).toBe('{"a":1}\n"not json\\nat all"\n')
    expect(await writtenTexts('a.csv', odd)).toBe('a,value\n1,\n,"not json\nat all"\n')
  })
})

describe('complete or absent', () => {
  it('never replaces a file unless that was asked for', async () => {
    await using folder = await tempFolder()
    await writeFile(join(folder.path, 'rows.csv'), 'mine')
    const rows = { values: () => ['1'] }
    for (const n of [2, 3]) {
      const result = writeRowFile(wishOf(folder.path, 'rows.csv'), { values: () => [`${n}`] })
      expect(result).toMatchObject({ value: { path: join(folder.path, `rows-${n}.csv`) } })
    }
    const refused = writeRowFile(wishOf(folder.path, 'rows.csv', { present: 'refused' }), rows)
    expect(refused).toMatchObject({ ok: false, error: { code: 'OutputExists' } })
    expect(await readFile(join(folder.path, 'rows.csv'), 'utf8')).toBe('mine')
    expect(writeRowFile(wishOf(folder.path, 'rows.csv', { present: 'replaced' }), rows).ok).toBe(
      true,
    )
    expect(await readFile(join(folder.path, 'rows.csv'), 'utf8')).toBe('value\n1\n')
    expect((await readdir(folder.path)).length).toBe(3)
  })

  it('leaves nothing when the rows fail, whatever the format', async () => {
    await using folder = await tempFolder()
    const error = musterError('BlobMissing', 'The rows are gone.')
    function* failing(): Generator<string> {
      for (let row = 0; row < 2_000; row++) yield JSON.stringify({ row })
      throw new MusterFailure(error)
    }
    for (const format of ['csv', 'jsonl', 'parquet', 'txt'] as const) {
      const wish = wishOf(folder.path, `rows.${format}`)
      expect(writeRowFile(wish, { values: failing })).toEqual({ ok: false, error })
    }
    expect(await readdir(folder.path)).toEqual([])
  })

  it('takes away what a killed agent left of the same file, and nothing that others write there', async () => {
    await using folder = await tempFolder()
    await mkdir(folder.path, { recursive: true })
    const { pid: gone } = spawnSync(process.execPath, ['--version'])
    // How a temporary file is called is seen where a write fails on its way.
    let mine = ''
    function* rows(): Generator<string> {
      mine = readdirSync(folder.path).find((name) => name.endsWith('.part')) ?? ''
      yield '1'
    }
    writeRowFile(wishOf(folder.path, 'rows.csv'), { values: rows })
    const named = (id: number): string => mine.replace(`-${process.pid}-`, `-${id}-`)
    const elsewhere = (start: string): string => mine.replace(/csv\.\w{8}-/, `csv.${start}-`)
    const kept = [
      named(process.ppid),
      elsewhere('01234567'),
      '.other.csv.1-1.part',
      '.rows.csv.keep',
    ]
    const left = [named(gone), named(process.pid), elsewhere('89abcdef'), '.rows.csv.1-1.part']
    for (const name of [...kept, ...left]) await writeFile(join(folder.path, name), 'left')
    const old = Date.now() / 1_000 - limits.outputTempMs / 1_000 - 60
    for (const name of left.slice(2)) await utimes(join(folder.path, name), old, old)
    writeRowFile(wishOf(folder.path, 'rows.csv', { present: 'replaced' }), { values: () => ['1'] })
    expect((await readdir(folder.path)).toSorted()).toEqual([...kept, 'rows.csv'].toSorted())
  })

  it('may have a name as long as the file system takes', async () => {
    const name = `${'é'.repeat(125)}.csv`
    expect(await written(name, [{ a: 1 }])).toBe('a\n1\n')
  })

  it('says so where a folder has its name', async () => {
    await using folder = await tempFolder()
    await mkdir(join(folder.path, 'rows.csv'), { recursive: true })
    const failed = writeRowFile(wishOf(folder.path, 'rows.csv', { present: 'replaced' }), {
      values: () => ['1'],
    })
    expect(failed).toMatchObject({
      ok: false,
      error: {
        message: expect.stringContaining(`a folder in ${folder.path} has its name`) as string,
      },
    })
    expect(await readdir(folder.path)).toEqual(['rows.csv'])
  })
})
