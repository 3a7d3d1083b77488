import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository, untilFinal } from '../../tools/agents.ts'
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
