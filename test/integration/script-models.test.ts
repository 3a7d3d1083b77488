import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView } from '#protocol/control/job-views.ts'
import type { NamedModel } from '#protocol/model/model.ts'
import { allRows, repository, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'
import { createScriptLab, runItems } from '../support/scripts.ts'
import type { ScriptLab } from '../support/scripts.ts'

const mnist = join(repository, 'examples/mnist/model/mnist.onnx')
const iris = join(repository, 'examples/iris/model/iris.onnx')

let office: Office
let team: Team
let lab: ScriptLab

beforeAll(async () => {
  lab = await createScriptLab()
  office = await createOffice()
  team = await startTeam(office, ['ada', 'ben'])
  await office.digits(8)
  await writeFile(join(office.folder, 'score.ts'), script)
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await office[Symbol.asyncDispose]()
})

/** Says which models it was given, by their inputs, and what the first digit is. */
const script = `
import { existsSync } from 'node:fs'
export async function run(miniBatch: any, context: any) {
  const reader = await context.session('reader')
  const other = await context.session('other')
  const images = await context.decodeImages(miniBatch, { width: 28, height: 28, channels: 'gray', scale: 1 / 255 })
  const { logits } = await reader.run(images)
  const digits = await logits.argmax()
  return images.items.map((item: any, at: number) => ({
    key: item.name, digit: digits[at], there: existsSync(context.modelPath('other')),
    inputs: [...reader.inputs, ...other.inputs].map((input: any) => input.name),
  }))
}
`

const jobFile = (models: string): string => `name: models
entry_script: score.ts
models: ${models}
inputs: { digits: digits }
mini_batch_size: 2
append_row_file_name: out.jsonl
`

const submit = (models: string) =>
  team.keeper.client.call('submitJob', {
    body: { text: jobFile(models), file: join(office.folder, 'job.yaml') },
  })

const register = async (path: string, name: string): Promise<number> =>
  (await team.keeper.client.call('registerModel', { body: { path, name } })).version

const ended = (id: string): Promise<JobView> => untilFinal(() => team.keeper.client, id)

test('a script asks for its models by name; versions are pinned, all count for reuse', async () => {
  const { client } = team.keeper
  expect(await register(iris, 'flowers')).toBe(1)
  const models = `{ reader: ${mnist}, other: flowers }`
  const first = await submit(models)
  expect(await register(mnist, 'flowers')).toBe(2)
  const job = await ended(first.id)
  expect(job).toMatchObject({ state: 'Completed', headline: '', model: 'mnist:1, flowers:1' })
  const rows = await allRows(client, first.id)
  expect(rows.length).toBe(8)
  expect(rows[0]?.value).toMatchObject({ digit: 7, there: true, inputs: ['image', 'flower'] })

  // Submitted anew both stay what they were; one is changed by its name.
  const again = await client.call('resubmitJob', { query: { job: first.id }, body: {} })
  expect(await ended(again.id)).toMatchObject({ model: 'mnist:1, flowers:1', rows: 8 })
  const run = await client.call('resubmitPipeline', {
    query: { pipeline: job.pipeline },
    body: { overrides: { mini_batch_size: 4 } },
  })
  expect(run.steps[0]?.name).toBe('models')
  expect(await ended(run.steps[0]!.job)).toMatchObject({ model: 'mnist:1, flowers:1' })
  const changed = await client.call('resubmitJob', {
    query: { job: first.id },
    body: { overrides: { 'models.other.version': 2 } },
  })
  const other = await ended(changed.id)
  expect(other).toMatchObject({ state: 'Completed', model: 'mnist:1, flowers:2', takenOver: 0 })
  expect((await allRows(client, changed.id))[0]?.value).toMatchObject({
    inputs: ['image', 'image'],
  })
})

test('two models of one name, and one that nobody registered, are refused at submit', async () => {
  const twice = await errorOf(submit(`[${mnist}, ${mnist}]`))
  expect(twice?.message).toBe(
    'Two models of the job are called "mnist": write "models" as a map, and give each a name of its own.',
  )
  const unknown = await errorOf(submit('{ reader: mnist, other: nobody }'))
  expect(unknown).toMatchObject({ code: 'ModelUnknown' })
})

test('the first items can be tried with models that were never registered', async () => {
  await register(iris, 'petals')
  const tried = await team.keeper.client.call('tryJob', {
    body: {
      text: jobFile(`{ reader: ${mnist}, other: petals }`),
      file: join(office.folder, 'job.yaml'),
      count: 1,
    },
  })
  expect(tried.problem).toBe('')
  expect(tried.rows).toMatchObject([{ value: { digit: 7, there: true } }])
})

const named = (alias: string, name: string): NamedModel => ({ alias, name, version: 1, files: [] })

test('a name that is not declared is refused in a sentence that names those that are', async () => {
  const spec = { models: [named('find', 'mnist'), named('look', 'iris')] }
  const models = { find: mnist, look: iris }
  const source = (call: string) =>
    `export const run = async (_: unknown, context: any) => { ${call} }`
  const asked = async (call: string, more = {}): Promise<string> => {
    const process = await lab.started(source(call), { spec, models, ...more })
    const outcome = await runItems(process, ['x'])
    process.kill()
    return outcome.kind === 'threw' ? outcome.message : ''
  }
  expect(await asked("await context.session('fined')")).toContain(
    'The job has no model "fined", only "find" and "look" (score.ts:1).',
  )
  expect(await asked('await context.session()')).toContain(
    'The job has the models "find" and "look": say which one, as in session("NAME")',
  )
  expect(await asked('context.modelPath()')).toContain('say which one')
  const main = {
    modelPath: mnist,
    spec: { ...spec, model: { name: 'digits', version: 1, files: [] } },
  }
  expect(
    await asked("if ((await context.session()).name !== 'digits') throw 1; return [1]", main),
  ).toBe('')
  expect(await asked("await context.session('x')", main)).toContain(
    'only "digits" and "find" and "look"',
  )
  const single = { spec: { models: [named('find', 'mnist')] }, models: { find: mnist } }
  expect(
    await asked("if ((await context.session()).name !== 'find') throw 1; return [1]", single),
  ).toBe('')
})

test('models have to fit into a worker process together', async () => {
  const spec = { models: [named('find', 'mnist'), named('look', 'again')] }
  const started = await lab.start('export const run = async () => []', {
    spec,
    models: { find: mnist, look: mnist },
    memoryBytes: 150 * 2 ** 20,
  })
  expect(started).toMatchObject({
    ok: false,
    error: {
      code: 'ModelTooLarge',
      message: expect.stringMatching(
        /^The models "mnist" version 1 and "again" version 1 \(.* MiB\) need about .* MiB of memory, but a worker process may use 150 MiB here/,
      ),
    },
  })
})
