import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetWriteFile } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { createDataFolders } from '#agent/data/data-folders.ts'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { createDataPreview } from '#agent/data/preview.ts'
import { createShares } from '#agent/data/shares.ts'
import { createCheckFile } from '#agent/effects/submit/check-file.ts'
import { createTimetable } from '#agent/schedule/timetable.ts'
import { createPreviewData, createPreviewFile } from '#agent/effects/submit/preview.ts'
import { createRegistry } from '#agent/effects/control/registry/registry.ts'
import { createSystemClock } from '#agent/host/system-clock.ts'
import type { Keys } from '#agent/ports/keys.ts'
import {
  createTempFolder,
  createTestKeys,
  genesisOf,
  openTestStore,
} from '../support/ledger-fixtures.ts'
import { writeFiles } from '../unit/data/temp.ts'

/** A real registry and reader over a folder of files. */
const setup = async (files: Readonly<Record<string, string>>) => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys] = createTestKeys('m') as [Keys]
  const store = stack.use(await openTestStore(join(folder.path, 'home'), keys))
  await store.ledger.found(genesisOf(keys.self))
  const data = join(folder.path, 'data')
  await writeFiles(data, files)
  const registry = createRegistry({
    self: keys.self,
    clock: createSystemClock(),
    ledger: store.ledger,
    views: store.views,
    folders: createDataFolders(join(folder.path, 'own')),
    planner: createPlanner(),
    shares: createShares(),
    mappedShares: () => ({ office: data }),
    rolesOf: () => ['submit'],
    nameOf: () => 'anna',
  })
  const deps = {
    ...registry,
    jobFiles: createJobFileReader(),
    preview: createDataPreview(),
    timetable: createTimetable(),
  }
  const preview = createPreviewData(deps)
  const previewFile = createPreviewFile(deps)
  const file = async (input: unknown, name: string) => {
    const found = await previewFile(input, name)
    return found.ok ? Buffer.from(found.value).toString() : found.error.message
  }
  const check = createCheckFile(deps)
  const look = async (input: unknown, count = 10) => {
    const found = await preview(input, count, AbortSignal.timeout(10_000))
    if (!found.ok) return found.error.message
    const { kind, files, more } = found.value
    const names = files.map(({ name }) => name)
    return found.value.kind === 'table'
      ? { kind, names, more, columns: found.value.columns, rows: found.value.rows }
      : { kind, names, more }
  }
  return { registry, data, look, file, check, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const sales = 'shop,sold\nnorth,3\n"south, far",4\nwest\neast,5\n'

describe('a preview', () => {
  it('of files is the beginning of the plan', async () => {
    await using t = await setup({ 'b.png': 'b', 'a.png': 'a', 'x/c.png': 'c', 'd.txt': 'd' })
    expect(await t.look({ path: t.data, pattern: '**/*.png' }, 2)).toEqual({
      kind: 'files',
      names: ['a.png', 'b.png'],
      more: true,
    })
    expect(await t.look(t.data)).toMatchObject({ names: ['a.png', 'b.png', 'd.txt', 'x/c.png'] })
    expect(await t.look({ path: 'x', share: 'office' })).toMatchObject({ names: ['c.png'] })
  })

  it('of a table is its first records, the broken ones with their problem', async () => {
    await using t = await setup({ 'a.csv': sales, 'b.csv': 'shop,sold\nisle,6\n' })
    const input = { path: t.data, format: 'csv' }
    expect(await t.look(input, 3)).toMatchObject({
      kind: 'table',
      columns: ['shop', 'sold'],
      more: true,
      rows: [
        { name: 'a.csv#1', value: { shop: 'north', sold: '3' }, problem: '' },
        { name: 'a.csv#2', value: { shop: 'south, far', sold: '4' } },
        { name: 'a.csv#3', value: null },
      ],
    })
    const all = await t.look(input)
    expect(all).toMatchObject({ more: false })
    expect(typeof all === 'string' ? 0 : all.rows?.length).toBe(5)
  })

  it('of Parquet is its first rows with their types, from as many files as it takes', async () => {
    await using t = await setup({})
    await mkdir(t.data, { recursive: true })
    for (const [name, from] of [
      ['a', 0],
      ['b', 3],
    ] as const)
      parquetWriteFile({
        filename: join(t.data, `${name}.parquet`),
        rowGroupSize: [2],
        columnData: [
          { name: 'shop', data: ['north', null, 'süd'], type: 'STRING' },
          { name: 'sold', data: [0, 1, 2].map((one) => BigInt(from + one)), type: 'INT64' },
          { name: 'share', data: [0.5, 1.5, null], type: 'DOUBLE' },
          { name: 'open', data: [true, false, true], type: 'BOOLEAN' },
          { name: 'at', data: [0, 1, 2].map((one) => new Date(one)), type: 'TIMESTAMP' },
          { name: 'raw', data: [0, 1, 2].map((one) => Uint8Array.of(one)), type: 'BYTE_ARRAY' },
        ],
      })
    const found = await t.look({ path: t.data, format: 'parquet' }, 4)
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({
      kind: 'table',
      names: ['a.parquet', 'b.parquet'],
      columns: ['shop', 'sold', 'share', 'open', 'at', 'raw'],
      more: true,
      rows: [
        { name: 'a.parquet#1', value: { shop: 'north', sold: 0, share: 0.5, open: true } },
        { name: 'a.parquet#2', value: { shop: null, sold: 1, at: '1970-01-01T00:00:00.001Z' } },
        { name: 'a.parquet#3', value: { shop: 'süd', share: null } },
        { name: 'b.parquet#1', value: { sold: 3 }, problem: '' },
      ],
    })
    await writeFiles(t.data, { 'c.parquet': 'no such thing' })
    const broken = await t.look({ path: t.data, pattern: 'c.parquet', format: 'parquet' })
    expect(broken).toBe('"c.parquet" of input "data" is no Parquet file.')
  })

  it('of a registered dataset reads it as it was registered', async () => {
    await using t = await setup({ 'a.txt': 'north;3\n', 'b.csv': 'x' })
    await t.registry.registerDataset({
      name: 'sales',
      type: 'table',
      path: t.data,
      patterns: ['*.txt'],
      options: { format: 'csv', delimiter: ';', header: false },
      validate: true,
      description: '',
      tags: {},
    })
    const found = await t.look({ dataset: 'sales' })
    expect(found).toMatchObject({ names: ['a.txt'], rows: [{ problem: '' }] })
    expect(await t.look({ dataset: 'sale' })).toBe(
      'No dataset "sale" is registered: did you mean "sales"?',
    )
  })

  it('tells what is wrong in the words of inputs', async () => {
    await using t = await setup({ 'a.csv': 'a' })
    expect(await t.look({ path: t.data, colour: 1 })).toMatch(/^"data\.colour" is not a field/)
    expect(await t.look(join(t.data, 'none'))).toMatch(/none/)
  })

  it('gives the bytes of a file of the input, and of none outside of it', async () => {
    await using t = await setup({ 'a.png': 'a', 'x/c.png': 'c' })
    expect(await t.file(t.data, 'x/c.png')).toBe('c')
    expect(await t.file({ path: 'x', share: 'office' }, 'c.png')).toBe('c')
    for (const name of ['../a.png', 'x/../../a.png', '..\\a.png', join(t.data, 'a.png'), 'x', 'no'])
      expect(await t.file(join(t.data, 'x'), name)).toBe(`Input "data" has no file "${name}".`)
  })
})

describe('a check of a file', () => {
  const wish = (text: string) => ({ text, file: '/jobs/a.yaml', parameters: {}, overrides: {} })

  it('gives its fields as they are written, its steps, and what has no effect', async () => {
    await using t = await setup({ 'a.png': 'a' })
    const text =
      'name: digits\nmodel: mnist\ninputs: { d: ./d }\npreprocess: { width: 28, height: 28 }\n'
    expect(await t.check(wish(`${text}postprocess: { kind: raw, k: 3 }\n`))).toMatchObject({
      ok: true,
      value: {
        kind: 'job',
        fields: { name: 'digits', inputs: { d: './d' }, preprocess: { width: 28 } },
        steps: ['digits'],
        warnings: [expect.stringContaining('postprocess.k')],
        problem: null,
      },
    })
    const steps = 'name: two\nsteps:\n  one: { entry_script: a.ts, inputs: { d: ./d } }\n'
    expect(await t.check(wish(steps))).toMatchObject({
      value: { kind: 'pipeline', steps: ['one'], problem: null },
    })
  })

  it('tells what is wrong with its place, beside the fields that could be read', async () => {
    await using t = await setup({ 'a.png': 'a' })
    expect(await t.check(wish('name: digits\nmini_batch_sice: 3\n'))).toMatchObject({
      value: {
        fields: { mini_batch_sice: 3 },
        problem: { code: 'JobFileInvalid', position: { file: '/jobs/a.yaml', line: 2 } },
      },
    })
    const one = 'name: one\nmodel: m\ninputs: { d: ./d }\npreprocess: { width: 8, height: 8 }\n'
    const problemOf = async (line: string) => {
      const checked = await t.check(wish(`${one}${line}\n`))
      return checked.ok ? checked.value.problem?.message : checked.error.message
    }
    expect(await problemOf('compute: quick')).toContain('there is no such pool; none is yet')
    expect(await problemOf("schedule: { cron: '0 25 * * *' }")).toContain('is no cron expression')
    expect(await problemOf("schedule: { cron: '0 5 * * *' }")).toBeUndefined()
    expect(await problemOf('output_action: Summary_Only')).toBeUndefined()
    expect(await t.check(wish('- a list'))).toMatchObject({
      ok: false,
      error: { code: 'JobFileInvalid' },
    })
  })
})
