import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { encodeGreyPng } from '../examples/mnist/digits.ts'
import { pairAll, startAgentProcess, untilFinal } from '../tools/agents.ts'
import { writeConstantModel } from '../test/support/models.ts'
import { cpuSeconds, peakMemory, spread } from './measure.ts'
import type { BenchResult } from './measure.ts'

const count = Number(process.env['BENCH_COUNT'] ?? 20_000)
const rounds = Number(process.env['BENCH_PAIRS'] ?? 3)

/**
 * What one mini-batch costs when the work itself costs nothing: two agents over libp2p, one pixel an item,
 * one item a mini-batch, a worker process really called, every commit fsynced before it is acknowledged.
 */
export const benchDispatch = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-dispatch-'))
  const items = join(folder, 'items')
  await mkdir(items)
  const pixel = encodeGreyPng(new Uint8Array([128]), 1, 1)
  for (let i = 0; i < count; i += 1)
    await writeFile(join(items, `${String(i).padStart(6, '0')}.png`), pixel)
  await writeConstantModel(join(folder, 'constant.onnx'))
  const file = join(folder, 'job.yaml')
  const text = jobText(items)
  // Both agents are of one user, who could open the items in place: here they go over the network.
  const more = ['--no-in-place']
  const at = (name: string) => ({ name, home: join(folder, name), more })
  const head = await startAgentProcess({ ...at('head'), slots: 0 })
  const worker = await startAgentProcess({ ...at('worker'), slots: 1 })
  try {
    await pairAll(head, [{ agent: worker, roles: ['work'] }])
    const speeds: number[] = []
    const cpus = { head: [] as number[], worker: [] as number[] }
    for (let round = 0; round <= rounds; round += 1) {
      const cpuBefore = { head: cpuSeconds(head.pid), worker: cpuSeconds(worker.pid) }
      const { id } = await head.client.call('submitJob', {
        body: { text, file, overrides: { allow_reuse: false } },
      })
      const job = await untilFinal(() => head.client, id)
      if (job.state !== 'Completed' || job.rows !== count)
        throw new Error(`the job is ${job.state} with ${job.rows} rows: ${job.headline}`)
      if (round === 0) continue
      const seconds = ((job.endedAt ?? 0) - (job.startedAt ?? 0)) / 1_000
      speeds.push(count / seconds)
      cpus.head.push(((cpuSeconds(head.pid) - cpuBefore.head) * 1_000_000) / count)
      cpus.worker.push(((cpuSeconds(worker.pid) - cpuBefore.worker) * 1_000_000) / count)
    }
    return {
      bench: 'dispatch',
      count,
      perSecond: spread(speeds).median,
      spread: spread(speeds),
      headCpuMicroseconds: spread(cpus.head),
      // The worker's agent without its worker process.
      workerCpuMicroseconds: spread(cpus.worker),
      headPeakMb: peakMemory(head.pid),
    }
  } finally {
    await Promise.allSettled([worker.stop(), head.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}

const jobText = (items: string): string => `
name: dispatch
runtime: onnx
model: ./constant.onnx
inputs:
  items: { path: ${JSON.stringify(items)}, pattern: "*.png" }
mini_batch_size: 1
allow_reuse: false
preprocess: { decode: image, width: 1, height: 1, channels: gray, layout: NCHW, dtype: float32, scale: 1 }
postprocess: { kind: raw }
append_row_file_name: rows.jsonl
`
