import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { writeDigits } from '../../examples/mnist/digits.ts'
import { pairAll, repository, startAgentProcess } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'

/** A small office of real agents in a folder of its own, taken down whatever happens. */
export interface Office extends AsyncDisposable {
  readonly folder: string
  /** A path in the folder, another one at each call: a test that is tried again meets nothing of the first time. */
  readonly place: (name: string) => string
  /** Starts an agent, or starts a killed one again on its home. */
  readonly start: (
    name: string,
    slots: number | undefined,
    more?: readonly string[],
  ) => Promise<AgentProcess>
  /** Real digits as PNG files; `labels[i]` belongs to item i. */
  readonly digits: (
    count: number,
    name?: string,
  ) => Promise<{ readonly folder: string; readonly labels: readonly number[] }>
}

/** Folders of the offices of this test file. */
const open = new Set<string>()

/** What agents complained of, for whoever has no more of a failed test than its output. */
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const folder of open)
    for (const name of await readdir(folder)) {
      const log = await readFile(join(folder, name, 'logs', 'agent.log'), 'utf8').catch(() => '')
      const complaints = log.split('\n').filter((line) => /^\{"level":[4-6]0,/.test(line))
      if (complaints.length > 0)
        console.error([`What ${name} complained of:`, ...complaints.slice(-20)].join('\n'))
    }
})

export const createOffice = async (): Promise<Office> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-office-'))
  open.add(folder)
  const running = new Set<AgentProcess>()
  const places = new Map<string, number>()
  return {
    folder,
    place: (name) => {
      const count = (places.get(name) ?? 0) + 1
      places.set(name, count)
      return join(folder, count === 1 ? name : `${name}-${count}`)
    },
    start: async (name, slots, more = []) => {
      const agent = await startAgentProcess({
        name,
        home: join(folder, name),
        more,
        ...(slots === undefined ? {} : { slots }),
      })
      running.add(agent)
      void agent.exited.then(() => running.delete(agent))
      return agent
    },
    digits: async (count, name = 'digits') => {
      const target = join(folder, name)
      const { labels } = await writeDigits({ folder: target, count })
      return { folder: target, labels }
    },
    [Symbol.asyncDispose]: async () => {
      const ends = await Promise.allSettled([...running].map((agent) => agent.stop()))
      for (const end of ends) if (end.status === 'rejected') console.error(end.reason)
      open.delete(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface Team {
  head: AgentProcess
  keeper: AgentProcess
  workers: AgentProcess[]
}

/** A head and a submitter without slots, and workers with one slot each, all paired. */
export const startTeam = async (office: Office, workerNames: readonly string[]): Promise<Team> => {
  const [head, keeper, ...workers] = await Promise.all([
    office.start('head', 0),
    office.start('keeper', 0),
    ...workerNames.map((name) => office.start(name, 1)),
  ])
  await pairAll(head, [
    { agent: keeper, roles: ['submit'] },
    ...workers.map((agent) => ({ agent, roles: ['work' as const] })),
  ])
  return { head, keeper, workers }
}

export const mnistJobFile = join(repository, 'examples/mnist/job.yaml')

/** Submits the digits example over a folder; gives the job's id. */
export const submitDigits = async (
  agent: AgentProcess,
  digits: string,
  overrides: Readonly<Record<string, string | number | boolean>> = {},
): Promise<string> => {
  const { id } = await agent.client.call('submitJob', {
    body: {
      text: await readFile(mnistJobFile, 'utf8'),
      file: mnistJobFile,
      // What is tested is the work, so none is taken over from a job before.
      overrides: { 'inputs.digits.path': digits, allow_reuse: false, ...overrides },
    },
  })
  return id
}

/** The error a call ends with, or undefined if it succeeds. */
export const errorOf = async (
  call: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string } | undefined> => {
  try {
    await call
    return undefined
  } catch (thrown) {
    if (thrown instanceof Error && 'error' in thrown)
      return thrown.error as { code: string; message: string }
    throw thrown
  }
}
