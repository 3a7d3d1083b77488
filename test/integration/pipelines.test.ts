import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { parquetWriteFile } from 'hyparquet-writer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ControlClient } from '#protocol/control/client.ts'
import type { PipelineView, SubmittedView } from '#protocol/control/pipeline-views.ts'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let jobs: string

const client = (): ControlClient => team.keeper.client

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada'])
  jobs = join(office.folder, 'jobs')
  await mkdir(jobs)
  await writeFile(join(jobs, 'count.ts'), countScript)
  await writeFile(join(jobs, 'lines.ts'), linesScript)
  await writeFile(join(jobs, 'paths.ts'), pathsScript)
  await writeFile(join(jobs, 'records.ts'), recordsScript)
  await writeFile(join(jobs, 'bad.ts'), badScript)
})
afterAll(() => office[Symbol.asyncDispose]())

/** Says how long each file is; fails for files that begin with "bad" unless told otherwise. */
const countScript = `
export async function run(miniBatch, context) {
  const [factor = '1'] = context.arguments._ ?? context.arguments
  const rows = []
  for (const item of miniBatch) {
    const text = new TextDecoder().decode(await item.bytes())
    if (text.startsWith('bad')) continue
    rows.push({ key: item.name, size: text.length * Number(factor) })
  }
  return rows
}
`
/** The same by opening each file where it was laid out. */
const pathsScript = `import { readFile } from 'node:fs/promises'
${countScript.replace(
  'new TextDecoder().decode(await item.bytes())',
  "await readFile(await item.path(), 'utf8')",
)}`
const recordsScript = `
export async function run(miniBatch, context) {
  const [factor = '1'] = context.arguments._ ?? context.arguments
  const names = await miniBatch.rowNames()
  return (await miniBatch.rows()).map((row, i) => ({ key: names[i], sold: row.sold * factor }))
}
`
const linesScript = `
export async function run(miniBatch) {
  const rows = []
  for (const item of miniBatch)
    rows.push(new TextDecoder().decode(await item.bytes()).trimEnd().split('\\n').length)
  return rows
}
`
const badScript = `
export async function run() {
  throw new Error('I never work')
}
`

/** Files that lay there for a while: fresh ones prove nothing by their times. */
const writeTexts = async (name: string, texts: Readonly<Record<string, string>>) => {
  const folder = office.place(name)
  await mkdir(folder, { recursive: true })
  for (const [file, text] of Object.entries(texts)) await writeOld(join(folder, file), text)
  return folder
}

let age = 100
const writeOld = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text)
  age -= 0.01
  const when = new Date(Date.now() - age * 60_000)
  await utimes(path, when, when)
}

const twelve = (): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`${String(i).padStart(2, '0')}.txt`, 'x'.repeat(i + 1)]),
  )

const submit = (
  text: string,
  more: { parameters?: Record<string, string | number>; regenerate?: boolean } = {},
): Promise<SubmittedView> =>
  client().call('submitPipeline', { body: { text, file: join(jobs, 'some.yaml'), ...more } })

const ended = async (id: string): Promise<PipelineView> => {
  let view: PipelineView | undefined
  await until(`run ${id} has ended`, async () => {
    view = await client().call('pipeline', { query: { pipeline: id } })
    return view.endedAt !== null
  })
  return view!
}

const run = async (...given: Parameters<typeof submit>): Promise<PipelineView> => {
  const { pipeline } = await submit(...given)
  return ended(pipeline!.id)
}

const stepOf = (view: PipelineView, name: string) => view.steps.find((step) => step.name === name)!

const rowsOf = async (job: string) =>
  (await allRows(client(), job)).map(({ item, name, value }) => ({ item, name, value }))

const wired = (folder: string, more = ''): string => `
name: two-steps
experiment: wiring
parameters: { factor: 1 }
${more}
steps:
  count:
    entry_script: ./count.ts
    inputs: { texts: ${folder} }
    mini_batch_size: 3
    arguments: ['\${{parameters.factor}}']
    append_row_file_name: counts.txt
  lines:
    entry_script: ./lines.ts
    inputs: { counts: '\${{steps.count.output}}' }
`

test('a step reads what the step before it wrote', async () => {
  const folder = await writeTexts('wired', twelve())
  const view = await run(wired(folder))
  expect(view).toMatchObject({ state: 'Completed', headline: '', experiment: 'wiring' })
  const [count, lines] = view.steps
  expect([count?.state, lines?.state]).toEqual(['Completed', 'Completed'])
  expect(await rowsOf(lines!.job)).toEqual([{ item: 0, name: 'counts.txt', value: 12 }])
  const job = await client().call('job', { query: { job: lines!.job } })
  expect(job).toMatchObject({ pipeline: view.id, step: 'lines', experiment: 'wiring' })

  const { jobs: all } = await team.head.client.call('jobs')
  expect(all.filter(({ pipeline }) => pipeline === view.id).length).toBe(2)
})

test('the same again is taken over, what changed is computed, and it can be forced', async () => {
  const folder = await writeTexts('reused', { ...twelve(), '00.txt': 'not as elsewhere' })
  const first = await run(wired(folder))
  expect(first.steps.map(({ takenOver }) => takenOver)).toEqual([0, 0])

  const second = await run(wired(folder))
  expect(second.state).toBe('Completed')
  for (const [i, step] of second.steps.entries()) {
    const before = first.steps[i]!
    expect([step.takenOver, step.takenFrom]).toEqual([step.miniBatches, before.job])
    expect(await rowsOf(step.job)).toEqual(await rowsOf(before.job))
    expect(step.output).not.toBe(before.output)
    expect(await readFile(step.output, 'utf8')).toBe(await readFile(before.output, 'utf8'))
  }

  await writeOld(join(folder, '04.txt'), 'another text')
  await writeOld(join(folder, '12.txt'), 'one more')
  const third = await run(wired(folder))
  const count = stepOf(third, 'count')
  expect([count.miniBatches, count.takenOver]).toEqual([5, 3])
  expect(stepOf(third, 'lines').takenOver).toBe(0)
  const fresh = await run(wired(folder), { regenerate: true })
  expect(fresh.steps.map(({ takenOver }) => takenOver)).toEqual([0, 0])
  expect(await rowsOf(count.job)).toEqual(await rowsOf(stepOf(fresh, 'count').job))
  expect(stepOf(fresh, 'lines').itemsSucceeded).toBe(1)
})

test('a file that comes or goes in the middle costs its own mini-batch', async () => {
  const folder = await writeTexts('middle', twelve())
  await run(wired(folder))
  await writeOld(join(folder, '04b.txt'), 'in the middle')
  const second = stepOf(await run(wired(folder)), 'count')
  expect([second.miniBatches, second.takenOver]).toEqual([5, 3])
  expect(second.reuse).toMatch(/^3 of 5 mini-batches were taken over from job \w+; 1 file came\.$/)
  await rm(join(folder, '01.txt'))
  const third = stepOf(await run(wired(folder)), 'count')
  expect([third.miniBatches, third.takenOver]).toEqual([5, 4])
  expect(third.reuse).toMatch(/; 1 file went\.$/)

  const fresh = stepOf(await run(wired(folder), { regenerate: true }), 'count')
  expect([fresh.miniBatches, fresh.takenOver]).toEqual([4, 0])
  expect(await rowsOf(third.job)).toEqual(await rowsOf(fresh.job))
  expect(await readFile(third.output, 'utf8')).toBe(await readFile(fresh.output, 'utf8'))
})

test.for([
  ['in place', 'count', 'true'],
  ['streamed', 'count', 'false'],
  ['opened by path', 'paths', 'true'],
])(
  'content decides where times do not: touched files, and files changed under the same time (%s)',
  async ([, script, inPlace]) => {
    const folder = await writeTexts(`content-${script}-${inPlace}`, twelve())
    const text = (factor: number): string => `
name: content-${script}-${inPlace}
entry_script: ./${script}.ts
inputs: { texts: ${folder} }
mini_batch_size: 3
in_place: ${inPlace}
arguments: ['${factor}']
`
    const stepOfRun = async (factor: number) => (await run(text(factor))).steps[0]!
    const first = await stepOfRun(1)
    await writeOld(join(folder, '04.txt'), twelve()['04.txt']!)
    const touched = await stepOfRun(1)
    expect([touched.miniBatches, touched.takenOver]).toEqual([4, 4])
    expect(touched.reuse).toContain('1 file with another time holds the same as before')
    expect(await rowsOf(touched.job)).toEqual(await rowsOf(first.job))

    // Other bytes under the same size and time: nobody can see that, until somebody reads them.
    const path = join(folder, '07.txt')
    const { atime, mtime } = await stat(path)
    await writeFile(path, 'bad'.padEnd(8, 'x'))
    await utimes(path, atime, mtime)
    expect((await stepOfRun(1)).takenOver).toBe(4)
    expect((await stepOfRun(2)).takenOver).toBe(0)
    const noticed = await stepOfRun(1)
    expect([noticed.takenOver, noticed.itemsFailed]).toEqual([3, 1])
    expect(noticed.reuse).toMatch(/^3 of 4 mini-batches were taken over from .*; 1 file changed\.$/)
  },
)

test.for(['true', 'false'])(
  'content of tables decides: touched, changed under the same time, and grown (in place: %s)',
  async (inPlace) => {
    const line = (at: number): string => `shop ${at % 7},${String(at).padStart(5, '0')}\n`
    const lines = (count: number): string =>
      `shop,sold\n${Array.from({ length: count }, (_, at) => line(at)).join('')}`
    const folder = await writeTexts(`table-${inPlace}`, { 'sold.csv': lines(400) })
    const path = join(folder, 'sold.csv')
    const text = (factor: number): string => `
name: table-${inPlace}
entry_script: ./records.ts
inputs: { sales: { path: ${folder}, type: table, format: csv } }
mini_batch_size: 500
in_place: ${inPlace}
arguments: ['${factor}']
`
    const stepOfRun = async (factor: number) => (await run(text(factor))).steps[0]!
    const first = await stepOfRun(1)
    const count = first.miniBatches
    expect([count > 8, first.itemsSucceeded]).toEqual([true, 400])

    // Checked out anew.
    await writeOld(path, lines(400))
    const touched = await stepOfRun(1)
    expect([touched.miniBatches, touched.takenOver]).toEqual([count, count])
    expect(touched.reuse).toContain('1 file with another time holds the same as before')
    expect(await rowsOf(touched.job)).toEqual(await rowsOf(first.job))

    // One record under the same size and time: nobody can see that, until somebody reads it.
    const { atime, mtime } = await stat(path)
    await writeFile(path, lines(400).replace('00203', '77777'))
    await utimes(path, atime, mtime)
    expect((await stepOfRun(1)).takenOver).toBe(count)
    expect((await stepOfRun(2)).takenOver).toBe(0)
    const noticed = await stepOfRun(1)
    expect([noticed.takenOver, noticed.itemsSucceeded]).toEqual([count - 1, 400])
    expect(noticed.reuse).toMatch(/mini-batches were taken over from .*; 1 file changed\.$/)
    expect((await rowsOf(noticed.job))[203]?.value).toEqual({ key: 'sold.csv#204', sold: 77777 })

    // Only what came runs, with the end of what was there.
    await writeOld(path, lines(450).replace('00203', '77777'))
    const grown = await stepOfRun(1)
    expect([grown.itemsSucceeded, grown.takenOver]).toEqual([450, count - 1])
    expect(grown.miniBatches).toBeGreaterThan(count)
    const fresh = (await run(text(1), { regenerate: true })).steps[0]!
    expect([fresh.miniBatches, fresh.takenOver]).toEqual([grown.miniBatches, 0])
    expect(await rowsOf(grown.job)).toEqual(await rowsOf(fresh.job))
    expect(await readFile(grown.output, 'utf8')).toBe(await readFile(fresh.output, 'utf8'))
  },
)

test('touched tables of Parquet, and of models without a script, are taken over', async () => {
  const parquet = await writeTexts('touched-parquet', {})
  parquetWriteFile({
    filename: join(parquet, 'sold.parquet'),
    rowGroupSize: [10],
    columnData: [{ name: 'sold', data: Array.from({ length: 40 }, (_, at) => at), type: 'INT32' }],
  })
  const columns = 'sepal_length,sepal_width,petal_length,petal_width'
  const sizes = Array.from({ length: 60 }, (_, at) => `${5 + (at % 9)},3,${1 + (at % 5)},0.2\n`)
  const iris = await writeTexts('touched-iris', { 'iris.csv': `${columns}\n${sizes.join('')}` })
  const text = `
name: touched-tables
steps:
  parquet:
    entry_script: ./records.ts
    inputs: { sales: { path: ${parquet}, type: table, format: parquet } }
    mini_batch_size: 1
  iris:
    model: ${resolve('examples/iris/model/iris.onnx')}
    inputs: { flowers: { path: ${iris}, type: table, format: csv } }
    mini_batch_size: 200
    preprocess: { columns: [${columns}] }
`
  const first = await run(text)
  expect(first).toMatchObject({ state: 'Completed', headline: '' })
  for (const path of [join(parquet, 'sold.parquet'), join(iris, 'iris.csv')])
    await utimes(path, 1_700_000_000, 1_700_000_000)
  const second = await run(text)
  for (const [i, { miniBatches, takenOver, reuse, job }] of second.steps.entries()) {
    expect([takenOver, miniBatches > 3]).toEqual([miniBatches, true])
    expect(reuse).toContain('1 file with another time holds the same as before')
    expect(await rowsOf(job)).toEqual(await rowsOf(first.steps[i]!.job))
  }
})

test('why nothing was taken over is said', async () => {
  const folder = await writeTexts('reasons', twelve())
  const text = `
name: ${basename(folder)}
entry_script: ./count.ts
inputs: { texts: ${folder} }
arguments: ['--threshold', '0.5']
`
  const reuseOf = async (...given: Parameters<typeof run>): Promise<string> =>
    (await run(...given)).steps[0]?.reuse ?? ''
  expect(await reuseOf(text)).toBe(
    'Nothing was taken over: no earlier job of this name is known on this machine.',
  )
  expect(await reuseOf(text.replace('0.5', '0.7'))).toMatch(
    /^Nothing was taken over: since job \w+, argument --threshold changed from 0\.5 to 0\.7\.$/,
  )
  expect(await reuseOf(`${text}allow_reuse: false`)).toBe(
    'Nothing was taken over: `allow_reuse` is off.',
  )
  const again = await run(text)
  const { job } = again.steps[0]!
  const shown = await client().call('job', { query: { job } })
  expect(shown.reuse).toMatch(/^All 2 mini-batches were taken over from job /)
  const { lines } = await client().call('explain', { query: { job } })
  expect(lines).toContain(shown.reuse)
})

test('a run is submitted anew with another parameter, and compared', async () => {
  const folder = await writeTexts('again', twelve())
  const first = await run(wired(folder, 'tags: { of: again }'))
  const changed = await client().call('resubmitPipeline', {
    query: { pipeline: first.id },
    body: { parameters: { factor: '10' } },
  })
  const second = await ended(changed.id)
  expect(second).toMatchObject({ state: 'Completed', parameters: { factor: 10 } })
  expect(second.origin).toContain(first.id)
  expect(stepOf(second, 'count').takenOver).toBe(0)
  expect((await rowsOf(stepOf(second, 'count').job))[3]?.value).toEqual({ key: '03.txt', size: 40 })

  const wrong = client().call('resubmitPipeline', {
    query: { pipeline: first.id },
    body: { parameters: { faktor: 1 } },
  })
  expect((await errorOf(wrong))?.message).toMatch(/no parameter "faktor": it has factor/)

  const compared = await client().call('compareExperiments', {
    query: { of: `${first.id},${second.id}` },
  })
  expect(compared.runs.map(({ id }) => id)).toEqual([first.id, second.id])
  expect(compared.settings.filter(({ differs }) => differs).map(({ name }) => name)).toEqual([
    'parameters.factor',
    'steps.count.arguments',
    ...compared.settings
      .filter(({ name, differs }) => differs && name.startsWith('steps.lines.inputs'))
      .map(({ name }) => name),
  ])
  const { experiments } = await client().call('experiments')
  expect(experiments.map(({ name }) => name)).toContain('wiring')
})

test('a table of rows is the table of the next step', async () => {
  const folder = await writeTexts('tables', twelve())
  await writeFile(
    join(jobs, 'double.ts'),
    `export const run = async (miniBatch: any) =>
      (await miniBatch.rows()).map((row: any) => ({ key: row.key, twice: Number(row.size) * 2 }))`,
  )
  const view = await run(
    wired(folder).replace('counts.txt', 'counts.csv').replace('./lines.ts', './double.ts'),
  )
  expect(view).toMatchObject({ state: 'Completed', headline: '' })
  const rows = await rowsOf(stepOf(view, 'lines').job)
  expect(rows.map(({ value }) => value)).toEqual(
    Object.entries(twelve()).map(([key, text]) => ({ key, twice: 2 * text.length })),
  )
})

test('a failed step stops those that need it; others go on where the run continues', async () => {
  const folder = await writeTexts('failing', { 'a.txt': 'a' })
  const file = (more: string): string => `
name: one-fails
${more}
steps:
  bad: { entry_script: ./bad.ts, inputs: { texts: ${folder} }, run_max_try: 1 }
  needs: { entry_script: ./lines.ts, inputs: { all: '\${{steps.bad.output}}' } }
  count: { entry_script: ./count.ts, inputs: { texts: ${folder} } }
  later: { entry_script: ./lines.ts, inputs: { all: '\${{steps.count.output}}' } }
`
  const view = await run(file('continue_on_step_failure: true'))
  expect(view.state).toBe('Failed')
  expect(view.headline).toMatch(/^Step "bad" failed: .*I never work/)
  expect(view.steps.map(({ state }) => state)).toEqual([
    'Failed',
    'Canceled',
    'Completed',
    'Completed',
  ])
  expect(stepOf(view, 'needs').reason).toBe('It was not started, since step "bad" failed.')
})

test('only the failed items are tried again', async () => {
  const folder = await writeTexts('retried', { ...twelve(), '05.txt': 'bad', '08.txt': 'bad' })
  const single = `
name: retried
entry_script: ./count.ts
inputs: { texts: ${folder} }
mini_batch_size: 4
`
  const { steps } = await run(single)
  const { job: first } = steps[0]!
  await writeOld(join(folder, '05.txt'), 'mended')
  const retry = await client().call('retryFailed', { query: { job: first }, body: {} })
  expect([retry.items, retry.wholeMiniBatches]).toEqual([2, 0])
  const job = await untilFinal(client, retry.job.id)
  expect([job.state, job.items, job.itemsSucceeded]).toEqual(['Completed', 2, 1])
  expect((await rowsOf(retry.job.id)).map(({ value }) => value)).toEqual([
    { key: '05.txt', size: 6 },
    null,
  ])
})

test('a paused run starts no step, and goes on when it is told to, also after its submitter was killed', async () => {
  const folder = await writeTexts('killed', twelve())
  const submitPaused = async () => {
    // Nobody can run its first step before it is paused.
    await team.workers[0]!.stop()
    try {
      const pipeline = (await submit(wired(folder))).pipeline!.id
      const paused = await client().call('pausePipeline', { query: { pipeline } })
      expect(paused.pausedAt).not.toBeNull()
      const { job } = paused.steps[0]!
      expect((await client().call('job', { query: { job } })).state).toBe('Paused')
      return { query: { pipeline }, job }
    } finally {
      team.workers[0] = await office.start('ada', 1)
    }
  }
  const { query, job } = await submitPaused()
  // Of a paused run one job may go on by itself; the step behind it does not.
  await client().call('resumeJob', { query: { job } })
  await until('the first step has ended', async () => {
    const view = await client().call('pipeline', { query })
    return view.steps[0]?.state === 'Completed' && view.state === 'Paused'
  })
  await team.keeper.killHard()
  team.keeper = await office.start('keeper', 0)
  const after = await client().call('pipeline', { query })
  expect([after.state, after.steps[1]?.state]).toEqual(['Paused', 'NotStarted'])
  expect(after.steps[1]?.reason).toBe('It waits until the run is resumed.')
  const asJob = client().call('job', { query: { job: query.pipeline } })
  expect((await errorOf(asJob))?.message).toContain('is the pipeline run two-steps, which has 2')
  await client().call('resumePipeline', { query })
  expect((await ended(query.pipeline)).state).toBe('Completed')
  expect(await errorOf(client().call('pausePipeline', { query }))).toMatchObject({
    code: 'JobEnded',
    message: 'The pipeline run two-steps has ended already.',
  })
})

test('a canceled run cancels its jobs and starts no more', async () => {
  const folder = await writeTexts('canceled', twelve())
  await writeFile(
    join(jobs, 'slow.ts'),
    'export async function run(b) { await new Promise((r) => setTimeout(r, 20_000)); return [] }',
  )
  const text = wired(folder).replace('./count.ts', './slow.ts')
  const { pipeline } = await submit(text)
  const canceled = await client().call('cancelPipeline', { query: { pipeline: pipeline!.id } })
  expect(['CancelRequested', 'Canceled']).toContain(canceled.state)
  const view = await ended(pipeline!.id)
  expect([view.state, ...view.steps.map(({ state }) => state)]).toEqual([
    'Canceled',
    'Canceled',
    'Canceled',
  ])
})

test('a watched folder starts a run when files come, also after a restart', async () => {
  const folder = await writeTexts('watched', {})
  const name = basename(folder)
  const text = `
name: ${name}
entry_script: ./count.ts
inputs: { texts: ${folder} }
schedule: { watch: ${folder}, quiet: 1 }
`
  const { pipeline, schedule } = await submit(text)
  expect(pipeline).toBeNull()
  expect(schedule).toMatchObject({ name, kind: 'folder', when: folder })
  const runs = async (): Promise<readonly PipelineView[]> =>
    (await client().call('pipelines', { query: { experiment: name } })).pipelines
  await writeOld(join(folder, 'a.txt'), 'first')
  await until('the first file was run', async () =>
    (await runs()).some(({ state }) => state === 'Completed'),
  )
  const query = { schedule: name }
  expect((await client().call('pauseSchedule', { query })).pausedAt).not.toBeNull()
  await team.keeper.stop()
  await writeOld(join(folder, 'b.txt'), 'second')
  team.keeper = await office.start('keeper', 0)
  const scheduled = async () =>
    (await client().call('schedules')).schedules.find((one) => one.name === name)
  const known = await scheduled()
  expect([known?.pausedAt === null, (await runs()).length]).toEqual([false, 1])
  expect((await client().call('resumeSchedule', { query })).pausedAt).toBeNull()
  await until('the second file was run', async () => {
    const all = await runs()
    return all.length === 2 && all.every(({ state }) => state === 'Completed')
  })
  expect((await runs())[0]?.steps[0]?.items).toBe(2)
  // People call a run of one job a job.
  const { id, steps } = (await runs())[0]!
  expect((await client().call('job', { query: { job: id } })).id).toBe(steps[0]?.job)
  const elsewhere = team.head.client.call('pauseSchedule', { query })
  expect((await errorOf(elsewhere))?.message).toBe(
    `The schedule of ${name} is run by keeper; pause it there.`,
  )
  await client().call('removeSchedule', { query })
  expect(await scheduled()).toBeUndefined()
  await rm(folder, { recursive: true })
})

test('a timetable starts runs one after the other', async () => {
  const folder = await writeTexts('timed', { 'a.txt': 'a' })
  const name = basename(folder)
  const text = `
name: ${name}
entry_script: ./count.ts
inputs: { texts: ${folder} }
schedule: { cron: '* * * * * *' }
`
  const { schedule } = await submit(text)
  expect(schedule?.nextAt).toBeGreaterThan(Date.now() - 1)
  const runs = async (): Promise<readonly PipelineView[]> =>
    (await client().call('pipelines', { query: { experiment: name } })).pipelines
  await until(
    'two runs have ended',
    async () => (await runs()).filter(({ state }) => state === 'Completed').length >= 2,
  )
  await client().call('removeSchedule', { query: { schedule: schedule!.id } })
  const all = (await runs()).toSorted((a, b) => a.submittedAt - b.submittedAt)
  for (const [i, one] of all.entries())
    if (i > 0) expect(one.submittedAt).toBeGreaterThanOrEqual(all[i - 1]!.endedAt!)
  expect(all[1]?.origin).toMatch(/^It was started by its schedule at /)
  expect(all[1]?.steps[0]?.takenOver).toBe(1)
  const wrong = submit(text.replace('* * * * * *', 'often'))
  expect((await errorOf(wrong))?.message).toMatch(/^"often" is no cron expression/)
})

test('a timetable follows the clock of its time zone', async () => {
  const folder = await writeTexts('zones', { 'a.txt': 'a' })
  // Kathmandu is 5:45 ahead of the world's clock, so its hour is no hour here at the same time.
  const there = new Date(Date.now() + 5.75 * 3_600_000)
  const hours = [there.getUTCHours(), (there.getUTCHours() + 1) % 24].join(',')
  const fileOf = (name: string, zone: string): string => `
name: ${name}
entry_script: ./count.ts
inputs: { texts: ${folder} }
schedule: { cron: '*/2 * ${hours} * * *', timezone: ${zone} }
`
  const near = (await submit(fileOf('kathmandu', 'Asia/Kathmandu'))).schedule
  const far = (await submit(fileOf('utc', 'UTC'))).schedule
  expect(near).toMatchObject({ timezone: 'Asia/Kathmandu' })
  expect(near?.nextAt).toBeLessThan(Date.now() + 3_600_000)
  expect(far?.nextAt).toBeGreaterThan(Date.now() + 3_600_000)
  const runsOf = async (experiment: string) =>
    (await client().call('pipelines', { query: { experiment } })).pipelines
  await until('a run of the near one has ended', async () =>
    (await runsOf('kathmandu')).some(({ state }) => state === 'Completed'),
  )
  expect(await runsOf('utc')).toEqual([])
  for (const one of [near, far])
    await client().call('removeSchedule', { query: { schedule: one!.id } })
  const wrong = submit(fileOf('nowhere', 'Asia/Nowhere'))
  expect((await errorOf(wrong))?.message).toBe(
    '"Asia/Nowhere" is no time zone known here: write one such as Europe/Vienna.',
  )
})
