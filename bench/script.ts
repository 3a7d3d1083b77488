import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { repository, startAgentProcess, untilFinal } from '../tools/agents.ts'
import type { AgentProcess } from '../tools/agents.ts'
import { writeDigits } from '../examples/mnist/digits.ts'
import { anew, count, perSecond, runBare, split } from './digits.ts'
import type { Run } from './digits.ts'
import { cpuSeconds, spread } from './measure.ts'
import type { BenchResult } from './run.ts'

/**
 * What an entry script costs: a job with a script on one agent with two worker processes, against the bare
 * loop of two processes. `batched` hands a whole mini-batch to the model, `oneByOne` each picture alone;
 * each is held against the bare loop that does the same.
 */
const pairs = Number(process.env['BENCH_PAIRS'] ?? 7)
const batch = 100
const model = join(repository, 'examples/mnist/model/mnist.onnx')

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

const runScript = async (agent: AgentProcess, file: string, digits: string): Promise<Run> => {
  const text = `name: bench\nentry_script: ${file}\nmodel: ${model}\ninputs: { digits: ${digits} }\nmini_batch_size: ${batch}\n`
  const cpuBefore = cpuSeconds(agent.pid)
  const asked = Date.now()
  const { id } = await agent.client.call('submitJob', {
    body: { text, file: join(repository, 'bench/script.yaml'), overrides: anew },
  })
  const job = await untilFinal(() => agent.client, id)
  if (job.state !== 'Completed' || job.rows !== count || job.endedAt === null)
    throw new Error(`the job is ${job.state} with ${job.rows} rows: ${job.headline}`)
  // Worker processes end after the seal, and that counts too.
  await wait(500)
  return { seconds: (job.endedAt - asked) / 1_000, cpu: cpuSeconds(agent.pid) - cpuBefore }
}

export const benchScript = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'))
  const digits = join(folder, 'digits')
  await writeDigits({ folder: digits, count, split })
  const agent = await startAgentProcess({ name: 'bench', home: join(folder, 'home'), slots: 2 })
  try {
    await agent.client.call('createCluster', { body: { name: 'bench' } })
    const figures: Record<string, unknown> = {}
    for (const name of ['batched', 'oneByOne'] as const) {
      const file = join(folder, `${name}.ts`)
      await writeFile(file, scripts[name])
      const bareBatch = name === 'batched' ? batch : 1
      const bare: Run[] = []
      const muster: Run[] = []
      await runScript(agent, file, digits)
      await runBare(folder, bareBatch)
      for (let pair = 0; pair < pairs; pair += 1) {
        bare.push(await runBare(folder, bareBatch))
        muster.push(await runScript(agent, file, digits))
      }
      const ratios = bare.map((run, i) => run.seconds / (muster[i]?.seconds ?? Infinity))
      const cpuRatios = bare.map((run, i) => run.cpu / (muster[i]?.cpu ?? Infinity))
      figures[`${name}Ratio`] = spread(ratios).median
      figures[`${name}CpuRatio`] = spread(cpuRatios).median
      figures[`${name}Spread`] = {
        ratio: spread(ratios),
        cpuRatio: spread(cpuRatios),
        bareImagesPerSecond: perSecond(bare),
        musterImagesPerSecond: perSecond(muster),
      }
      console.error(`${name}: ${JSON.stringify(figures[`${name}Spread`])}`)
    }
    return { bench: 'script', count, batch, pairs, ...figures }
  } finally {
    await agent.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
