import { readdir, readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PipelineView } from '#protocol/control/pipeline-views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { digitSide, readDigits } from '../../examples/mnist/digits.ts'
import { writeFlowerTable } from '../../examples/parquet/flowers.ts'
import { brands, readSales, stores, writeSales } from '../../examples/partition/sales.ts'
import { writeSheets } from '../../examples/two-models/sheets.ts'
import { allRows, repository, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada', 'ben'])
})
afterAll(() => office[Symbol.asyncDispose]())

/** Runs an example's own job file over an input elsewhere. */
const runExample = async (
  name: string,
  overrides: Readonly<Record<string, string | number>>,
): Promise<JobView> => {
  const file = join(repository, 'examples', name, 'job.yaml')
  const text = await readFile(file, 'utf8')
  const { id } = await team.keeper.client.call('submitJob', { body: { text, file, overrides } })
  return untilFinal(() => team.keeper.client, id)
}

test('partition: every store and brand gets a trend and a forecast of its own', async () => {
  const folder = join(office.folder, 'sales')
  await writeSales(folder)
  const sales = readSales()
  const job = await runExample('partition', { 'inputs.sales.path': folder })
  expect(job).toMatchObject({
    state: 'Completed',
    items: sales.length,
    itemsSucceeded: sales.length,
    itemsFailed: 0,
    miniBatches: stores.length * brands.length,
  })
  const rows: Record<string, string>[] = parse(await readFile(job.output), { columns: true })
  expect(rows.length).toBe(sales.length)
  for (const [s, store] of stores.entries())
    for (const [b, brand] of brands.entries()) {
      const own = rows.filter((row) => row['store'] === store && row['brand'] === brand)
      expect(own.map((row) => Number(row['quantity']))).toEqual(
        sales
          .filter((one) => one.store === store && one.brand === brand)
          .map((one) => one.quantity),
      )
      expect(own.filter((row) => row['forecast'] !== '').map((row) => row['week'])).toEqual([
        '49',
        '50',
        '51',
        '52',
      ])
      // The sales are a line with at most 5 beside it, so a line fitted to them is not far from it.
      for (const { week, forecast } of own.slice(48)) {
        const line = 200 + 40 * s + 25 * b + (3 * (s - b) + 1) * Number(week)
        expect(Math.abs(Number(forecast) - line)).toBeLessThanOrEqual(3)
      }
    }
  expect(new Set(rows.slice(0, 52).map((row) => `${row['store']} ${row['brand']}`)).size).toBe(1)
})

test('two-models: one model finds the digit on each sheet, the other one reads it', async () => {
  const folder = join(office.folder, 'two-models')
  const sheets = await writeSheets(folder, 40)
  const job = await runExample('two-models', { 'inputs.sheets.path': folder })
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 40, headline: '' })
  expect(job.model).toBe('find-digit:1, mnist:1')
  const rows = await allRows(team.keeper.client, job.id)
  const found = rows.map((row) => row.value as { digit: number; x: number; y: number })
  const right = sheets.filter((sheet, at) => found[at]?.digit === sheet.label)
  expect(right.length).toBeGreaterThanOrEqual(38)
  for (const [at, { x, y }] of sheets.entries()) {
    expect(Math.abs(found[at]!.x - x)).toBeLessThanOrEqual(3)
    expect(Math.abs(found[at]!.y - y)).toBeLessThanOrEqual(3)
  }
})

test('summary-only: the files that a script writes are the output', async () => {
  const count = 45
  const { folder } = await office.digits(count)
  const job = await runExample('summary-only', { 'inputs.digits.path': folder })
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: count, output: '' })
  const sheets = job.outputFiles?.folder ?? ''
  const names = (await readdir(sheets)).sort()
  expect(names).toEqual([0, 1, 2, 3, 4].map((index) => `sheet-000${index}.pgm`))
  const { pixels } = await readDigits()
  for (const [index, name] of names.entries()) {
    const width = Math.min(10, count - index * 10) * digitSide
    const file = await readFile(join(sheets, name))
    const head = `P5\n${width} ${digitSide}\n255\n`
    expect(file.toString('latin1', 0, head.length)).toBe(head)
    const sheet = file.subarray(head.length)
    expect(sheet.length).toBe(width * digitSide)
    const wanted = Buffer.from(
      sheet.map((_, at) => {
        const [x, y] = [at % width, Math.floor(at / width)]
        const digit = index * 10 + Math.floor(x / digitSide)
        return pixels[(digit * digitSide + y) * digitSide + (x % digitSide)] ?? -1
      }),
    )
    expect(wanted.equals(sheet)).toBe(true)
  }
})

test('parquet: a table comes in and goes out with typed columns', async () => {
  const folder = join(office.folder, 'flowers')
  const species = await writeFlowerTable(folder)
  const job = await runExample('parquet', { 'inputs.flowers.path': folder })
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 150, itemsFailed: 0 })
  expect(job.miniBatches).toBeGreaterThan(1)
  expect(job.miniBatches).toBeLessThanOrEqual(5)
  const bytes = await readFile(job.output)
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { schema } = parquetMetadata(file)
  expect(schema.slice(1).map(({ name, type }) => [name, type])).toEqual([
    ['item', 'BYTE_ARRAY'],
    ['prediction', 'BYTE_ARRAY'],
    ['score', 'DOUBLE'],
  ])
  const rows = await parquetReadObjects({ file })
  expect(rows.map((row) => row['item'])).toEqual(
    species.map((_, at) => `flowers.parquet#${at + 1}`),
  )
  const right = rows.filter((row, at) => row['prediction'] === species[at])
  expect(right.length).toBeGreaterThanOrEqual(145)
  const stored = await allRows(team.keeper.client, job.id)
  expect(rows).toEqual(stored.map((row) => row.value))
})

interface LookAlikes {
  readonly digit: string
  readonly like: readonly { readonly digit: string; readonly likeness: number }[]
}

const runTwoSteps = async (digits: string, neighbours: number): Promise<PipelineView> => {
  const file = join(repository, 'examples/two-steps/pipeline.yaml')
  const { client } = team.keeper
  const { pipeline } = await client.call('submitPipeline', {
    body: { text: await readFile(file, 'utf8'), file, parameters: { digits, neighbours } },
  })
  let view = pipeline
  await until('the pipeline run ends', async () => {
    view = await client.call('pipeline', { query: { pipeline: pipeline?.id ?? '' } })
    return view.endedAt !== null
  })
  if (view === null) throw new Error('a schedule was made instead of a run')
  return view
}

const lookAlikesOf = async (view: PipelineView): Promise<readonly LookAlikes[]> => {
  const text = await readFile(view.steps[1]?.output ?? '', 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LookAlikes)
}

test('two-steps: the second step reads the rows of the first; with another parameter only it runs', async () => {
  const count = 100
  const { folder, labels } = await office.digits(count, 'older-digits')
  // A file's time proves that it is unchanged only once it is a while ago.
  const before = new Date(Date.now() - 3_600_000)
  for (const name of await readdir(folder)) await utimes(join(folder, name), before, before)
  const view = await runTwoSteps(folder, 1)
  expect(view).toMatchObject({ state: 'Completed', experiment: 'look-alikes', headline: '' })
  expect(view.steps).toMatchObject([
    { name: 'embed', itemsSucceeded: count, itemsFailed: 0, miniBatches: 10, takenOver: 0 },
    { name: 'match', itemsSucceeded: count, itemsFailed: 0, miniBatches: 1, takenOver: 0 },
  ])
  const found = await lookAlikesOf(view)
  expect(found.map(({ digit }) => digit)).toEqual((await readdir(folder)).sort())
  const same = found.filter(
    ({ like }, at) => labels[Number.parseInt(like[0]?.digit ?? '', 10)] === labels[at],
  )
  expect(same.length).toBeGreaterThanOrEqual(90)

  const again = await runTwoSteps(folder, 3)
  expect(again.state).toBe('Completed')
  expect(again.steps.map(({ takenOver }) => takenOver)).toEqual([10, 0])
  const more = await lookAlikesOf(again)
  expect(more.map(({ like }) => like.length)).toEqual(found.map(() => 3))
  expect(more.map(({ like }) => like.slice(0, 1))).toEqual(found.map(({ like }) => like))
})
