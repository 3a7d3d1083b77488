import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createControlClient } from '#protocol/control/client.ts'
import type { ControlClient } from '#protocol/control/client.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { muster } from './agent-bundle.mjs'

/** Real agents as child processes, for the demo, the tests and the bench: each with a home of its own. */

export const repository = join(dirname(fileURLToPath(import.meta.url)), '..')

export interface AgentSettings {
  readonly name: string
  readonly home: string
  /** Left out: as the agent's settings say. */
  readonly slots?: number
  /** More of the agent's own options. */
  readonly more?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Another agent than that of this checkout. */
  readonly program?: { readonly node: string; readonly entry: string }
}

export interface AgentProcess extends AsyncDisposable {
  readonly name: string
  readonly home: string
  readonly pid: number
  readonly peer: string
  readonly webAddress: string
  readonly token: string
  readonly client: ControlClient
  /** Resolves with the exit code, or the signal's name, when the process is gone. */
  readonly exited: Promise<number | string>
  /** `kill -9`: nothing is closed, nothing is said. */
  readonly killHard: () => Promise<void>
  /** SIGTERM; a clean stop. */
  readonly stop: () => Promise<void>
  /** What it printed on stderr so far. */
  readonly errors: () => string
}

const startMs = 30_000
const stopMs = 15_000

/** Starts an agent and waits until it says it is ready. @throws Error with its own words if it does not. */
export const startAgentProcess = async (settings: AgentSettings): Promise<AgentProcess> => {
  const { name, home } = settings
  const { node, entry } = settings.program ?? { node: process.execPath, entry: muster() }
  const child = spawn(node, [entry, ...argumentsOf(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings.env },
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-20_000)
  })
  const exited = once(child, 'exit').then(
    ([code, signal]: (number | string | null)[]) => code ?? signal ?? 'unknown',
  )
  const line = await Promise.race([
    firstLine(child),
    exited.then((how) => new Error(`agent ${name} ended (${how}): ${errors}`)),
    wait(startMs, new Error(`agent ${name} was not ready in time: ${errors}`), { ref: false }),
  ])
  if (line instanceof Error) {
    child.kill('SIGKILL')
    throw line
  }
  const ready = JSON.parse(line) as { webAddress: string; peer: string; pid: number }
  const control = JSON.parse(await readFile(join(home, 'control.json'), 'utf8')) as {
    token: string
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const how = await Promise.race([exited, wait(stopMs, 'late', { ref: false })])
    if (how !== 'late') return
    child.kill('SIGKILL')
    throw new Error(`agent ${name} did not stop in time: ${errors}`)
  }
  return {
    name,
    home,
    pid: ready.pid,
    peer: ready.peer,
    webAddress: ready.webAddress,
    token: control.token,
    client: createControlClient({ baseUrl: ready.webAddress, token: control.token }),
    exited,
    killHard: async () => {
      child.kill('SIGKILL')
      await exited
    },
    stop,
    errors: () => errors,
    [Symbol.asyncDispose]: stop,
  }
}

const argumentsOf = ({ name, home, slots, more = [] }: AgentSettings): readonly string[] => {
  const given = ['agent', '--home', home, '--name', name]
  if (slots !== undefined) given.push('--slots', String(slots))
  return [...given, '--listen', '127.0.0.1', '--no-mdns', '--json', ...more]
}

const firstLine = async (child: ChildProcess): Promise<string> => {
  if (child.stdout === null) throw new Error('no stdout')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return line
}

/** Founds a cluster at the first agent and lets the others in, each by an invitation of its own. */
export const pairAll = async (
  head: AgentProcess,
  others: readonly {
    readonly agent: AgentProcess
    readonly roles: ('admin' | 'submit' | 'work')[]
  }[],
  name = 'office',
): Promise<void> => {
  await head.client.call('createCluster', { body: { name } })
  for (const { agent, roles } of others) {
    const { code } = await head.client.call('invite', { body: { roles } })
    await agent.client.call('join', { body: { code } })
  }
  await until('every agent sees all members', async () => {
    const counts = await Promise.all(
      [head, ...others.map((one) => one.agent)].map(async ({ client }) => {
        const { peers } = await client.call('peers')
        return peers.filter((peer) => ['self', 'alive'].includes(peer.liveness)).length
      }),
    )
    return counts.every((count) => count === others.length + 1)
  })
}

/**
 * Asks again until it is true. @throws Error naming what was waited for.
 * @param what a function, where what was seen last belongs to it
 */
export const until = async (
  what: string | (() => string),
  isTrue: () => Promise<boolean>,
  limitMs = 30_000,
): Promise<void> => {
  const end = performance.now() + limitMs
  while (performance.now() < end) {
    if (await isTrue()) return
    await wait(50)
  }
  const told = typeof what === 'string' ? what : what()
  throw new Error(`waited ${limitMs} ms in vain: ${told}`)
}

export const isFinal = (job: JobView): boolean =>
  ['Completed', 'Failed', 'Canceled'].includes(job.state)

/** Follows a job at one agent until it ends; `seen` gets every state met. */
export const untilFinal = async (
  client: () => ControlClient,
  id: string,
  options: {
    readonly limitMs?: number
    readonly seen?: (job: JobView) => void | Promise<void>
  } = {},
): Promise<JobView> => {
  let last: JobView | undefined
  let problem = ''
  await until(
    () =>
      `job ${id} ends; last it was ${last === undefined ? 'never seen' : jobText(last)}${problem}`,
    async () => {
      problem = ''
      last = await client()
        .call('job', { query: { job: id } })
        .catch((thrown: unknown) => {
          problem = ` (${String(thrown)})`
          return last
        })
      if (last !== undefined) await options.seen?.(last)
      return last !== undefined && isFinal(last)
    },
    options.limitMs ?? 120_000,
  )
  if (last === undefined) throw new Error(`job ${id} was never seen`)
  return last
}

/** How a job stands, in a line for whoever reads why a test failed. */
const jobText = (job: JobView): string => {
  const { state, reason, headline, planComplete, miniBatches, committed, failed, leased } = job
  const counts = { planComplete, miniBatches, committed, failed, leased, rowsHere: job.rowsHere }
  return `${state} ${JSON.stringify({ reason, headline, ...counts })}`
}

/** All rows of a job, page by page. */
export const allRows = async (client: ControlClient, id: string) => {
  const rows = []
  let cursor: string | undefined
  do {
    const page = await client.call('results', {
      query: { job: id, limit: 1_000, ...(cursor === undefined ? {} : { cursor }) },
    })
    rows.push(...page.rows)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return rows
}
