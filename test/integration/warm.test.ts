import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, repository, until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import { createOffice, submitDigits } from '../support/office.ts'
import type { Office } from '../support/office.ts'

const count = 60

let office: Office
let agent: AgentProcess
let digits: string

beforeAll(async () => {
  office = await createOffice()
  agent = await office.start('alone', 1)
  await agent.client.call('createCluster', { body: { name: 'alone' } })
  digits = (await office.digits(count)).folder
})
afterAll(() => office[Symbol.asyncDispose]())

/** Process ids of the agent's living children, as Linux tells them. */
const childrenOf = (parent: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        const [state, owner] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(owner) === parent && state !== 'Z'
      } catch {
        return false
      }
    })

const runJob = async (overrides = {}): Promise<readonly number[]> => {
  const id = await submitDigits(agent, digits, { allow_reuse: false, ...overrides })
  const job = await untilFinal(() => agent.client, id)
  expect([job.state, job.rows]).toEqual(['Completed', count])
  return childrenOf(agent.pid)
}

/** Runs a job with a script, and gives the process that the job leaves behind. */
const runScript = async (overrides = {}): Promise<number> => {
  const file = join(office.folder, 'score.yaml')
  await writeFile(
    join(office.folder, 'score.ts'),
    `export const init = async (context) => { await context.session() }
     export const run = (miniBatch) => miniBatch.items.map(() => 1)`,
  )
  const model = join(repository, 'examples/mnist/model/mnist.onnx')
  const text = `name: scripted\nentry_script: score.ts\nmodel: ${model}\ninputs: { digits: ${digits} }\n`
  const { id } = await agent.client.call('submitJob', {
    body: { text, file, overrides: { allow_reuse: false, ...overrides } },
  })
  const job = await untilFinal(() => agent.client, id)
  expect([job.state, job.rows]).toEqual(['Completed', count])
  // bubblewrap and the script go soon after the seal; what stays is the runtime process.
  await expect.poll(() => childrenOf(agent.pid).map(commandOf)).toEqual([isRuntime])
  return childrenOf(agent.pid)[0] ?? 0
}

const isRuntime = expect.stringContaining('runtime-process') as string

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return 'gone'
  }
}

test.runIf(process.platform === 'linux')(
  'the runtime process behind a script serves the next script of its kind, and no other job',
  async () => {
    const first = await runScript()
    expect(await runScript({ arguments: '--other yes' })).toBe(first)
    const other = await runScript({ device: 'cpu' })
    expect(other).not.toBe(first)
    // A declared job with the same model and device is another kind too.
    const [declared, ...more] = await runJob({ device: 'cpu' })
    expect([declared === other, more.length]).toEqual([false, 0])
  },
)

/**
 * Says what it finds of a script before it, then leaves behind what it can: globals, variables, files where
 * it may write, open files, timers, tensors it never releases.
 */
const spy = `
  import { openSync, readdirSync } from 'node:fs'
  import { basename, join } from 'node:path'
  const tried = (what) => { try { return what() } catch (thrown) { return thrown.code ?? thrown.message } }
  const found = {}
  const places = () => ['.', '/tmp', process.env.TMPDIR ?? '/tmp', process.env.HOME ?? '/']
  let model
  export const init = async (context) => {
    model = await context.session()
    found.mark = globalThis.mark ?? Object.prototype.mark ?? null
    found.variables = Object.keys(process.env).filter((name) => name.startsWith('SPY')).toSorted()
    const files = () => [context.outputDirectory, ...places()].flatMap((place) =>
      tried(() => readdirSync(place).filter((name) => name.startsWith('spy-'))))
      .filter((name) => !/^(ERR_ACCESS_DENIED|ENOENT)$/.test(name))
    found.files = files()
    found.model = model.inputs.map((input) => input.name)
    globalThis.mark = Object.prototype.mark = 'here'
    process.env.SPY_LATER = 'yes'
    for (const place of [context.outputDirectory, ...places()])
      tried(() => openSync(join(place, 'spy-' + process.pid), 'w'))
    found.leaves = files().length > 0
    setInterval(() => {}, 1)
  }
  export const run = async (miniBatch, context) => {
    await context.decodeImages(miniBatch, { width: 28, height: 28, channels: 'gray' })
    return miniBatch.items.map(() => ({ ...found, environment: context.environment }))
  }
`

test.runIf(process.platform === 'linux')(
  'scripts of two submitters, two model versions and other variables see nothing of each other',
  async () => {
    const ben = await office.start(basename(office.place('ben')), 0)
    const { code } = await agent.client.call('invite', { body: { roles: ['submit'] } })
    await ben.client.call('join', { body: { code } })
    await writeFile(join(office.folder, 'spy.ts'), spy)
    for (const example of ['mnist', 'iris'])
      await agent.client.call('registerModel', {
        body: { name: 'seen', path: join(repository, `examples/${example}/model/${example}.onnx`) },
      })
    await until('ben knows both versions', async () => {
      const { models } = await ben.client.call('models')
      return models.filter(({ name }) => name === 'seen').length >= 2
    })
    const runSpy = async (by: AgentProcess, variable: string, version = 1) => {
      const text = `name: spy
entry_script: spy.ts
model: seen:${version}
environment_variables: { ${variable}: yes }
inputs: { digits: ${digits} }
run_max_try: 1
`
      const body = {
        text,
        file: join(office.folder, 'spy.yaml'),
        overrides: { allow_reuse: false },
      }
      const { id } = await by.client.call('submitJob', { body })
      const job = await untilFinal(() => by.client, id)
      expect([job.state, job.headline]).toEqual(['Completed', ''])
      await expect.poll(() => childrenOf(agent.pid).map(commandOf)).toEqual([isRuntime])
      const values = (await allRows(by.client, id)).map(({ value }) => JSON.stringify(value))
      expect(new Set(values).size).toBe(1)
      return { pid: childrenOf(agent.pid)[0], found: JSON.parse(values[0] ?? '') as unknown }
    }
    const nothing = (variable: string, model: string) => ({
      mark: null,
      variables: [variable],
      files: [],
      model: [model],
      leaves: true,
      environment: { [variable]: 'yes' },
    })
    const first = await runSpy(agent, 'SPY_A')
    const second = await runSpy(agent, 'SPY_B')
    const third = await runSpy(ben, 'SPY_C')
    const fourth = await runSpy(ben, 'SPY_D', 2)
    expect(second.pid).toBe(first.pid)
    expect(new Set([first, third, fourth].map(({ pid }) => pid)).size).toBe(3)
    const input = 'image'
    expect([first, second, third].map(({ found }) => found)).toEqual(
      ['SPY_A', 'SPY_B', 'SPY_C'].map((variable) => nothing(variable, input)),
    )
    expect(fourth.found).toEqual(nothing('SPY_D', 'flower'))
  },
)

test.runIf(process.platform === 'linux')(
  'a worker process serves the next job of its kind, and no other one',
  async () => {
    const [first, ...more] = await runJob()
    expect([first === undefined, more.length]).toEqual([false, 0])
    expect(await runJob({ mini_batch_size: 5 })).toEqual([first])
    // Another device is another kind: the slot's one process makes room.
    const [other, ...others] = await runJob({ device: 'cpu' })
    expect([other === undefined, other === first, others.length]).toEqual([false, false, 0])
    await agent.stop()
    expect(other !== undefined && childrenOf(agent.pid).includes(other)).toBe(false)
    expect(() => process.kill(other ?? 0, 0)).toThrow('ESRCH')
  },
)
