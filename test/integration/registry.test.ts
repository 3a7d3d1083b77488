import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let scans = ''

beforeAll(async () => {
  office = await createOffice()
  scans = join(office.folder, 'scans')
  await mkdir(join(scans, 'july'), { recursive: true })
  for (const name of ['a', 'b', 'c']) await writeFile(join(scans, 'july', `${name}.txt`), name)
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

const submit = async (input: string) => {
  const folder = join(office.folder, 'job')
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'score.ts'),
    `export const run = (miniBatch) => Promise.all(miniBatch.items.map(async (item) => new TextDecoder().decode(await item.bytes())))`,
  )
  const text = `name: read-it\nentry_script: score.ts\ninputs: { files: ${input} }\n`
  const body = { text, file: join(folder, 'job.yaml') }
  const { id } = await team.keeper.client.call('submitJob', { body })
  const job = await untilFinal(() => team.keeper.client, id)
  const rows = await allRows(team.keeper.client, id)
  return { job, values: rows.map(({ value }) => value) }
}

test('a datastore of another machine is listed there and read everywhere', async () => {
  // The head registers a folder of its own; the submitter has never seen it.
  await team.head.client.call('registerDatastore', { body: { name: 'scans', path: scans } })
  await until('the registration to arrive', async () => {
    const { datastores } = await team.keeper.client.call('datastores')
    return datastores.some(({ name }) => name === 'scans')
  })
  const { job, values } = await submit('{ datastore: scans, path: july }')
  expect(job).toMatchObject({ state: 'Completed', dataPeerName: 'head' })
  expect(values).toEqual(['a', 'b', 'c'])
})

test('a dataset means what it meant when it was registered', async () => {
  const { keeper } = team
  const wish = { name: 'july', datastore: 'scans', path: 'july', patterns: ['[ab].txt'] }
  const dataset = await keeper.client.call('registerDataset', { body: wish })
  expect(dataset).toMatchObject({ version: 1, datastore: 'scans', type: 'file' })
  expect((await submit('{ dataset: july }')).values).toEqual(['a', 'b'])
  const lost = await errorOf(submit('{ dataset: june }'))
  expect(lost).toMatchObject({ code: 'JobFileInvalid' })
  expect(lost?.message).toContain('No dataset "june" is registered')
})

test('the default datastore lies in the home of who is asked', async () => {
  const { datastores } = await team.keeper.client.call('datastores')
  const own = datastores.find(({ isDefault }) => isDefault)
  expect(own?.path).toBe(join(office.folder, 'keeper', 'datastore'))
  await writeFile(join(own?.path ?? '', 'x.txt'), 'own')
  expect((await submit('{ datastore: default, path: . }')).values).toEqual(['own'])
})

test('a machine lists nothing for others but what was registered on it', async () => {
  await writeFile(join(office.folder, 'secret.txt'), 'secret')
  // Somebody registers a folder of another machine in its name: that machine does not follow.
  await team.head.client.call('removeDatastore', { query: { datastore: 'scans' } })
  await until('the registration to arrive', async () => {
    const { datastores } = await team.keeper.client.call('datastores')
    return !datastores.some(({ name }) => name === 'scans')
  })
  const gone = await errorOf(submit('{ dataset: july }'))
  expect(gone?.message).toContain('which is not registered any more')
})
