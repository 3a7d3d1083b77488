import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, untilFinal } from '../../tools/agents.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let folder = ''

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada', 'ben'])
  folder = join(office.folder, 'shop')
  await mkdir(join(folder, 'words/deep'), { recursive: true })
  const lines = Array.from({ length: 400 }, (_, i) => `${i},p${i % 3}`)
  await writeFile(join(folder, 'sales.csv'), `id,product\n${lines.join('\n')}\n`)
  await writeFile(join(folder, 'more.csv'), 'product,id\np1,1000\n')
  await writeFile(join(folder, 'prices.csv'), 'product,price\np0,5\np1,7\n')
  await writeFile(join(folder, 'words/deep/greeting.txt'), 'hello')
  await writeFile(join(folder, 'score.ts'), script)
})
afterAll(() => office[Symbol.asyncDispose]())

const script = `
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
let prices = new Map()
let greeting = ''
export async function init(context: any) {
  const words = context.sideInput('words')
  greeting = readFileSync(join(words.path, words.files[0]), 'utf8')
  prices = new Map((await context.sideInput('prices').rows()).map((row: any) => [row.product, row.price]))
}
export async function run(miniBatch: any, context: any) {
  const names = await miniBatch.rowNames()
  const rows = await miniBatch.rows()
  return rows.map((row: any, i: number) => ({
    key: names[i], id: Number(row.id), price: prices.get(row.product) ?? 'none', greeting, input: miniBatch.input,
  }))
}
`

const jobFile = (extra = ''): string => `name: sold
entry_script: score.ts
inputs:
  sales: { path: sales.csv, type: table }
  more: { path: more.csv, type: table }
side_inputs:
  prices: { path: prices.csv, type: table }
  words: ./words
mini_batch_size: 500
in_place: false
append_row_file_name: sold.jsonl
${extra}`

test('two inputs are split, side inputs are whole on every machine, by path and by rows', async () => {
  const { client } = team.keeper
  const { id } = await client.call('submitJob', {
    body: { text: jobFile(), file: join(folder, 'job.yaml'), overrides: {} },
  })
  const job = await untilFinal(() => client, id)
  expect(job.headline).toBe('')
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 401, itemsFailed: 0 })
  expect(job.miniBatches).toBeGreaterThan(5)
  const rows = await allRows(client, id)
  const prices = ['5', '7', 'none']
  expect(rows.map((row) => row.value)).toEqual([
    ...Array.from({ length: 400 }, (_, i) => ({
      key: `sales.csv#${i + 1}`,
      id: i,
      price: prices[i % 3],
      greeting: 'hello',
      input: 'sales',
    })),
    { key: 'more.csv#1', id: 1_000, price: '7', greeting: 'hello', input: 'more' },
  ])

  // Submitted anew, side inputs are those of the first time, whatever became of their files.
  await rm(join(folder, 'words'), { recursive: true })
  const again = await client.call('resubmitJob', {
    query: { job: id },
    body: { overrides: { mini_batch_size: '1KB' } },
  })
  const second = await untilFinal(() => client, again.id)
  expect(second).toMatchObject({ state: 'Completed', itemsSucceeded: 401 })
  expect(second.miniBatches).toBeLessThan(job.miniBatches)
})

test('a side input that is not there is refused before anything is recorded', async () => {
  const text = jobFile().replace('./words', './no-words')
  const refused = await team.keeper.client
    .call('submitJob', { body: { text, file: join(folder, 'job.yaml'), overrides: {} } })
    .then(
      () => '',
      (thrown: unknown) => String(thrown),
    )
  expect(refused).toContain('no-words of input "words" does not exist on this machine')
})
