import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { parquetWriteFile } from 'hyparquet-writer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, repository, untilFinal } from '../../tools/agents.ts'
import { writeFlowers } from '../../examples/iris/flowers.ts'
import { fileOf } from '../support/parquet-file.ts'
import { runMuster } from '../support/run-cli.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let folder = ''
let species: readonly (readonly string[])[] = []

beforeAll(async () => {
  office = await createOffice()
  folder = join(office.folder, 'flowers')
  species = (await writeFlowers(folder)).species
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

const submit = async (
  text: string,
  file: string,
  overrides: Readonly<Record<string, string | number>> = {},
) => {
  const { id } = await team.keeper.client.call('submitJob', {
    body: { text, file, overrides: { ...overrides, allow_reuse: false } },
  })
  const job = await untilFinal(() => team.keeper.client, id)
  return { job, rows: await allRows(team.keeper.client, id) }
}

test.each(['true', 'false'])('the iris example runs over tables, in place: %s', async (inPlace) => {
  const file = join(repository, 'examples/iris/job.yaml')
  const { job, rows } = await submit(await readFile(file, 'utf8'), file, {
    'inputs.flowers.path': folder,
    in_place: inPlace,
  })
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 150, itemsFailed: 0 })
  expect(job.miniBatches).toBeGreaterThan(3)
  const wanted = species.flat()
  expect(rows.map((row) => row.item)).toEqual(wanted.map((_, item) => item))
  expect(rows[50]).toMatchObject({ name: 'flowers-2.csv#1' })
  const right = rows.filter(
    (row) => (row.value as { prediction: string }).prediction === wanted[row.item],
  )
  expect(right.length).toBeGreaterThanOrEqual(145)
  const [first = ''] = (await readFile(job.output, 'utf8')).split('\n')
  expect(first).toContain('prediction')
})

test('a script gets records, columns and partition values; a broken record fails alone', async () => {
  const shops = office.place('shops')
  await mkdir(shops)
  const lines = ['shop,day,sold', 'a,1,10', 'b,1,"20"', 'a,2,30', 'b,2,4,0', 'a,3,"5', '0"']
  await writeFile(join(shops, 'sales.csv'), `${lines.join('\n')}\n`)
  await writeFile(
    join(shops, 'score.ts'),
    `export async function run(miniBatch: any) {
      const rows = await miniBatch.rows()
      const names = await miniBatch.rowNames()
      return rows.map((row: any, i: number) => ({
        key: names[i], shop: miniBatch.partition.shop, columns: miniBatch.columns.join(), sold: row.sold,
      }))
    }`,
  )
  const { job, rows } = await submit(
    `name: shops
entry_script: score.ts
inputs: { sales: { path: sales.csv, type: table } }
partition_keys: [shop]
append_row_file_name: sold.jsonl
`,
    join(shops, 'job.yaml'),
  )
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 4, itemsFailed: 1 })
  const good = rows.filter((row) => row.failure === '')
  expect(good.map((row) => row.value)).toEqual([
    { key: 'sales.csv#1', shop: 'a', columns: 'shop,day,sold', sold: '10' },
    { key: 'sales.csv#3', shop: 'a', columns: 'shop,day,sold', sold: '30' },
    { key: 'sales.csv#5', shop: 'a', columns: 'shop,day,sold', sold: '5\n0' },
    { key: 'sales.csv#2', shop: 'b', columns: 'shop,day,sold', sold: '20' },
  ])
  expect(rows.find((row) => row.failure !== '')).toMatchObject({
    name: 'sales.csv#4',
    failure: 'sales.csv#4 has 4 fields, but its table has 3 columns.',
  })
})

/** Kills its own process at some records and cannot say a thing about others. */
const deadly = `
export async function run(miniBatch: any, context: any) {
  const rows = await miniBatch.rows()
  const names = await miniBatch.rowNames()
  const found = []
  for (const [i, row] of rows.entries()) {
    if (Number(row.sold) === 13) process.exit(3)
    if (Number(row.sold) === 17) continue
    found.push({ key: names[i], sold: Number(row.sold), of: rows.length })
  }
  return found
}`

const tables = {
  csv: async (path: string, sold: readonly number[]) => {
    const lines = sold.map((one) => `"a ""shop""\nof one",${one}`)
    await writeFile(path, `\uFEFFshop,sold\r\n${lines.join('\r\n')}\r\n`)
  },
  parquet: async (path: string, sold: readonly number[]) =>
    parquetWriteFile({
      filename: path,
      rowGroupSize: [8],
      columnData: [
        { name: 'shop', data: sold.map(() => 'a'), type: 'STRING' },
        { name: 'sold', data: [...sold], type: 'INT32' },
      ],
    }),
}

test.each(['csv', 'parquet'] as const)(
  'a record of %s that kills its process stands alone at the end; just what failed is tried again',
  async (format) => {
    const place = office.place(`deadly-${format}`)
    await mkdir(place)
    const sold = Array.from({ length: 24 }, (_, i) => i + 100)
    sold[5] = 13
    sold[9] = 17
    sold[10] = 17
    await tables[format](join(place, `sales.${format}`), sold)
    await writeFile(join(place, 'score.ts'), deadly)
    const { job, rows } = await submit(
      `name: deadly
entry_script: score.ts
inputs: { sales: { path: sales.${format}, type: table } }
mini_batch_size: 1MB
run_max_try: 1
`,
      join(place, 'job.yaml'),
    )
    const name = (record: number): string => `sales.${format}#${record}`
    const failed = [name(6), name(10), name(11)]
    expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 21, itemsFailed: 3 })
    const named = rows.filter(({ value }) => value !== null).map(({ name: known }) => known)
    expect(named).toEqual(
      sold.flatMap((_, i) => (failed.includes(name(i + 1)) ? [] : [name(i + 1)])),
    )
    const { client } = team.keeper
    const retry = await client.call('retryFailed', { query: { job: job.id }, body: {} })
    expect([retry.items, retry.wholeMiniBatches]).toEqual([3, 0])
    const again = await untilFinal(() => client, retry.job.id)
    expect(again).toMatchObject({ items: 3, itemsFailed: 3, state: 'Failed' })
    const { failures } = await client.call('job', { query: { job: again.id } })
    expect(failures.length).toBeGreaterThan(0)
    const seen = (await allRows(client, again.id)).map(({ name: known }) => known)
    for (const known of seen) expect(failed).toContain(known)
  },
)

test('several tables with a byte order mark are cut by their keys, each by itself; UTF-16 is refused by name', async () => {
  const place = office.place('keys')
  await mkdir(place)
  await writeFile(join(place, 'north.csv'), '\uFEFFshop,sold\r\na,1\r\nb,2\r\na,3\r\n')
  await writeFile(join(place, 'south.csv'), '\uFEFFshop,sold\nb,5\nc,6\n')
  await writeFile(join(place, 'old.csv'), Buffer.from('\uFEFFshop,sold\na,1\n', 'utf16le'))
  await writeFile(
    join(place, 'score.ts'),
    `export async function run(miniBatch: any) {
      const names = await miniBatch.rowNames()
      return names.map((key: string) => ({ key, of: miniBatch.input + miniBatch.partition.shop }))
    }`,
  )
  const fileOf = (south: string): string => `name: keys
entry_script: score.ts
inputs:
  north: { path: north.csv, type: table }
  south: { path: ${south}, type: table }
partition_keys: [shop]
`
  const { job, rows } = await submit(fileOf('south.csv'), join(place, 'job.yaml'))
  expect(job).toMatchObject({ state: 'Completed', miniBatches: 4, itemsSucceeded: 5 })
  expect(rows.map(({ value }) => value)).toEqual([
    { key: 'north.csv#1', of: 'northa' },
    { key: 'north.csv#3', of: 'northa' },
    { key: 'north.csv#2', of: 'northb' },
    { key: 'south.csv#1', of: 'southb' },
    { key: 'south.csv#2', of: 'southc' },
  ])
  const refused = await errorOf(submit(fileOf('old.csv'), join(place, 'job.yaml')))
  expect(refused).toMatchObject({
    code: 'InputUnreadable',
    message: '"old.csv" of input "south" is UTF-16LE text, which is not read: save it as UTF-8.',
  })
})

test('the first rows of Parquet are looked at and tried before anything is submitted', async () => {
  const place = office.place('tried-parquet')
  await mkdir(place)
  await tables.parquet(join(place, 'sales.parquet'), [1, 2, 13, 4])
  await writeFile(join(place, 'score.ts'), deadly)
  const { home, client } = team.keeper
  const words = ['dataset', 'preview', join(place, 'sales.parquet'), '--json', '--home', home]
  const looked = await runMuster(words)
  expect([looked.code, looked.stderr]).toEqual([0, ''])
  expect(JSON.parse(looked.stdout)).toMatchObject({
    columns: ['shop', 'sold'],
    rows: [{ name: 'sales.parquet#1', value: { shop: 'a', sold: 1 } }, {}, {}, {}],
  })
  const body = {
    text: 'name: tried\nentry_script: score.ts\ninputs: { sales: { path: sales.parquet, type: table } }\n',
    file: join(place, 'job.yaml'),
  }
  const two = await client.call('tryJob', { body: { ...body, count: 2 } })
  expect(two).toMatchObject({ problem: '' })
  expect(two.rows.map(({ value }) => value)).toEqual(
    [1, 2].map((sold, i) => ({ key: `sales.parquet#${i + 1}`, sold, of: 2 })),
  )
  const all = await client.call('tryJob', { body })
  expect(all.problem).not.toBe('')
})

test('rows whose page takes for ever to read are ended by the time limit, and the slot is free again', async () => {
  const place = join(office.folder, 'slow')
  await mkdir(place)
  // Thousands of millions of bytes in a few: pages without values, unpacked one after the other.
  const empty = { values: 0, bytes: brotliCompressSync(Buffer.alloc(16e6)), unpacked: 16e6 }
  const pages = [
    ...Array.from({ length: 5_000 }, () => empty),
    { values: 1, bytes: brotliCompressSync(Buffer.alloc(4)), unpacked: 4 },
  ]
  await writeFile(
    join(place, 'b.parquet'),
    fileOf({ element: {}, pages, rows: 1, codec: 'BROTLI' }),
  )
  for (const name of ['a', 'c'])
    parquetWriteFile({
      filename: join(place, `${name}.parquet`),
      columnData: [{ name: 'x', data: [1, 2], type: 'INT32' }],
    })
  await writeFile(
    join(place, 'score.ts'),
    `export async function run(miniBatch: any) {
      const names = await miniBatch.rowNames()
      return (await miniBatch.rows()).map((row: any, i: number) => ({ key: names[i], x: row.x }))
    }`,
  )
  const text = `name: slow
entry_script: score.ts
inputs: { t: { path: ., pattern: '*.parquet', type: table } }
run_invocation_timeout: 2
run_max_try: 2
`
  const { job, rows } = await submit(text, join(place, 'job.yaml'))
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 4, itemsFailed: 1, charged: 2 })
  const named = rows.filter(({ value }) => value !== null).map(({ name }) => name)
  expect(named).toEqual(['a.parquet#1', 'a.parquet#2', 'c.parquet#1', 'c.parquet#2'])
  const { failures } = await team.keeper.client.call('job', { query: { job: job.id } })
  expect(JSON.stringify(failures)).toContain('took longer than the 2 s that run_invocation_timeout')
  const next = await submit(text.replace('*.parquet', 'a.parquet'), join(place, 'job.yaml'))
  expect(next.job).toMatchObject({ state: 'Completed', itemsSucceeded: 2, charged: 0 })
})

test('a model alone is tried on digits and on a table, as its inputs suggest', async () => {
  const { home, client } = team.keeper
  for (const name of ['mnist', 'iris'])
    await client.call('registerModel', {
      body: { name, path: join(repository, `examples/${name}/model/${name}.onnx`) },
    })
  const digits = await office.digits(12)
  const tryModel = async (...words: readonly string[]) => {
    const { code, stdout } = await runMuster(['model', 'try', ...words, '--json', '--home', home])
    return { code, ...(JSON.parse(stdout) as { rows: { value: { prediction: number } }[] }) }
  }
  const read = await tryModel('mnist', digits.folder)
  expect(read.code).toBe(0)
  expect(read.rows.map(({ value }) => value.prediction)).toEqual(digits.labels.slice(0, 5))
  const table = await tryModel('iris', join(folder, 'flowers-1.csv'), '--items', '2')
  expect(table.rows.map(({ value }) => value.prediction)).toEqual([0, 0])
  const { jobs } = await client.call('jobs')
  expect(jobs.map((job) => job.name)).not.toContain('model-try')
})
