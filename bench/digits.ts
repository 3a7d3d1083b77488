import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { repository, startAgentProcess, untilFinal } from '../tools/agents.ts'
import type { AgentProcess } from '../tools/agents.ts'
import { writeDigits } from '../examples/mnist/digits.ts'
import { cpuSeconds, peakMemory, round, spread } from './measure.ts'
import type { Spread } from './measure.ts'
import type { BenchResult } from './run.ts'

/** More than the 10,000 test digits are those that the model was trained on. */
export const count = Number(process.env['BENCH_COUNT'] ?? 10_000)
export const split = count > 10_000 ? 'train' : 'test'
/** The first ones still warm the agent's code: with seven half of them do. */
const pairs = Number(process.env['BENCH_PAIRS'] ?? 21)
const model = join(repository, 'examples/mnist/model/mnist.onnx')

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

/** A job on one agent with two worker processes: from submit to the sealed output. */
const runMuster = async (agent: AgentProcess, digits: string, batch: number): Promise<Run> => {
  const file = join(repository, 'examples/mnist/job.yaml')
  const text = await readFile(file, 'utf8')
  const cpuBefore = cpuSeconds(agent.pid)
  const asked = Date.now()
  const { id } = await agent.client.call('submitJob', {
    body: {
      text,
      file,
      overrides: { ...anew, 'inputs.digits.path': digits, mini_batch_size: batch },
    },
  })
  const job = await untilFinal(() => agent.client, id)
  if (job.state !== 'Completed' || job.rows !== count || job.endedAt === null)
    throw new Error(`the job is ${job.state} with ${job.rows} rows: ${job.headline}`)
  // What follows the seal counts too.
  await wait(500)
  const seconds = (job.endedAt - asked) / 1_000
  const firstRowSeconds = ((job.startedAt ?? Number.NaN) - asked) / 1_000
  return { seconds, cpu: cpuSeconds(agent.pid) - cpuBefore, firstRowSeconds }
}

export const benchDigits = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'))
  const digits = join(folder, 'digits')
  await writeDigits({ folder: digits, count, split })
  const agent = await startAgentProcess({ name: 'bench', home: join(folder, 'home'), slots: 2 })
  try {
    await agent.client.call('createCluster', { body: { name: 'bench' } })
    const figures: Record<string, unknown> = {}
    for (const batch of [10, 100]) {
      const bare: Run[] = []
      const muster: Run[] = []
      // The first run starts worker processes, later ones find them warm: it is told apart.
      const first = await runMuster(agent, digits, batch)
      await runBare(folder, batch)
      for (let pair = 0; pair < pairs; pair += 1) {
        bare.push(await runBare(folder, batch))
        muster.push(await runMuster(agent, digits, batch))
      }
      const ratios = bare.map((run, i) => run.seconds / (muster[i]?.seconds ?? Infinity))
      const cpuRatios = bare.map((run, i) => run.cpu / (muster[i]?.cpu ?? Infinity))
      figures[`ratio${batch}`] = spread(ratios).median
      figures[`cpuRatio${batch}`] = spread(cpuRatios).median
      figures[`spread${batch}`] = {
        ratio: spread(ratios),
        cpuRatio: spread(cpuRatios),
        first,
        bareImagesPerSecond: perSecond(bare),
        musterImagesPerSecond: perSecond(muster),
        bareCpuSeconds: spread(bare.map((run) => run.cpu)),
        musterCpuSeconds: spread(muster.map((run) => run.cpu)),
        firstRowSeconds: spread(muster.map((run) => run.firstRowSeconds ?? Number.NaN)),
      }
      console.error(`batch ${batch}: ${JSON.stringify(figures[`spread${batch}`])}`)
    }
    return { bench: 'digits', count, pairs, ...figures, agentPeakMb: peakMemory(agent.pid) }
  } finally {
    await agent.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

export const perSecond = (runs: readonly Run[]): Spread =>
  spread(runs.map((run) => round(count / run.seconds)))
