import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository, until } from '../../tools/agents.ts'
import { buildSdk, sdkFolder } from '../../tools/build-sdk.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const run = promisify(execFile)
const count = 200

let office: Office
let team: Team
let folder = ''

beforeAll(async () => {
  office = await createOffice()
  folder = join(office.folder, 'tutorial')
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  await install()
  await office.digits(count, 'tutorial/digits')
  await cp(join(repository, 'examples/mnist/model/mnist.onnx'), join(folder, 'mnist.onnx'))
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

/** As a stranger would: the package is built, packed, and installed in a folder of its own. */
const install = async (): Promise<void> => {
  await buildSdk()
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { stdout } = await run(npm, ['pack', '--silent', '--pack-destination', folder], {
    cwd: sdkFolder,
  })
  const archive = join(folder, stdout.trim())
  await run(npm, ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', archive], {
    cwd: folder,
  })
}

/** Blocks that name a file, in their order: those of one file are its parts. */
const writeBlocks = async (): Promise<void> => {
  const text = await readFile(join(repository, 'docs/tutorial.md'), 'utf8')
  for (const [, file = '', code = ''] of text.matchAll(/```ts (\S+)\n(.*?)```/gs))
    await appendFile(join(folder, file), code)
}

test('the tutorial runs as it stands, with the package installed elsewhere', async () => {
  await writeBlocks()
  // The creator of a cluster may make pools and submit.
  const { home } = await team.head.client.call('agent')
  await writeFile(join(folder, 'muster.json'), JSON.stringify({ home }))
  const { stdout } = await run(process.execPath, ['tutorial.ts'], { cwd: folder })
  expect(stdout).toContain('mnist:1')
  expect(stdout).toContain('predict-digits-mnist: Completed, 200 of 200 items')
  expect(stdout).toMatch(/00000\.png \{.*digit: 7/)
  expect(stdout).toContain('1 row')
  expect(stdout).toContain('4 runs')
  const [header, ...lines] = (await readFile(join(folder, 'results/digits.csv'), 'utf8'))
    .trimEnd()
    .split('\n')
  expect(header).toContain('digit')
  expect(lines).toHaveLength(count)
})

/** What people do who come from Azure's SDK, in a program that has no `import`. */
const habits = `
const { readFileSync } = require('node:fs')
const sdk = require('muster-sdk')
const main = async () => {
  const ws = await sdk.Workspace.fromConfig()
  const size = new sdk.PipelineParameter({ name: 'size', defaultValue: 2 })
  const config = new sdk.ParallelRunConfig({ entryScript: 'names.ts', sourceDirectory: '.', miniBatchSize: size, outputAction: 'summary_only' })
  await config.saveToYaml('config.yml')
  const loaded = await sdk.ParallelRunConfig.loadYaml(ws, 'config.yml')
  const digits = await sdk.Dataset.File.fromFiles('./digits/0000*.png')
  const texts = new sdk.PipelineData('texts')
  const one = new sdk.ParallelRunStep({ name: 'write', parallelRunConfig: loaded.with({ miniBatchSize: size }), inputs: [digits.asNamedInput('digits')], output: texts })
  const two = new sdk.ParallelRunStep({ name: 'read', parallelRunConfig: config.with({ outputAction: 'append_row' }), inputs: [texts.asDownload()] })
  const pipeline = new sdk.Pipeline(ws, { steps: [one, two], name: 'habits' })
  const say = (...words) => console.log(JSON.stringify(words))
  say('valid', await pipeline.validate({ size: '5' }))
  await pipeline.validate({ sice: 5 }).catch(({ message }) => say('not valid', message))
  const run = await new sdk.Experiment(ws, 'habits').submit(pipeline)
  await run.pause()
  say('paused', await run.getStatus())
  await run.resume()
  say(await run.waitForCompletion({ timeoutSeconds: 120 }), (await run.getMetrics()).items)
  const [step] = run.findStepRun('write')
  say('output', require('node:path').basename(await step.getOutputData('texts').download('./files')))
  try { step.getOutputData('rows') } catch ({ message }) { say('no output', message) }
  say('logs', (await step.getLogs()).overview.includes('Completed'), (await step.explain())[0])
  const schedule = await sdk.Schedule.create(pipeline, { cron: '0 6 * * *', experimentName: 'nightly' })
  await schedule.pause()
  say('schedule', schedule.view.pausedAt !== null, (await sdk.Schedule.list(ws)).length)
  await (await sdk.Schedule.get(ws, 'habits')).remove()
  say('lists', (await sdk.Experiment.list(ws)).map(({ name }) => name), (await sdk.Datastore.list(ws)).length > 0)
}
main()
`
const namesScript = `
import { writeFile } from 'node:fs/promises'
export async function run(miniBatch, context) {
  for (const { name } of miniBatch) await writeFile(context.outputDirectory + '/' + name, name)
  return [...miniBatch].map(({ name }) => name)
}
`

test('habits from Azure: required in CommonJS, validated, paused, scheduled, saved as YAML', async () => {
  await writeFile(join(folder, 'habits.cjs'), habits)
  await writeFile(join(folder, 'names.ts'), namesScript)
  const { stdout } = await run(process.execPath, ['habits.cjs'], { cwd: folder })
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  expect(lines).toEqual([
    ['valid', []],
    ['not valid', 'The file has no parameter "sice": it has size. Did you mean "size"?'],
    ['paused', 'Paused'],
    ['Completed', 20],
    ['output', expect.any(String)],
    ['no output', 'The step "write" has no output "rows"; its output is "texts".'],
    ['logs', true, 'write is Completed.'],
    ['schedule', true, 1],
    ['lists', ['habits', 'digit_identification'], true],
  ])
})

test.skipIf(process.platform === 'win32')('docs/api.md holds, call by call', async () => {
  const text = await readFile(join(repository, 'docs/api.md'), 'utf8')
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, code = '']) => code)
  const pausing = blocks.findIndex((code) => code.includes('/pause'))
  // Nobody can run what is submitted before it is paused.
  const toldToGoOn = 'cd $MUSTER_HOME; touch paused; until [ -e go-on ]; do sleep 0.05; done'
  const parts = blocks.toSpliced(pausing, 1, `${blocks[pausing]}${toldToGoOn}`)
  const script = ['set -e', ...parts].join('\necho; echo -----\n')
  const { home } = await team.head.client.call('agent')
  const env = { ...process.env, MUSTER_HOME: home, DIGITS: join(folder, 'digits') }
  await team.workers[0]!.stop()
  const running = run('bash', ['-c', script], { cwd: folder, env })
  const paused = until('the run is paused', async () => existsSync(join(home, 'paused')))
  try {
    await Promise.race([paused, running])
  } finally {
    team.workers[0] = await office.start('ada', 1)
    await writeFile(join(home, 'go-on'), '')
  }
  const { stdout } = await running
  const said = stdout.split('\n-----\n').map((part) => part.trim())
  expect(said).toEqual([
    '',
    expect.stringMatching(/^\{"peer":"12D3Koo/),
    expect.stringMatching(/^\{"id":.*\{"peers":\[.*\{"models":\[/),
    expect.stringMatching(/^01\w{24}$/),
    '"state":"Paused"',
    '"state":"Completed"',
    expect.stringMatching(/^\{"rows":.*\}item,prediction,score\n00000\.png,7,/),
    expect.stringMatching(/^\{"code":"JobUnknown".*\{"code":"Unauthorized"/),
  ])
})

test('its types hold where it is installed', async () => {
  const source = [
    "import { Run, Workspace } from 'muster-sdk'",
    'const ws: Workspace = Workspace.local()',
    "const state: 'Completed' | string = await (await Run.get(ws, 'x')).waitForCompletion()",
    'export const words: string = state',
    '// @ts-expect-error: the name must be a text',
    'await Run.get(ws, 7)',
  ]
  await writeFile(join(folder, 'types.ts'), `${source.join('\n')}\n`)
  const tsc = [join(repository, 'tools/pinned-node.mjs'), 'tsc', '--noEmit', '--strict']
  const common = ["import { Pipeline } from 'muster-sdk'", 'export type Of = Pipeline', '']
  await writeFile(join(folder, 'common.cts'), common.join('\n'))
  const options = '--module nodenext --target esnext --lib esnext,dom --types'.split(' ')
  await run(process.execPath, [...tsc, ...options, '', 'types.ts', 'common.cts'], { cwd: folder })
})
