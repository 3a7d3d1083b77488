import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import { createOffice, startTeam, submitDigits } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const count = 3_000

/** Rows exactly once, in plan order, the same in the store and in the output file. */
const expectWhole = async (keeper: AgentProcess, id: string, labels: readonly number[]) => {
  const rows = await allRows(keeper.client, id)
  expect(rows.map((row) => row.item)).toEqual(labels.map((_, item) => item))
  expect(rows.filter((row) => row.failure !== '')).toEqual([])
  const right = rows.filter(
    (row) => Number((row.value as { prediction: string }).prediction) === labels[row.item],
  )
  expect(right.length / count).toBeGreaterThan(0.985)
  const { output } = await keeper.client.call('job', { query: { job: id } })
  const lines = (await readFile(output, 'utf8')).trim().split('\n')
  expect(lines.length).toBe(count + 1)
  expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(rows.map((row) => row.name))
}

describe('kill -9 on the way loses no row and doubles none', () => {
  let office: Office
  let team: Team
  let digits: { folder: string; labels: readonly number[] }
  const submitted: string[] = []

  beforeAll(async () => {
    office = await createOffice()
    digits = await office.digits(count)
    team = await startTeam(office, ['ada', 'ben'])
  })
  afterAll(() => office[Symbol.asyncDispose]())

  /** Runs the job and calls `strike` once, when about a fifth is committed. */
  const runStruck = async (strike: () => Promise<void>): Promise<string> => {
    const id = await submitDigits(team.keeper, digits.folder)
    submitted.push(id)
    let struck = false
    const job = await untilFinal(() => team.keeper.client, id, {
      seen: async (seen) => {
        if (struck || seen.committed < seen.miniBatches / 5 || !seen.planComplete) return
        struck = true
        await strike()
      },
    })
    expect(job.headline).toBe('')
    expect(job.state).toBe('Completed')
    expect(struck).toBe(true)
    return id
  }

  test('of a worker that holds leases', async () => {
    const id = await runStruck(async () => {
      await team.workers[0]?.killHard()
      team.workers[0] = await office.start('ada', 1)
    })
    await expectWhole(team.keeper, id, digits.labels)
    const job = await team.keeper.client.call('job', { query: { job: id } })
    expect(job.charged).toBe(0)
  })

  test('of the head', async () => {
    const id = await runStruck(async () => {
      await team.head.killHard()
      team.head = await office.start('head', 0)
    })
    await expectWhole(team.keeper, id, digits.labels)
    const cluster = await team.keeper.client.call('cluster')
    expect(cluster.term).toBeGreaterThan(1)
  })

  test('of the keeper, who is the submitter', async () => {
    const id = await runStruck(async () => {
      await team.keeper.killHard()
      team.keeper = await office.start('keeper', 0)
    })
    await expectWhole(team.keeper, id, digits.labels)
  })

  test('of everybody at once', async () => {
    const id = await runStruck(async () => {
      await Promise.all([team.head, team.keeper, ...team.workers].map((agent) => agent.killHard()))
      const [head, keeper, ...workers] = await Promise.all([
        office.start('head', 0),
        office.start('keeper', 0),
        office.start('ada', 1),
        office.start('ben', 1),
      ])
      team = { head, keeper, workers }
    })
    await expectWhole(team.keeper, id, digits.labels)
  })

  test('and every member has the history, then the rows, to read offline', async () => {
    const id = submitted.at(-1) ?? ''
    const reader = team.workers[1]
    if (reader === undefined) throw new Error('no reader')
    await until('the rows are at the reader', async () => {
      const job = await reader.client.call('job', { query: { job: id } })
      return job.rowsHere === count
    })
    await team.head.stop()
    await team.keeper.stop()
    const rows = await allRows(reader.client, id)
    expect(rows.length).toBe(count)
    const { jobs } = await reader.client.call('jobs')
    expect(jobs.map((job) => job.id)).toEqual(submitted.toReversed())
  })
})
