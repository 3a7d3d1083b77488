import type { PlanChunkFact } from '#agent/scheduler/state.ts'
import { asJobId, type JobId, type PeerId } from '#protocol/model/ids.ts'
import type { Job, JobSpecBase } from '#protocol/model/job.ts'
import { digitsSpec } from '#test/support/job-specs.ts'
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
  /** Chance that the items of one lease never come; only for jobs that limit it. */
  readonly stuckLoads: number
  /** Milliseconds until the first chunk of its plan is written. */
  readonly listingMs: number
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
  spec: { ...digitsSpec({ runLimitMs: 4_000, inPlace: false }), ...spec },
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
