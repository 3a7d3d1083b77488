import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PipelineView } from '#protocol/control/pipeline-views.ts'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
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

const pricesScript = `
export async function run(miniBatch: any) {
  const rows = await miniBatch.rows()
  return rows.map((row: any) => ({ product: row.product, price: Number(row.price) * 2 }))
}
`
const wordsScript = `
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
export async function run(miniBatch: any, context: any) {
  for (const item of miniBatch)
    writeFileSync(join(context.outputDirectory, item.name.replaceAll('/', '-')), await item.bytes())
  return [...miniBatch].map((item: any) => item.name)
}
`
const pipelineFile = `name: sold-twice
steps:
  prices:
    entry_script: prices.ts
    inputs: { prices: { path: prices.csv, type: table } }
    append_row_file_name: prices.jsonl
  words:
    entry_script: words.ts
    inputs: { words: ./greetings }
    output_action: summary_only
  sold:
    entry_script: score.ts
    inputs: { sales: { path: sales.csv, type: table } }
    side_inputs:
      prices: '\${{steps.prices.output}}'
      words: '\${{steps.words.output}}'
    mini_batch_size: 500
    in_place: false
    append_row_file_name: sold.jsonl
`

const ran = async (text: string): Promise<PipelineView> => {
  const { client } = team.keeper
  const { pipeline } = await client.call('submitPipeline', {
    body: { text, file: join(folder, 'some.yaml') },
  })
  let view: PipelineView | undefined
  await until('the run has ended', async () => {
    view = await client.call('pipeline', { query: { pipeline: pipeline!.id } })
    return view.endedAt !== null
  })
  return view!
}

test('side inputs may be the outputs of steps: their rows or their files, whole on every machine', async () => {
  await writeFile(join(folder, 'prices.ts'), pricesScript)
  await writeFile(join(folder, 'words.ts'), wordsScript)
  await mkdir(join(folder, 'greetings/deep'), { recursive: true })
  await writeFile(join(folder, 'greetings/deep/greeting.txt'), 'good day')
  const view = await ran(pipelineFile)
  expect(view.headline).toBe('')
  const [prices, , sold] = view.steps
  expect(sold).toMatchObject({
    state: 'Completed',
    itemsSucceeded: 400,
    needs: ['prices', 'words'],
  })
  const { client } = team.keeper
  const rows = await allRows(client, sold!.job)
  expect(rows.map((row) => row.value)).toEqual(
    Array.from({ length: 400 }, (_, i) => ({
      key: `sales.csv#${i + 1}`,
      id: i,
      price: [10, 14, 'none'][i % 3],
      greeting: 'good day',
      input: 'sales',
    })),
  )

  // The key of reuse names the side inputs by their content: the same again is taken over, another price is not.
  const again = await ran(pipelineFile)
  expect(again.steps[2]).toMatchObject({ takenFrom: sold!.job, takenOver: sold!.miniBatches })
  await writeFile(join(folder, 'prices.csv'), 'product,price\np0,6\np1,7\n')
  const other = await ran(pipelineFile)
  expect(other.steps[0]?.takenFrom).not.toBe(prices!.job)
  expect(other.steps[2]?.takenOver).toBe(0)
  expect((await allRows(client, other.steps[2]!.job))[0]?.value).toMatchObject({ price: 12 })
})

test('a step without output leaves the one that has it as a side input unstarted, in words', async () => {
  const text = pipelineFile.replace('entry_script: words.ts', 'entry_script: prices-only.ts')
  await writeFile(
    join(folder, 'prices-only.ts'),
    'export const run = async (m: any) => [...m].map(() => 1)',
  )
  const view = await ran(text)
  expect(view.steps[2]).toMatchObject({ state: 'Failed' })
  expect(view.headline).toContain('Step "sold" reads the output of step "words", which wrote none.')
  const circle = team.keeper.client.call('submitPipeline', {
    body: {
      text: pipelineFile.replace('./greetings', "'${{steps.sold.output}}'"),
      file: join(folder, 'some.yaml'),
    },
  })
  expect((await errorOf(circle))?.message).toContain('wait for each other in a circle')
})
