import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { repository, startAgentProcess } from '../tools/agents.ts'
import { writeDigits } from '../examples/mnist/digits.ts'
import { peakMemory, spread } from './measure.ts'
import type { BenchResult } from './measure.ts'
import { anew, compareTurns, count, runBare, runJob, split, takeTurns } from './turns.ts'

/** The first ones still warm the agent's code: with seven half of them do. */
const pairs = Number(process.env['BENCH_PAIRS'] ?? 21)

/** What a declared job costs: real digits on one agent with two worker processes, against a bare loop. */
export const benchDigits = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'))
  const digits = join(folder, 'digits')
  await writeDigits({ folder: digits, count, split })
  const agent = await startAgentProcess({ name: 'bench', home: join(folder, 'home'), slots: 2 })
  try {
    await agent.client.call('createCluster', { body: { name: 'bench' } })
    const file = join(repository, 'examples/mnist/job.yaml')
    const text = await readFile(file, 'utf8')
    const figures: Record<string, unknown> = {}
    for (const batch of [10, 100]) {
      const overrides = { ...anew, 'inputs.digits.path': digits, mini_batch_size: batch }
      const turns = await takeTurns(pairs, {
        bare: () => runBare(folder, batch),
        muster: () => runJob(agent, { text, file, overrides }),
      })
      const compared = compareTurns(turns)
      const firstRowSeconds = spread(turns.muster.map((run) => run.firstRowSeconds ?? Number.NaN))
      figures[`ratio${batch}`] = compared.ratio.median
      figures[`cpuRatio${batch}`] = compared.cpuRatio.median
      figures[`spread${batch}`] = { first: turns.first, ...compared, firstRowSeconds }
      console.error(`batch ${batch}: ${JSON.stringify(figures[`spread${batch}`])}`)
    }
    return { bench: 'digits', count, pairs, ...figures, agentPeakMb: peakMemory(agent.pid) }
  } finally {
    await agent.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
