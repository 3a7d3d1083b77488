import type { JobForgotten } from './forgotten.ts'
import type { JobId, Millis, PeerId } from './ids.ts'
import type { Job } from './job.ts'
import type { PipelineRun, Schedule } from './pipeline.ts'
import type { PipelineEnded, PipelineStepSkipped } from './pipeline-records.ts'
import type { JobClosed, JobSealed, TakenOver } from './record.ts'
import type { VersionVector } from './log-position.ts'
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
  /** Of a forgotten job: how it ended, without a headline and an output. */
  readonly sealed: JobSealed | null
  /** Who wanted it forgotten, and when; left out: nobody. Then all else but numbers is gone. */
  readonly forgotten?: Forgetting
}

/** Who wanted a job forgotten, and when. */
export interface Forgetting {
  readonly by: PeerId
  readonly at: Millis
}

/** What a forgotten job still shows, in place of what its other records said. */
export const forgottenFold = (body: JobForgotten, by: PeerId) => {
  const { job, state, endedAt, sums, at } = body
  return {
    ...sums,
    halvings: 0,
    planComplete: true,
    planFailure: '',
    rows: 0,
    charged: 0,
    firstCommitAt: null,
    lastCommitAt: null,
    closed: null,
    sealed: {
      kind: 'job-sealed',
      job,
      state,
      headline: '',
      mapHash: '',
      miniBatches: sums.committed,
      rows: 0,
      succeeded: sums.itemsSucceeded,
      failed: sums.itemsFailed,
      output: '',
      at: endedAt,
    },
    forgotten: { by, at },
  } as const
}

/** The commit of a mini-batch that counts, with its sums. */
export interface CountedCommit extends CommittedRows {
  readonly succeeded: number
  readonly failed: number
  readonly rows: number
}

/** All that a seal says of the counted commits of a job. */
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
  /** Since when it is paused; null while it is not. */
  readonly pausedAt: Millis | null
  /** Highest `clock` of its `pipeline-pause-changed` records; 0: none. */
  readonly pauseClock: number
  readonly ended: PipelineEnded | null
}

/** A schedule and what the records said of it. */
export interface ScheduleFold {
  readonly schedule: Schedule
  /** Since when it is paused; null while it is not. */
  readonly pausedAt: Millis | null
  /** Highest `clock` of its `schedule-pause-changed` records; 0: none. */
  readonly pauseClock: number
}
