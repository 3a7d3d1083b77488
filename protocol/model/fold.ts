import type { JobId, Millis } from './ids.ts'
import type { Job } from './job.ts'
import type { PipelineRun } from './pipeline.ts'
import type {
  JobClosed,
  JobSealed,
  PipelineEnded,
  PipelineStepSkipped,
  TakenOver,
  VersionVector,
} from './record.ts'
import type { CommittedRows } from './rows.ts'

/** A job and everything the records said of it, summed up. */
export interface JobFold {
  readonly job: Job
  readonly items: number
  /** Of the plan; each halving adds one, since two halves stand for one. */
  readonly miniBatches: number
  /** Mini-batches that run in halves. */
  readonly halvings: number
  readonly planComplete: boolean
  readonly planFailure: string
  /** Mini-batches taken over from an earlier job, and which; undefined: none. */
  readonly taken?: TakenOver
  /** Why rows were taken over or not, one sentence; undefined: it was not told. */
  readonly reuse?: string
  readonly committed: number
  readonly itemsSucceeded: number
  /** Failed items inside counted commits plus all items of failed mini-batches. */
  readonly itemsFailed: number
  readonly rows: number
  readonly rowsHere: number
  readonly failedMiniBatches: number
  readonly charged: number
  readonly firstCommitAt: Millis | null
  readonly lastCommitAt: Millis | null
  readonly cancelRequestedAt: Millis | null
  /** Since when it is paused; null while it is not. */
  readonly pausedAt: Millis | null
  /** Highest `clock` of its `job-pause-changed` records; 0: none. */
  readonly pauseClock: number
  readonly closed: JobClosed | null
  readonly sealed: JobSealed | null
}

export interface CountedCommit extends CommittedRows {
  readonly succeeded: number
  readonly failed: number
  readonly rows: number
}

export interface SealFacts {
  readonly mapHash: string
  readonly miniBatches: number
  readonly rows: number
  readonly succeeded: number
  readonly failed: number
  /** How far the logs that speak of the job had been read: goes into the seal as `JobSealed.upTo`. */
  readonly upTo: VersionVector
}

/** A pipeline run and what the records said of it. */
export interface PipelineFold {
  readonly run: PipelineRun
  /** Jobs of its steps, in the order of their submission. */
  readonly jobs: readonly JobId[]
  readonly skipped: readonly PipelineStepSkipped[]
  readonly cancelRequestedAt: Millis | null
  readonly ended: PipelineEnded | null
}
