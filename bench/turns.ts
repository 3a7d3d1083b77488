import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { repository, untilFinal } from '../tools/agents.ts'
import type { AgentProcess } from '../tools/agents.ts'
import { cpuSeconds, round, spread } from './measure.ts'
import type { Spread } from './measure.ts'

/** More than the 10,000 test digits are those that the model was trained on. */
export const count = Number(process.env['BENCH_COUNT'] ?? 10_000)
export const split = count > 10_000 ? 'train' : 'test'
export const model = join(repository, 'examples/mnist/model/mnist.onnx')

/** Every run computes: otherwise the second one would take over the rows of the first. */
export const anew = { allow_reuse: false }

export interface Run {
  readonly seconds: number
  readonly cpu: number
  /** From the call to the first committed row; undefined for the bare loop. */
  readonly firstRowSeconds?: number
}

/** Two processes that share the digits between them, from their start to their end. */
export const runBare = async (folder: string, batch: number): Promise<Run> => {
  const digits = join(folder, 'digits')
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  const cpuBefore = cpuSeconds(process.pid)
  const started = performance.now()
  const children = [0, 1].map((number) =>
    spawn(
      process.execPath,
      [
        join(repository, 'bench/bare-loop-child.ts'),
        model,
        digits,
        String(batch),
        String(number),
        '2',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], env },
    ),
  )
  const counts = await Promise.all(
    children.map(async (child) => {
      let text = ''
      child.stdout.on('data', (part: Buffer) => (text += part.toString()))
      await once(child, 'close')
      return Number(text)
    }),
  )
  const seconds = (performance.now() - started) / 1_000
  const rows = counts.reduce((sum, value) => sum + value, 0)
  if (rows !== count) throw new Error(`the bare loop gave ${rows} rows`)
  return { seconds, cpu: cpuSeconds(process.pid) - cpuBefore }
}

/** What is submitted: the text of a job file, the file it would be, and what stands in place of its fields. */
export interface Submission {
  readonly text: string
  readonly file: string
  readonly overrides: Record<string, string | number | boolean>
}

/** A job on one agent with two worker processes: from submit to the sealed output. */
export const runJob = async (agent: AgentProcess, submission: Submission): Promise<Run> => {
  const cpuBefore = cpuSeconds(agent.pid)
  const asked = Date.now()
  const { id } = await agent.client.call('submitJob', { body: submission })
  const job = await untilFinal(() => agent.client, id)
  if (job.state !== 'Completed' || job.rows !== count || job.endedAt === null)
    throw new Error(`the job is ${job.state} with ${job.rows} rows: ${job.headline}`)
  // What follows the seal counts too: worker processes of a script end after it.
  await wait(500)
  const seconds = (job.endedAt - asked) / 1_000
  const firstRowSeconds = ((job.startedAt ?? Number.NaN) - asked) / 1_000
  return { seconds, cpu: cpuSeconds(agent.pid) - cpuBefore, firstRowSeconds }
}

export interface Turns {
  /** The job's first run, which starts worker processes; later ones find them warm. */
  readonly first: Run
  readonly bare: readonly Run[]
  readonly muster: readonly Run[]
}

/** Both take turns, so that they meet the same minutes of the machine; each goes once before it counts. */
export const takeTurns = async (
  pairs: number,
  runs: { readonly bare: () => Promise<Run>; readonly muster: () => Promise<Run> },
): Promise<Turns> => {
  const first = await runs.muster()
  await runs.bare()
  const bare: Run[] = []
  const muster: Run[] = []
  for (let pair = 0; pair < pairs; pair += 1) {
    bare.push(await runs.bare())
    muster.push(await runs.muster())
  }
  return { first, bare, muster }
}

/** How the turns compare: 1 is as fast, or as cheap in CPU, as the bare loop; below it is dearer. */
export const compareTurns = ({ bare, muster }: Turns) => ({
  ratio: spread(bare.map((run, i) => run.seconds / (muster[i]?.seconds ?? Infinity))),
  cpuRatio: spread(bare.map((run, i) => run.cpu / (muster[i]?.cpu ?? Infinity))),
  bareImagesPerSecond: perSecond(bare),
  musterImagesPerSecond: perSecond(muster),
  bareCpuSeconds: spread(bare.map(({ cpu }) => cpu)),
  musterCpuSeconds: spread(muster.map(({ cpu }) => cpu)),
})

const perSecond = (runs: readonly Run[]): Spread =>
  spread(runs.map((run) => round(count / run.seconds)))
