import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, repository, untilFinal } from '../../tools/agents.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const file = join(repository, 'examples/custom-script/job.yaml')
const count = 300
const words = 'zero one two three four five six seven eight nine'.split(' ')

let office: Office
let team: Team
let digits: { folder: string; labels: readonly number[] }

beforeAll(async () => {
  office = await createOffice()
  digits = await office.digits(count)
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

test('an entry script in TypeScript runs on another machine and gives rows', async () => {
  const { id } = await team.keeper.client.call('submitJob', {
    body: {
      text: await readFile(file, 'utf8'),
      file,
      overrides: { 'inputs.digits.path': digits.folder },
    },
  })
  const job = await untilFinal(() => team.keeper.client, id)
  expect(job.headline).toBe('')
  expect(job.state).toBe('Completed')
  const rows = await allRows(team.keeper.client, id)
  expect(rows.map((row) => row.item)).toEqual(digits.labels.map((_, item) => item))
  const right = rows.filter(
    (row) => (row.value as { digit: string }).digit === words[digits.labels[row.item] ?? -1],
  )
  expect(right.length / count).toBeGreaterThan(0.98)
})
