import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { repository, startAgentProcess, untilFinal } from '../tools/agents.ts'
import { writeDigits } from '../examples/mnist/digits.ts'
import { spread } from './measure.ts'
import type { BenchResult } from './measure.ts'
import { anew } from './turns.ts'

const count = Number(process.env['BENCH_COUNT'] ?? 10_000)
const rounds = Number(process.env['BENCH_PAIRS'] ?? 5)

/**
 * How long the event loop of an agent under full load keeps others waiting: it is data's peer, head, worker
 * with two processes and keeper at once, from submit to the sealed output.
 */
export const benchLoopDelay = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-loop-'))
  const digits = join(folder, 'digits')
  await writeDigits({ folder: digits, count })
  const env = { MUSTER_DEBUG: '1' }
  const agent = await startAgentProcess({ name: 'loop', home: join(folder, 'home'), slots: 2, env })
  try {
    await agent.client.call('createCluster', { body: { name: 'loop' } })
    const file = join(repository, 'examples/mnist/job.yaml')
    const text = await readFile(file, 'utf8')
    const figures: Awaited<ReturnType<typeof agent.client.call<'loopDelay'>>>[] = []
    for (let round = 0; round <= rounds; round += 1) {
      await agent.client.call('loopDelay')
      const { id } = await agent.client.call('submitJob', {
        body: {
          text,
          file,
          overrides: { ...anew, 'inputs.digits.path': digits, mini_batch_size: 10 },
        },
      })
      const job = await untilFinal(() => agent.client, id)
      const delay = await agent.client.call('loopDelay')
      if (job.state !== 'Completed' || job.rows !== count)
        throw new Error(`the job is ${job.state} with ${job.rows} rows: ${job.headline}`)
      if (round > 0) figures.push(delay)
    }
    return {
      bench: 'loop-delay',
      count,
      rounds,
      p99Ms: spread(figures.map(({ p99Ms }) => p99Ms)).median,
      spread: spread(figures.map(({ p99Ms }) => p99Ms)),
      p50Ms: spread(figures.map(({ p50Ms }) => p50Ms)),
      maxMs: spread(figures.map(({ maxMs }) => maxMs)),
    }
  } finally {
    await agent.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
