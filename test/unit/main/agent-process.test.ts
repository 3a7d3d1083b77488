import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startControlFixture } from '#test/support/control-fixture.ts'
import { keepAgentRunning } from '../../../main/agent-process.ts'
import type { AgentProcess, AgentState } from '../../../main/agent-process.ts'
import { signInUrl } from '../../../main/find-agent.ts'

const entry = join(import.meta.dirname, 'stand-in-agent.ts')
let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-shell-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(home, { recursive: true, force: true })
})

/** A kept agent and all states it told, with a wait for the next one of a kind. */
const keep = (options: { restartMs?: number; node?: string } = {}) => {
  const states: AgentState[] = []
  const waiters: (() => void)[] = []
  const agent: AgentProcess = keepAgentRunning({
    node: options.node ?? process.execPath,
    entry,
    home,
    restartMs: options.restartMs ?? 10,
    onState: (state) => {
      states.push(state)
      for (const wake of waiters.splice(0)) wake()
    },
  })
  const next = async <Kind extends AgentState['kind']>(kind: Kind, count = 1) => {
    for (;;) {
      const found = states.filter((state) => state.kind === kind)
      if (found.length >= count) return found[count - 1] as Extract<AgentState, { kind: Kind }>
      await new Promise<void>((resolve) => waiters.push(resolve))
    }
  }
  return { agent, states, next }
}

const pidOf = async (): Promise<number> =>
  (JSON.parse(await readFile(join(home, 'control.json'), 'utf8')) as { pid: number }).pid

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('starts the agent, gets a sign-in link from it, and stops it cleanly', async () => {
  const { agent, next } = keep()
  const running = await next('running')
  expect(running.owned).toBe(true)
  const url = await signInUrl(home)
  expect(url.startsWith(`${running.webAddress}/#code=`)).toBe(true)
  const pid = await pidOf()
  await agent[Symbol.asyncDispose]()
  expect(agent.state()).toEqual({ kind: 'stopped' })
  expect(isAlive(pid)).toBe(false)
})

test('starts the agent again after kill -9 and tells why', async () => {
  const { agent, next } = keep()
  await using _ = agent
  await next('running')
  const first = await pidOf()
  process.kill(first, 'SIGKILL')
  const restarting = await next('restarting')
  expect(restarting).toMatchObject({ inMs: 10, reason: 'The agent was ended by SIGKILL.' })
  await next('running', 2)
  expect(await pidOf()).not.toBe(first)
})

test('waits twice as long after each quick death and passes on the last words', async () => {
  vi.stubEnv('MUSTER_TEST_DIES', '1')
  const { agent, states, next } = keep()
  await next('restarting', 4)
  await agent[Symbol.asyncDispose]()
  const told = states.filter((state) => state.kind === 'restarting')
  expect(told.slice(0, 4).map(({ inMs }) => inMs)).toEqual([10, 20, 40, 80])
  expect(told[0]?.reason).toBe(`The folder ${home} cannot be written; choose another with --home.`)
})

test('says so when the agent cannot be started at all', async () => {
  const { agent, next } = keep({ node: join(home, 'no-such-node') })
  await using _ = agent
  expect((await next('restarting')).reason).toMatch(/could not be started: .*ENOENT/)
})

test('uses an agent that runs already, and leaves it running', async () => {
  await using other = await startControlFixture({ home })
  const { agent, next } = keep()
  const running = await next('running')
  expect(running).toEqual({ kind: 'running', webAddress: other.server.webAddress, owned: false })
  await agent[Symbol.asyncDispose]()
  expect((await other.client.call('agent')).name).toBe('anna')
})

test('is not misled by the control file of an agent that was killed', async () => {
  const before = keep()
  await before.next('running')
  const dead = await pidOf()
  process.kill(dead, 'SIGKILL')
  await before.next('restarting')
  await before.agent[Symbol.asyncDispose]()
  const { agent, next } = keep()
  await using _ = agent
  expect((await next('running')).owned).toBe(true)
})
