import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMiniBatchName } from '#protocol/model/half.ts'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let jobs = 0

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

/** A script job over ten text files, `0.txt` to `9.txt`, in one folder. */
const submitTen = async (source: string, more = ''): Promise<string> => {
  jobs += 1
  const folder = join(office.folder, `ten-${jobs}`)
  await mkdir(join(folder, 'items'), { recursive: true })
  for (let i = 0; i < 10; i++) await writeFile(join(folder, 'items', `${i}.txt`), String(i))
  await writeFile(join(folder, 'score.ts'), source)
  const text = `name: ten\nentry_script: score.ts\ninputs: { items: { path: items } }\n${more}`
  const { id } = await team.keeper.client.call('submitJob', {
    body: { text, file: join(folder, 'job.yaml') },
  })
  return id
}

const ended = (id: string) => untilFinal(() => team.keeper.client, id)

/** Kills its own process on `7.txt`, in a way no `try` can catch. */
const deadly = `
export const run = async (miniBatch) => {
  const rows = []
  for (const item of miniBatch) {
    if (item.name.startsWith('7')) process.exit(3)
    rows.push(item.name)
  }
  return rows
}`

test('one bad item in a mini-batch of ten: nine rows arrive, the one failed is named with its cause', async () => {
  const id = await submitTen(deadly, 'mini_batch_size: 10\nrun_max_try: 2\n')
  const job = await ended(id)
  expect(job).toMatchObject({
    state: 'Completed',
    items: 10,
    itemsSucceeded: 9,
    itemsFailed: 1,
    rows: 9,
    failed: 1,
    canceled: 0,
  })
  const rows = await allRows(team.keeper.client, id)
  expect(rows.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9].map((i) => `${i}.txt`))
  const { failures } = await team.keeper.client.call('job', { query: { job: id } })
  const named = failures.find((group) => group.first.item !== '')
  expect(named).toMatchObject({ cause: 'process-died', first: { item: '7.txt' } })
  expect(job.headline).toMatch(/\(First: 7\.txt in mini-batch \d[ab], attempt 2 on \S+\)$/)
  const { lines: leads } = await team.keeper.client.call('explain', { query: { job: id } })
  const command = leads.find((line) => line.startsWith('That mini-batch: '))?.split(' ') ?? []
  const half = readMiniBatchName(command.at(-1) ?? '')
  const story = await team.keeper.client.call('explain', { query: { job: id, miniBatch: half } })
  expect(story.lines.join(' ')).toContain('It was the last one.')
  expect(story.lines.join(' ')).toMatch(/ has item 7 and is part of mini-batch 0\./)
  const { overview } = await team.keeper.client.call('jobLogs', { query: { job: id } })
  expect(overview).toContain('First: 7.txt in mini-batch')

  for (const { client } of [team.head, team.keeper]) {
    const map = await client.call('miniBatches', { query: { job: id } })
    expect(map).toMatchObject({ total: 1, states: 'h' })
    const { lines } = await client.call('explain', { query: { job: id, miniBatch: 0 } })
    expect(lines.join(' ')).toContain('It was halved: 5a has items 0 to 4, 5b has items 5 to 9.')
  }
})

const slow = `
export const run = async (miniBatch) => {
  await new Promise((resolve) => setTimeout(resolve, 300))
  return [...miniBatch].map((item) => item.name)
}`

test('a paused job stops at once, stays paused when the head restarts, and goes on for free', async () => {
  const id = await submitTen(slow, 'mini_batch_size: 1\nprocess_count_per_node: 1\n')
  const view = () => team.keeper.client.call('job', { query: { job: id } })
  await until('something is committed', async () => (await view()).committed > 0)
  const paused = await team.keeper.client.call('pauseJob', { query: { job: id } })
  expect(paused.state).toBe('Paused')
  await until('nothing runs', async () => (await view()).leased === 0)
  const { committed } = await view()
  expect(committed).toBeLessThan(10)
  await team.head.killHard()
  team.head = await office.start('head', 0)
  await until('the head is back', async () => {
    const { cluster } = await team.keeper.client.call('snapshot')
    return cluster !== null && (await view()).state === 'Paused'
  })
  expect((await view()).committed).toBeLessThan(10)
  await team.keeper.client.call('resumeJob', { query: { job: id } })
  expect(await ended(id)).toMatchObject({ state: 'Completed', rows: 10, charged: 0 })
  const over = await errorOf(team.keeper.client.call('pauseJob', { query: { job: id } }))
  expect(over).toMatchObject({ code: 'JobEnded' })
})

test('a job keeps to its pool, waits for it in a sentence, and names one that is not there', async () => {
  const { client } = team.keeper
  const admin = team.head.client
  const [ada] = team.workers
  // What this test leaves when it is cut off.
  for (const { name } of (await admin.call('pools')).pools)
    await admin.call('removePool', { query: { pool: name } })
  await until('no pool is known', async () => (await client.call('pools')).pools.length === 0)
  await ada!.client.call('changeSetting', { body: { key: 'tags', value: null } })
  const refused = await errorOf(submitTen(slow, 'compute: quick\n'))
  expect(refused).toMatchObject({ code: 'JobFileInvalid' })
  expect(refused?.message).toContain('"compute" is quick, but there is no such pool; none is yet')

  await admin.call('createPool', {
    body: { name: 'quick', minPeers: 1, filter: { tags: ['quick'] } },
  })
  await until('the pool is known', async () => (await client.call('pools')).pools.length === 1)
  const id = await submitTen(slow, 'compute: quick\n')
  await until('it waits', async () => {
    const job = await client.call('job', { query: { job: id } })
    return job.reason.includes('Waits for the pool "quick", of whose machines 0 can work now')
  })
  await ada!.client.call('changeSetting', { body: { key: 'tags', value: 'quick, tall' } })
  expect(await ended(id)).toMatchObject({ state: 'Completed', rows: 10 })
  const pool = await admin.call('pool', { query: { pool: 'quick' } })
  expect(pool).toMatchObject({ allocationState: 'Steady', currentPeers: 1, targetPeers: 1 })
  await admin.call('removePool', { query: { pool: 'quick' } })
  expect((await errorOf(admin.call('pool', { query: { pool: 'quick' } })))?.code).toBe('NotFound')
})
