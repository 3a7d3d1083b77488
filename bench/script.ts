import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { repository, startAgentProcess } from '../tools/agents.ts'
import { writeDigits } from '../examples/mnist/digits.ts'
import type { BenchResult } from './measure.ts'
import { anew, compareTurns, count, model, runBare, runJob, split, takeTurns } from './turns.ts'

/**
 * What an entry script costs: a job with a script on one agent with two worker processes, against the bare
 * loop of two processes. `batched` hands a whole mini-batch to the model, `oneByOne` each picture alone;
 * each is held against the bare loop that does the same.
 */
const pairs = Number(process.env['BENCH_PAIRS'] ?? 7)
const batch = 100

const options = `{ width: 28, height: 28, channels: 'gray', scale: 1 / 255 }`
const start = `let model\nexport const init = async (context) => { model = await context.session() }\n`
const scripts = {
  batched: `${start}export const run = async (miniBatch, context) => {
    const { logits } = await model.run(await context.decodeImages(miniBatch, ${options}))
    return logits.argmax()
  }`,
  oneByOne: `${start}export const run = async (miniBatch, context) => {
    const rows = []
    for (const item of miniBatch) {
      const { logits } = await model.run(await context.decodeImages(item, ${options}))
      rows.push((await logits.argmax())[0])
    }
    return rows
  }`,
} as const

export const benchScript = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'))
  const digits = join(folder, 'digits')
  await writeDigits({ folder: digits, count, split })
  const agent = await startAgentProcess({ name: 'bench', home: join(folder, 'home'), slots: 2 })
  try {
    await agent.client.call('createCluster', { body: { name: 'bench' } })
    const figures: Record<string, unknown> = {}
    for (const name of ['batched', 'oneByOne'] as const) {
      const script = join(folder, `${name}.ts`)
      await writeFile(script, scripts[name])
      const text = `name: bench\nentry_script: ${script}\nmodel: ${model}\ninputs: { digits: ${digits} }\nmini_batch_size: ${batch}\n`
      const file = join(repository, 'bench/script.yaml')
      const turns = await takeTurns(pairs, {
        bare: () => runBare(folder, name === 'batched' ? batch : 1),
        muster: () => runJob(agent, { text, file, overrides: anew }),
      })
      const compared = compareTurns(turns)
      figures[`${name}Ratio`] = compared.ratio.median
      figures[`${name}CpuRatio`] = compared.cpuRatio.median
      figures[`${name}Spread`] = compared
      console.error(`${name}: ${JSON.stringify(compared)}`)
    }
    return { bench: 'script', count, batch, pairs, ...figures }
  } finally {
    await agent.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
