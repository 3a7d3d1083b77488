import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, repository, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

// Files of Azure ML as they stand, with their scripts ported, on real agents.

let office: Office
let team: Team
let folder = ''

beforeAll(async () => {
  office = await createOffice()
  folder = join(office.folder, 'azure')
  await cp(join(repository, 'test/fixtures/azure'), folder, { recursive: true })
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

const submit = async (name: string, overrides: Readonly<Record<string, string | number>> = {}) => {
  const file = join(folder, name)
  const text = await readFile(file, 'utf8')
  const body = { text, file, overrides }
  const { id, warnings = [] } = await team.keeper.client.call('submitJob', { body })
  const job = await untilFinal(() => team.keeper.client, id)
  return { job, warnings, rows: await allRows(team.keeper.client, id) }
}

const linesOf = (warnings: readonly string[]) =>
  warnings.map((words) => Number(/\.yml:(\d+):/.exec(words)?.[1]))

test('pictures by files: where a command wrote them is said beside the file', async () => {
  const digits = await office.digits(60)
  await cp(join(repository, 'examples/mnist/model'), join(folder, 'digit_models'), {
    recursive: true,
  })
  const missing = await errorOf(submit('digits.yml'))
  expect(missing?.message).toContain('cut_digits/digits_png')

  const { job, warnings, rows } = await submit('digits.yml', {
    'jobs.cut_digits.outputs.digits_png.path': digits.folder,
  })
  expect(job).toMatchObject({
    name: 'name-digits',
    state: 'Completed',
    itemsSucceeded: 60,
    miniBatches: 12,
    tags: { team: 'archive', display_name: 'digits-of-the-archive' },
  })
  const right = rows.filter(
    (row) => (row.value as { digit: number }).digit === digits.labels[row.item],
  )
  expect(right.length).toBeGreaterThan(57)
  expect(job.output).toMatch(/names\.csv$/)
  // Image, conda file, command, compute, script.
  expect(linesOf(warnings)).toEqual([53, 54, 11, 18, 51])
})

test('a table described by MLTable, cut by bytes', async () => {
  const measures = join(folder, 'measures-mltable')
  await mkdir(measures)
  // Two of each species, as Anderson measured them.
  const flowers = ['5.1,3.5,1.4,0.2', '4.9,3,1.4,0.2', '7,3.2,4.7,1.4', '6.4,3.2,4.5,1.5']
  flowers.push('6.3,3.3,6,2.5', '7.1,3,5.9,2.1')
  const head = 'sepal_length,sepal_width,petal_length,petal_width'
  await writeFile(join(measures, 'flowers-1.csv'), `${[head, ...flowers].join('\n')}\n`)
  await writeFile(
    join(measures, 'MLTable'),
    'paths:\n  - file: ./flowers-1.csv\ntransformations:\n  - read_delimited:\n      delimiter: ","\n      encoding: utf8\n      header: all_files_same_headers\n',
  )
  await cp(join(repository, 'examples/iris/model'), join(folder, 'flower-model'), {
    recursive: true,
  })
  const { job, rows } = await submit('flowers.yml', { 'jobs.name_flowers.mini_batch_size': 32 })
  expect(job).toMatchObject({ state: 'Completed', itemsSucceeded: 6, itemsFailed: 0 })
  expect(job.miniBatches).toBeGreaterThan(1)
  expect(rows.map((row) => (row.value as { flower: number }).flower)).toEqual([0, 0, 1, 1, 2, 2])
  expect(job.output).toMatch(/names\.csv$/)
})

test('a table by shop and brand: the files of all partitions are collected', async () => {
  await mkdir(join(folder, 'sales'))
  const sold = ['north,x,3', 'south,y,5', 'north,y,7', 'north,x,5', 'south,y,9']
  await writeFile(
    join(folder, 'sales/sales.csv'),
    ['Shop,Brand,Bottles', ...sold].join('\n') + '\n',
  )
  const { job } = await submit('juice.yml')
  expect(job).toMatchObject({ state: 'Completed', miniBatches: 3, itemsSucceeded: 5 })
  const { outputFiles } = job
  const collected = outputFiles?.folder ?? ''
  expect(
    (await readdir(collected, { recursive: true })).filter((name) => name.endsWith('json')).sort(),
  ).toEqual(['north/x.json', 'north/y.json', 'south/y.json'])
  expect(JSON.parse(await readFile(join(collected, 'north/x.json'), 'utf8'))).toEqual({
    Shop: 'north',
    Brand: 'x',
    mean: 4,
  })
})

test('components in files of their own: two steps, wired', async () => {
  const file = join(folder, 'components/readers.yml')
  await mkdir(join(folder, 'components/photos'))
  for (const number of [3, 4, 5, 8])
    await writeFile(join(folder, `components/photos/${number}.txt`), String(number))
  const { client } = team.keeper
  const text = await readFile(file, 'utf8')
  const { pipeline, warnings } = await client.call('submitPipeline', { body: { text, file } })
  expect(warnings.join('\n')).toMatch(/parts\/read\.yml:\d+:\d+\) is Python/)
  const query = { pipeline: pipeline?.id ?? '' }
  await until(
    'the run ends',
    async () => (await client.call('pipeline', { query })).endedAt !== null,
  )
  const { steps, state, headline } = await client.call('pipeline', { query })
  expect({ state, headline }).toEqual({ state: 'Completed', headline: '' })
  const [read, sum] = await Promise.all(steps.map(({ job }) => allRows(client, job)))
  expect(read?.map(({ value }) => value)).toEqual(
    ['3', '4', '5', '8'].map((number) => ({
      key: `${number}.txt`,
      number: Number(number),
      least: '0.5',
      unit: 'kwh',
      hint: 'none',
      stage: 'house',
    })),
  )
  expect(sum?.map(({ value }) => (value as { sum: number }).sum)).toEqual([20])

  // A run is submitted anew with what it was submitted with: its component and its script are gone.
  await rm(join(folder, 'components/parts/read.yml'))
  await rm(join(folder, 'components/parts/src/read.ts'))
  const again = await client.call('resubmitPipeline', {
    query,
    body: { overrides: { 'jobs.read_meters.environment_variables.STAGE': 'roof' } },
  })
  await until(
    'the run ends',
    async () => (await client.call('pipeline', { query: { pipeline: again.id } })).endedAt !== null,
  )
  const second = await client.call('pipeline', { query: { pipeline: again.id } })
  expect(second.state).toBe('Completed')
  const rows = await allRows(client, second.steps[0]?.job ?? '')
  expect(rows.map(({ value }) => (value as { stage: string }).stage)).toEqual([
    'roof',
    'roof',
    'roof',
    'roof',
  ])
})

test('its first items can be tried before anything is submitted', async () => {
  const file = join(folder, 'juice.yml')
  const text = await readFile(file, 'utf8')
  const before = await team.keeper.client.call('jobs')
  const models = await team.keeper.client.call('models')
  const tried = await team.keeper.client.call('tryJob', { body: { text, file } })
  expect(tried).toMatchObject({ step: 'forecast', problem: '', files: ['north/x.json'] })
  expect(tried.rows).toEqual([
    { item: 0, name: 'sales.csv#1', value: 4, failure: '' },
    { item: 1, name: 'sales.csv#4', value: 4, failure: '' },
  ])
  expect(tried.warnings.length).toBeGreaterThan(3)
  const flowers = join(folder, 'flowers.yml')
  const body = { text: await readFile(flowers, 'utf8'), file: flowers, count: 2 }
  const two = await team.keeper.client.call('tryJob', { body })
  expect(two.rows.map(({ name }) => name)).toEqual(['flowers-1.csv#1', 'flowers-1.csv#2'])
  expect((await team.keeper.client.call('jobs')).jobs.length).toBe(before.jobs.length)
  expect(await team.keeper.client.call('models')).toEqual(models)
})
