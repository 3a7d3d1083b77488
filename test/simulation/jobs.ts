import type { PlanChunkFact } from '#agent/scheduler/state.ts'
import { asJobId, type JobId, type PeerId } from '#protocol/model/ids.ts'
import type { Job, JobSpecBase } from '#protocol/model/job.ts'
import type { SeededRandom } from './random.ts'

/** A job with its plan, and what its mini-batches do to those who run them. */
export interface SimulatedJob {
  readonly job: Job
  readonly chunks: readonly PlanChunkFact[]
  readonly miniBatches: number
  readonly items: number
  /** Mini-batches that throw on every machine. */
  readonly poison: ReadonlySet<number>
  /** Items that kill every process that gets them. */
  readonly deadly: readonly number[]
  /** Milliseconds one item takes on a machine of speed 1. */
  readonly msPerItem: number
  /** Chances of one run: that it throws, kills its process, hangs for ever. */
  readonly throws: number
  readonly kills: number
  readonly hangs: number
  /** Rows of several mini-batches in one run cannot be told apart. */
  readonly unsure: boolean
}

export const jobId = (number: number): JobId => asJobId(`job${String(number).padStart(23, '0')}`)

export const createJob = (id: JobId, dataPeer: PeerId, spec: Partial<JobSpecBase> = {}): Job => ({
  id,
  submitter: dataPeer,
  dataPeer,
  keeper: dataPeer,
  submittedAt: 1_000_000,
  spec: {
    name: 'digits',
    description: '',
    tags: {},
    runtime: 'onnx',
    model: { name: 'digits', version: 1, files: [] },
    inputs: [{ kind: 'files', name: 'images', root: '/data', patterns: ['**'] }],
    sideInputs: [],
    miniBatchSize: { kind: 'items', items: 10 },
    partitionKeys: [],
    errorThreshold: -1,
    miniBatchErrorThreshold: -1,
    runLimitMs: 4_000,
    maxAttempts: 3,
    outputAction: 'append_row',
    outputFileName: 'parallel_run_step.txt',
    loggingLevel: 'INFO',
    device: 'cpu',
    preprocess: {
      decode: 'image',
      width: 28,
      height: 28,
      fit: 'stretch',
      channels: 'gray',
      layout: 'NCHW',
      dtype: 'float32',
      scale: 1 / 255,
      mean: [0],
      std: [1],
    },
    postprocess: [{ kind: 'argmax', softmax: false, k: 1, labels: [] }],
    inPlace: false,
    ...spec,
  },
})

/** Cuts `miniBatches` mini-batches of 1 to 10 items into plan chunks. */
export const createPlan = (
  job: JobId,
  miniBatches: number,
  perChunk: number,
  random: SeededRandom,
): { readonly chunks: readonly PlanChunkFact[]; readonly items: number } => {
  const chunks: PlanChunkFact[] = []
  let firstItem = 0
  for (let firstMiniBatch = 0; firstMiniBatch < miniBatches; firstMiniBatch += perChunk) {
    const count = Math.min(perChunk, miniBatches - firstMiniBatch)
    const tail = Math.min(count, random.between(0, 2))
    const runs = [
      { count: count - tail, items: 10 },
      ...Array.from({ length: tail }, () => ({ count: 1, items: random.between(1, 9) })),
    ].filter((run) => run.count > 0)
    chunks.push({
      kind: 'planChunkAdded',
      job,
      chunk: chunks.length,
      firstItem,
      firstMiniBatch,
      runs,
      last: firstMiniBatch + perChunk >= miniBatches,
    })
    firstItem += runs.reduce((sum, run) => sum + run.count * run.items, 0)
  }
  return { chunks, items: firstItem }
}
