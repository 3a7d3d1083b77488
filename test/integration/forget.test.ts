import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
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

const script = `
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
export const run = async (miniBatch, context) => {
  const rows = []
  for (const item of miniBatch) {
    console.log('looked at ' + item.name)
    if (item.name.includes('-3')) throw new Error(item.name + ' cannot be read')
    writeFileSync(join(context.outputDirectory, item.name), 'scan')
    rows.push({ key: item.name, words: 'diagnosis of ' + item.name })
  }
  return rows
}`

const submit = async (more = ''): Promise<string> => {
  jobs += 1
  const folder = join(office.folder, `patients-${jobs}`)
  await mkdir(join(folder, 'items'), { recursive: true })
  for (let i = 0; i < 6; i++) await writeFile(join(folder, 'items', `patient-${i}.txt`), String(i))
  await writeFile(join(folder, 'score.ts'), script)
  const text = `name: patients\nentry_script: score.ts\nmini_batch_size: 1\nrun_max_try: 1\ninputs: { items: { path: items } }\n${more}`
  const { id } = await team.keeper.client.call('submitJob', {
    body: { text, file: join(folder, 'job.yaml') },
  })
  return id
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const jobOf = (agent: AgentProcess, id: string) => agent.client.call('job', { query: { job: id } })

/** Files below a home that hold some words, the log of the agent itself aside. */
const filesWith = async (home: string, words: string): Promise<readonly string[]> => {
  const found: string[] = []
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || entry.name === 'agent.log') continue
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    if (bytes.includes(words)) found.push(path)
  }
  return found
}

test('a job is forgotten on every machine, also on one that was away; a rebuild brings nothing back', async () => {
  const id = await submit()
  expect(await untilFinal(() => team.keeper.client, id)).toMatchObject({ state: 'Completed' })
  for (const agent of [team.head, team.keeper, team.workers[0]!])
    await until('its rows are everywhere', async () => {
      const { rowsHere, rows } = await jobOf(agent, id)
      return rows === 5 && rowsHere === 5
    })
  const before = await jobOf(team.keeper, id)
  const homes = ['head', 'keeper', 'ada'].map((name) => join(office.folder, name))
  expect(await isThere(before.output)).toBe(true)
  expect(before.outputFiles?.count).toBe(5)

  await team.workers[0]!.killHard()
  const answer = await team.keeper.client.call('forgetJob', { query: { job: id } })
  expect(answer).toMatchObject({ state: 'Completed', rows: 0, headline: '', output: '', left: '' })
  expect(answer.forgotten).toMatchObject({ byName: 'keeper' })
  expect(answer.reason).toContain('forgotten by keeper')
  // Again is harmless, and so is asking for a job that is gone.
  await team.keeper.client.call('forgetJob', { query: { job: id } })

  await until(
    'the other machine heard of it',
    async () => (await jobOf(team.head, id)).forgotten !== null,
  )
  team.workers[0] = await office.start('ada', 1)
  const ada = team.workers[0]
  await until(
    'the one that was away hears of it',
    async () => (await jobOf(ada, id)).forgotten !== null,
  )
  for (const home of homes) {
    let left: readonly string[] = []
    await until(`nothing is left in ${home}`, async () => {
      left = [
        ...(await filesWith(home, 'diagnosis of patient')),
        ...(await filesWith(home, 'looked at patient')),
        ...(await filesWith(join(home, 'blobs'), 'patient-')),
      ]
      return left.length === 0
    }).catch(() => expect(left).toEqual([]))
  }
  expect(await isThere(join(homes[1]!, 'outputs', id))).toBe(false)

  for (const agent of [team.keeper, ada]) {
    await agent.client.call('startStoreWork', { body: { kind: 'rebuild' } })
    await until('the store is folded anew', async () => {
      const work = await agent.client.call('storeWork', {})
      return work.state !== 'running'
    })
    const { report } = await agent.client.call('storeWork', {})
    expect(report?.findings).toEqual([])
    expect(report?.digestAfter).toBe(report?.digestBefore)
    expect(await jobOf(agent, id)).toMatchObject({
      items: 6,
      itemsSucceeded: 5,
      itemsFailed: 1,
      rows: 0,
      failures: [],
    })
  }
})

test('what is asked of a forgotten job is answered in a sentence, and its rows are never taken over', async () => {
  const id = await submit()
  await untilFinal(() => team.keeper.client, id)
  await team.keeper.client.call('forgetJob', { query: { job: id } })
  const { client } = team.keeper
  const query = { job: id }
  const refusals = await Promise.all(
    [
      client.call('results', { query }),
      client.call('exportRows', { query, body: { path: office.place('x.csv') } }),
      client.call('jobLogs', { query }),
      client.call('resubmitJob', { query, body: {} }),
      client.call('resubmitPipeline', { query: { pipeline: id }, body: {} }),
      client.call('retryFailed', { query, body: {} }),
    ].map(errorOf),
  )
  for (const refusal of refusals) {
    expect(refusal?.code).toBe('JobForgotten')
    expect(refusal?.message).toMatch(/^Job patients was forgotten by keeper at .*: its rows/)
  }
  const { lines } = await client.call('explain', { query })
  expect(lines).toEqual(['patients is Completed.', expect.stringContaining('forgotten by keeper')])
})

test('only an ended job is forgotten, by its submitter or an admin; files in a place of its own stay', async () => {
  const place = office.place('chosen')
  const running = await submit(`output: { path: ${place} }\n`)
  const early = await errorOf(team.keeper.client.call('forgetJob', { query: { job: running } }))
  if (early !== undefined) {
    expect(early.code).toBe('JobRunning')
    expect(early.message).toContain(`cancel`)
  }
  await untilFinal(() => team.keeper.client, running)
  const foreign = await errorOf(
    team.workers[0]!.client.call('forgetJob', { query: { job: running } }),
  )
  expect(foreign).toMatchObject({ code: 'RoleMissing' })
  const files = await readdir(place)
  expect(files.length).toBeGreaterThan(0)
  // The head is an admin.
  await until(
    'the head knows its end',
    async () => (await jobOf(team.head, running)).endedAt !== null,
  )
  const answer = await team.head.client.call('forgetJob', { query: { job: running } })
  expect(answer).toMatchObject({ left: place, forgotten: { byName: 'head' } })
  await until('its submitter heard of it', async () => {
    const { forgotten } = await jobOf(team.keeper, running)
    return forgotten?.byName === 'head'
  })
  expect(await readdir(place)).toEqual(files)
})
