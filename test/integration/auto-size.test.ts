import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, untilFinal } from '../../tools/agents.ts'
import { writeDigits } from '../../examples/mnist/digits.ts'
import { createOffice, startTeam, submitDigits } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let folder: string

const count = 420
const nameOf = (item: number): string => `${String(item).padStart(4, '0')}.txt`

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada'])
  folder = join(office.folder, 'texts')
  await mkdir(folder)
  for (let item = 0; item < count; item++)
    await writeFile(join(folder, nameOf(item)), `text ${item}`)
})
afterAll(() => office[Symbol.asyncDispose]())

/** Slow enough that the next mini-batches are at hand when one ends. */
const runWith = async (name: string, body: string, more = '') => {
  await writeFile(
    join(office.folder, `${name}.ts`),
    `
export async function run(miniBatch: any, context: any) {
  await new Promise((resolve) => setTimeout(resolve, 150))
  const items = [...miniBatch]
  const sizes = []
  for (const item of items) sizes.push(new TextDecoder().decode(await item.bytes()).length)
  ${body}
}
`,
  )
  const text = `
name: ${name}
entry_script: ./${name}.ts
inputs: { texts: ${folder} }
mini_batch_size: auto
process_count_per_node: 1
allow_reuse: false
${more}
`
  const client = () => team.keeper.client
  const submitted = await client().call('submitJob', {
    body: { text, file: join(office.folder, `${name}.yaml`) },
  })
  const job = await untilFinal(client, submitted.id)
  return { job, rows: await allRows(client(), submitted.id) }
}

const sizes = Array.from({ length: count }, (_, item) => `text ${item}`.length)

test('several planned mini-batches share a run and are committed one by one', async () => {
  const { job, rows } = await runWith(
    'shares',
    'return items.map((item, at) => ({ key: item.name, size: sizes[at], together: items.length }))',
  )
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: count, miniBatches: 14 })
  const values = rows.map(({ value }) => value as { key: string; size: number; together: number })
  expect(values.map(({ key, size }) => [key, size])).toEqual(
    sizes.map((size, item) => [nameOf(item), size]),
  )
  expect(Math.max(...values.map(({ together }) => together))).toBeGreaterThan(32)
  expect(new Set(rows.map(({ miniBatch }) => miniBatch)).size).toBe(14)
})

test('rows without keys are told apart by their place, and not where counts differ', async () => {
  const placed = await runWith('placed', 'return sizes')
  expect(placed.rows.map(({ value }) => value)).toEqual(sizes)
  // Leaves out one file: which one is not known, so its mini-batch runs by itself and others are not touched.
  const partial = await runWith(
    'partial',
    "return sizes.filter((_, at) => items[at].name !== '0300.txt')",
  )
  expect(partial.job).toMatchObject({ itemsSucceeded: count - 1, itemsFailed: 1 })
  const expected = sizes.slice()
  const rows = partial.rows.filter(({ failure }) => failure === '')
  const [failed] = partial.rows.filter(({ failure }) => failure !== '')
  expect(failed?.miniBatch).toBe(Math.floor(300 / 32))
  const whole = (list: readonly { miniBatch: number; value: unknown }[], miniBatch: number) =>
    list.filter((row) => row.miniBatch === miniBatch).map(({ value }) => value)
  for (let miniBatch = 0; miniBatch < 14; miniBatch++)
    if (miniBatch !== failed?.miniBatch)
      expect(whole(rows, miniBatch)).toEqual(expected.slice(miniBatch * 32, miniBatch * 32 + 32))
})

test('a mini-batch that throws is charged by itself, and the others keep their rows', async () => {
  const { job, rows } = await runWith(
    'throws',
    "if (items.some(({ name }) => name === '0200.txt')) throw new Error('not this one')\n  return sizes",
    'run_max_try: 2',
  )
  const broken = Math.floor(200 / 32)
  expect(job).toMatchObject({ state: 'Completed', itemsFailed: 32, charged: 2, failed: 1 })
  expect(job.headline).toContain('not this one')
  const good = rows.filter(({ failure }) => failure === '')
  expect(good.map(({ value }) => value)).toEqual(
    sizes.filter((_, item) => Math.floor(item / 32) !== broken),
  )
})

test('pictures give the same rows whatever shares a run', async () => {
  const digits = join(office.folder, 'digits')
  await writeDigits({ folder: digits, count: 600 })
  const client = () => team.keeper.client
  const rowsOf = async (size: string | number): Promise<unknown> => {
    const id = await submitDigits(team.keeper, digits, { mini_batch_size: size })
    expect((await untilFinal(client, id)).itemsSucceeded).toBe(600)
    return (await allRows(client(), id)).map(({ item, name, value }) => ({ item, name, value }))
  }
  expect(await rowsOf('auto')).toEqual(await rowsOf(10))
})
