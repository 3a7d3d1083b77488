import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, repository, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam, submitDigits } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const count = 300

let office: Office
let team: Team
let first: string
let folder: string

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada'])
  folder = (await office.digits(count)).folder
  first = await submitDigits(team.keeper, folder)
  await untilFinal(() => team.keeper.client, first)
})
afterAll(() => office[Symbol.asyncDispose]())

const resubmit = (overrides: Record<string, string | number | boolean | null>, id?: string) =>
  team.keeper.client.call('resubmitJob', {
    query: { job: first },
    body: { overrides, ...(id === undefined ? {} : { submissionId: id }) },
  })

test('a job runs anew with changed fields and gives the same rows', async () => {
  const { id, name } = await resubmit({ mini_batch_size: 50, name: 'digits-again' }, 'once')
  expect(id).not.toBe(first)
  expect(name).toBe('digits-again')
  expect((await resubmit({}, 'once')).id).toBe(id)
  const job = await untilFinal(() => team.keeper.client, id)
  expect([job.state, job.miniBatches, job.rows]).toEqual(['Completed', count / 50, count])
  const values = async (of: string) =>
    (await allRows(team.keeper.client, of)).map(({ item, value }) => ({ item, value }))
  expect(await values(id)).toEqual(await values(first))
})

test('a wrong field, a folder that is gone and another machine are each told in a sentence', async () => {
  expect(await errorOf(resubmit({ mini_batch_size: 0 }))).toMatchObject({
    code: 'JobFileInvalid',
    message: expect.stringMatching(/^"mini_batch_size" is 0, but must be .*\.$/),
  })
  await rename(folder, `${folder}-away`)
  expect((await errorOf(resubmit({})))?.code).toBe('InputMissing')
  await rename(`${folder}-away`, folder)
  const elsewhere = team.head.client.call('resubmitJob', { query: { job: first }, body: {} })
  expect((await errorOf(elsewhere))?.message).toContain('are on keeper')
  expect((await team.keeper.client.call('jobs')).jobs.length).toBe(2)
})

test('the head tells the timeline and the runs of peers, others say who does', async () => {
  const { client } = team.head
  const { attempts, peers, note, at } = await client.call('timeline', { query: { job: first } })
  expect(note).toBe('')
  expect(peers.map(({ name }) => name)).toEqual(['ada'])
  expect(attempts.filter(({ outcome }) => outcome === 'committed').length).toBe(count / 10)
  for (const { grantedAt, startedAt, endedAt, outcome } of attempts) {
    if (outcome !== 'committed') continue
    expect(startedAt).toBeGreaterThanOrEqual(grantedAt!)
    expect(endedAt).toBeGreaterThanOrEqual(startedAt!)
  }
  const later = await client.call('timeline', { query: { job: first, since: at + 1 } })
  expect(later.attempts).toEqual([])
  const told = await team.keeper.client.call('timeline', { query: { job: first } })
  expect(told.attempts).toEqual([])
  expect(told.note).toContain('open the window on head')

  for (const agent of [team.head, team.keeper]) {
    const map = await agent.client.call('miniBatches', {
      query: { job: first, from: 10, count: 5, peers: 'true' },
    })
    expect(map).toMatchObject({ total: 30, first: 10, states: 'ccccc', runs: [[10, 0]] })
    expect(map.peers[0]?.name).toBe('ada')
  }
})

test('a job keeps the version of its model that was the newest when it was submitted', async () => {
  const { client } = team.keeper
  const register = async (example: string) => {
    const path = join(repository, 'examples', example)
    const { version } = await client.call('registerModel', { body: { path, name: 'reader' } })
    return version
  }
  const [mnist, iris] = ['mnist/model/mnist.onnx', 'iris/model/iris.onnx'] as const
  expect([await register(mnist), await register(mnist)]).toEqual([1, 1])
  const before = await submitDigits(team.keeper, folder, { model: 'reader' })
  expect(await register(iris)).toBe(2)
  const job = await untilFinal(() => client, before)
  expect(job).toMatchObject({ state: 'Completed', model: 'reader:1', rows: count })
  const named = await submitDigits(team.keeper, folder, { model: 'reader:1' })
  expect(await untilFinal(() => client, named)).toMatchObject({ model: 'reader:1', rows: count })
  // The newest version takes flowers: it cannot read digits.
  const newest = await errorOf(submitDigits(team.keeper, folder, { model: 'reader' }))
  expect(newest?.message).toContain('"flower"')
})
