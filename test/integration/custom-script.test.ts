import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, pairAll, repository, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const example = join(repository, 'examples/custom-script/job.yaml')
const count = 300
const words = 'zero one two three four five six seven eight nine'.split(' ')

let office: Office
let team: Team
let digits: { folder: string; labels: readonly number[] }
let scripts = 0

beforeAll(async () => {
  office = await createOffice()
  digits = await office.digits(count)
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

const submitText = async (
  text: string,
  file: string,
  overrides: Readonly<Record<string, string | number>> = {},
): Promise<string> => {
  const { id } = await team.keeper.client.call('submitJob', {
    body: {
      text,
      file,
      overrides: { 'inputs.digits.path': digits.folder, allow_reuse: false, ...overrides },
    },
  })
  return id
}

/** A job of a script of one file, in a folder of its own. */
const submitScript = async (source: string, more = ''): Promise<string> => {
  scripts += 1
  const folder = join(office.folder, `script-${scripts}`)
  await mkdir(folder)
  await writeFile(join(folder, 'score.ts'), source)
  const text = `name: scripted\nentry_script: score.ts\ninputs: { digits: . }\n${more}`
  return submitText(text, join(folder, 'job.yaml'), { mini_batch_size: 100 })
}

const ended = (id: string) => untilFinal(() => team.keeper.client, id)

test('the example runs on another machine and gives a row for every item', async () => {
  const broken = join(digits.folder, 'zz-broken.png')
  await writeFile(broken, 'no picture')
  const id = await submitText(await readFile(example, 'utf8'), example)
  const job = await ended(id)
  expect(job).toMatchObject({ state: 'Completed', itemsFailed: 1, itemsSucceeded: count })
  const rows = await allRows(team.keeper.client, id)
  const good = rows.filter((row) => row.failure === '')
  expect(good.map((row) => row.item)).toEqual(digits.labels.map((_, item) => item))
  const right = good.filter(
    (row) => (row.value as { digit: string }).digit === words[digits.labels[row.item] ?? -1],
  )
  expect(right.length / count).toBeGreaterThan(0.98)
  const bad = rows.filter((row) => row.failure !== '')
  expect(bad.map((row) => row.failure)).toEqual([
    'zz-broken.png is not an image that can be read (it begins with "no pictur").',
  ])
  const logs = join(office.folder, 'ada', 'logs', 'jobs', id)
  const [log = ''] = await readdir(logs)
  expect(await readFile(join(logs, log), 'utf8')).toContain('INFO ready with mnist as worker 0')
})

describe('misbehaviour costs what it should', () => {
  test('a run past its limit is charged, and the others are not', async () => {
    const id = await submitScript(
      `export const run = (miniBatch) => { if (miniBatch.index === 1) for (;;); return miniBatch.items.map(() => 1) }`,
      'run_invocation_timeout: 2\nrun_max_try: 2\n',
    )
    const job = await ended(id)
    expect(job).toMatchObject({ state: 'Completed', failed: 1, charged: 2, rows: count + 1 - 100 })
    const { failures } = await team.keeper.client.call('job', { query: { job: id } })
    expect(failures[0]?.message).toContain('took longer than the 2 s')
  })

  test('a process that ends itself is charged, with its cause, until the item stands alone', async () => {
    const id = await submitScript(
      `export const run = (miniBatch) => { if (miniBatch.items.some((item) => item.id === 0)) process.exit(4); return miniBatch.items.map(() => 1) }`,
      'run_max_try: 1\n',
    )
    const job = await ended(id)
    expect(job).toMatchObject({ state: 'Completed', failed: 1, itemsFailed: 1 })
    expect(job.charged).toBeGreaterThan(1)
    const { failures } = await team.keeper.client.call('job', { query: { job: id } })
    expect(failures[0]?.message).toContain(
      'The script score.ts ended its own process (exit code 4)',
    )
  })

  test('init that throws fails the job with its first words, and charges nothing', async () => {
    const id = await submitScript(
      `export const init = () => { throw new Error('no such label file') }; export const run = () => []`,
    )
    const job = await ended(id)
    expect(job).toMatchObject({ state: 'Failed', charged: 0 })
    expect(job.headline).toContain(
      'The script threw in init(): Error: no such label file (score.ts:1)',
    )
  })

  test('the agent is the same as before', async () => {
    const worker = team.workers[0]
    const before = await worker?.client.call('agent')
    expect(before?.pid).toBe(worker?.pid)
    const id = await submitScript('export const run = (miniBatch) => miniBatch.items.map(() => 1)')
    expect(await ended(id)).toMatchObject({ state: 'Completed', rows: count + 1 })
  })
})

/** Processes of this machine whose command line names a folder (Linux). */
const processesNaming = async (folder: string): Promise<readonly string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return lines.filter((line) => line.includes(folder) && line.includes('script-process'))
}

test.skipIf(process.platform !== 'linux')(
  'kill -9 of the agent takes a script in an endless loop with it',
  async () => {
    const home = join(office.folder, 'ada')
    const id = await submitScript('export const run = () => { for (;;); }')
    await until('the script runs', async () => (await processesNaming(home)).length > 0)
    await until('it has a mini-batch', async () => {
      const job = await team.keeper.client.call('job', { query: { job: id } })
      return job.leased > 0
    })
    await team.workers[0]?.killHard()
    await until('no process of it is left', async () => (await processesNaming(home)).length === 0)
    await team.keeper.client.call('cancelJob', { query: { job: id } })
    team.workers[0] = await office.start('ada', 1)
  },
)

test.each([
  [
    'a missing package',
    `import 'no-such-package'\nexport const run = () => []`,
    'imports the package "no-such-package", which is not installed',
  ],
  [
    'a module that is denied',
    `import { spawn } from 'node:child_process'\nexport const run = () => [spawn]`,
    'imports "node:child_process", but scripts may start no processes',
  ],
  ['a broken line', 'export const run = (', 'cannot be bundled'],
])('refused before it is submitted: %s', async (_, source, sentence) => {
  expect(await errorOf(submitScript(source))).toMatchObject({
    code: 'ScriptInvalid',
    message: expect.stringContaining(sentence) as string,
  })
})

test('an owner may refuse scripts; other machines run them, and other jobs run there', async () => {
  await using quiet = await createOffice()
  const [head, worker] = await Promise.all([
    quiet.start('boss', 0),
    quiet.start('shy', 1, ['--no-scripts']),
  ])
  await pairAll(head, [{ agent: worker, roles: ['work'] }])
  const submit = async (file: string) =>
    head.client.call('submitJob', {
      body: {
        text: await readFile(file, 'utf8'),
        file,
        overrides: { 'inputs.digits.path': digits.folder },
      },
    })
  const refused = await submit(example)
  await until('the job fails or says why it waits', async () => {
    const job = await head.client.call('job', { query: { job: refused.id } })
    return `${job.headline} ${job.reason}`.includes('lets no entry scripts run')
  })
  const declared = await submit(join(repository, 'examples/mnist/job.yaml'))
  expect(await untilFinal(() => head.client, declared.id)).toMatchObject({ state: 'Completed' })
})
