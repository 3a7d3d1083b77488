import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

/** Fails on item 3 of every ten, throws once in the second mini-batch, and says so in its log. */
const script = `
export const init = (context) => { context.logger.info('ready') }
let thrown = false
export const run = async (miniBatch, { logger }) => {
  logger.info('mini-batch ' + miniBatch.index)
  if (miniBatch.index === 1 && !thrown) { thrown = true; throw new Error('first time') }
  await new Promise((done) => setTimeout(done, 50))
  return miniBatch.items.filter((item) => !item.name.includes('3.txt')).map((item) => ({ key: item.name }))
}
export const shutdown = () => { console.log('that was all') }
`

let office: Office
let team: Team
let id: string

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada', 'bob'])
  const folder = join(office.folder, 'job')
  await mkdir(join(folder, 'items'), { recursive: true })
  await writeFile(join(folder, 'score.ts'), script)
  for (let i = 0; i < 40; i++) await writeFile(join(folder, 'items', `${10 + i}.txt`), 'x')
  const text =
    'name: logged\nentry_script: score.ts\nmini_batch_size: 5\ninputs: { texts: ./items }\n'
  const body = { text, file: join(folder, 'job.yaml') }
  id = (await team.keeper.client.call('submitJob', { body })).id
  await untilFinal(() => team.keeper.client, id)
})
afterAll(() => office[Symbol.asyncDispose]())

const logFile = (path: string): Promise<string> =>
  readFile(join(office.folder, 'keeper', 'outputs', id, 'logs', path), 'utf8')

/** The machine that threw, and every log of a machine that has one. */
const machines = async (): Promise<readonly string[]> => {
  const { logs } = await team.keeper.client.call('jobLogs', { query: { job: id } })
  return [...new Set(logs.map((log) => log.peerName))].toSorted()
}

const muster = promisify(execFile)
const cli = async (...words: readonly string[]): Promise<string> => {
  const main = join(repository, 'node-agent/cli/main.ts')
  const home = join(office.folder, 'keeper')
  return (await muster(process.execPath, [main, '--home', home, ...words])).stdout
}

test('the folder of the run says how it went, mini-batch by mini-batch and cause by cause', async () => {
  await until('the overview', async () => (await logFile('overview.txt').catch(() => '')) !== '')
  const job = await team.keeper.client.call('job', { query: { job: id } })
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 36, itemsFailed: 4 })
  expect(job.headline).toMatch(/\(First: \d\d?\.txt in mini-batch \d, attempt \d on (ada|bob)\.\)/)
  const overview = await logFile('overview.txt')
  expect(overview).toContain('Items         40: 36 succeeded, 4 failed')
  expect(overview).toContain(job.headline)
  const lines = (await logFile('mini-batches.csv')).trim().split('\n').slice(1)
  const cells = lines.map((line) => line.split(','))
  const done = cells.filter((line) => line[9] === 'succeeded')
  expect(done.map((line) => Number(line[0]))).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  for (const [, peer, index, , start = '', items, , , seconds] of done) {
    expect(['ada', 'bob']).toContain(peer)
    expect([index, items]).toEqual(['0', '5'])
    expect(Number(seconds)).toBeGreaterThanOrEqual(0.05)
    const at = new Date(start).getTime()
    expect(at).toBeGreaterThan(job.submittedAt - 5_000)
    expect(at).toBeLessThan((job.endedAt ?? 0) + 5_000)
  }
  const threw = cells.filter((line) => line[9] === 'threw')
  expect(threw.length).toBeGreaterThan(0)
  expect(threw[0]?.slice(0, 1)).toEqual(['1'])
  // Process, start and seconds, like those of attempts that gave rows.
  for (const line of threw) {
    expect(line[2]).toMatch(/^\d$/)
    expect(line[4]).toMatch(/^20\d\d-.*Z$/)
    expect(Number(line[8])).toBeGreaterThanOrEqual(0)
    expect(line[8]).not.toBe('')
  }
  const errors = await logFile('errors.csv')
  expect(errors).toContain('first time')
  expect(errors).toMatch(/\n4,item,/)
})

test('what workers printed can be read on the keeper, and lies in its folder in the end', async () => {
  const names = await machines()
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) {
    const printed = await cli('job', 'logs', id, '--peer', name)
    expect(printed).toContain('INFO ready')
    const path = `${name}/process-0.log`
    await until(path, async () => (await logFile(path).catch(() => '')).includes('that was all'))
    expect(await cli('job', 'logs', id, '--peer', name, '--tail', '1')).toBe('that was all\n')
  }
  const all = await Promise.all(names.map((name) => logFile(`${name}/process-0.log`)))
  for (let i = 0; i < 8; i++) expect(all.join('')).toContain(`mini-batch ${i}`)
  const list = await cli('job', 'logs', id)
  expect(list).toContain('Files of the run:')
  expect(await cli('job', 'logs', id, '--mini-batches')).toBe(await logFile('mini-batches.csv'))
  const story = await cli('job', 'explain', id)
  expect(story).toContain('(First: ')
  const [, lead = ''] = /printed there: muster (job logs .*)$/m.exec(story) ?? []
  expect(await cli(...lead.split(' '))).toContain('INFO mini-batch')
})

test('logs of a machine that is gone are read from what was fetched, and elsewhere refused in words', async () => {
  const [name = ''] = await machines()
  const gone = team.workers.find((worker) => worker.home.endsWith(name))
  await gone?.stop()
  const read = (of: Team['keeper']) =>
    of.client.call('jobLog', { query: { job: id, peer: name, tail: 100 } })
  await until(
    'its connection ends',
    async () => (await read(team.keeper)).logs[0]?.startedAt === null,
  )
  expect((await read(team.keeper)).logs[0]?.text).toContain('that was all')
  const refused = await errorOf(read(team.head))
  expect(refused?.message).toContain(name)
})
