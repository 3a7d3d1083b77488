import { readFileSync } from 'node:fs'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildMuster } from '../../tools/agent-bundle.mjs'
import { pairAll, untilFinal } from '../../tools/agents.ts'
import { createOffice, submitDigits } from '../support/office.ts'
import type { Office } from '../support/office.ts'

let office: Office
let entry: string

beforeAll(async () => {
  entry = await buildMuster()
  office = await createOffice()
})
afterAll(() => office[Symbol.asyncDispose]())

test('agents that run from the bundle pair, run a job and write its output', async () => {
  const head = await office.start('head', 0)
  const worker = await office.start('worker', 1)
  await pairAll(head, [{ agent: worker, roles: ['work'] }])
  const { folder } = await office.digits(40)
  const id = await submitDigits(head, folder, {})
  const job = await untilFinal(() => head.client, id)
  expect([job.state, job.rows]).toEqual(['Completed', 40])
  if (process.platform === 'linux')
    expect(readFileSync(`/proc/${worker.pid}/cmdline`, 'latin1')).toContain(entry)
})
