import type { Blobs } from '#agent/ports/blobs.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { GivenValues, JobFileReader, KnownData } from '#agent/ports/job-file.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Random } from '#agent/ports/random.ts'
import type { Views } from '#agent/ports/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold, PipelineFold, ScheduleFold } from '#protocol/model/fold.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PipelineRun, RunOrigin, Schedule } from '#protocol/model/pipeline.ts'
import type { Result } from '#protocol/model/result.ts'
import type { FailedItems } from './failed-items.ts'
import type { Changes } from './resubmit.ts'
import type { RunJobs } from './run-jobs.ts'
import type { Submitting } from '../submit/submit.ts'

/** Submits runs: pipelines, single jobs, and earlier ones again. */
export interface Runs {
  /** A file with a schedule is not run but scheduled, unless `now` is asked for. */
  readonly submit: (wish: RunWish, signal: AbortSignal) => Promise<Result<Submitted, MusterError>>
  /** The same file with other parameters or fields; scripts and model versions stay what they were. */
  readonly resubmit: (
    run: PipelineRun,
    wish: RunAgainWish,
    signal: AbortSignal,
  ) => Promise<Result<SubmittedRun, MusterError>>
  /** One job with some fields changed, checked like a job file. Only where the job's data is. */
  readonly resubmitJob: (
    job: Job,
    wish: { readonly changes: Changes; readonly submissionId?: string },
    signal: AbortSignal,
  ) => Promise<Result<Job, MusterError>>
  /** Only the items of a job that failed. */
  readonly retryFailed: (
    fold: JobFold,
    submissionId: string | undefined,
    signal: AbortSignal,
  ) => Promise<Result<Retry, MusterError>>
  readonly cancel: (fold: PipelineFold) => Promise<Result<void, MusterError>>
  /** Pauses a run with its jobs, or lets both go on. */
  readonly pause: (fold: PipelineFold, paused: boolean) => Promise<Result<void, MusterError>>
  readonly pauseSchedule: (
    fold: ScheduleFold,
    paused: boolean,
  ) => Promise<Result<void, MusterError>>
  readonly removeSchedule: (schedule: Schedule) => Promise<Result<void, MusterError>>
}

export interface RunWish {
  readonly text: string
  readonly file: string
  readonly overrides: GivenValues['overrides']
  readonly parameters: GivenValues['parameters']
  /** Compute everything anew. */
  readonly regenerate?: boolean
  /** Run once, whatever schedule the file has. */
  readonly now?: boolean
  readonly origin?: RunOrigin
  /** The asker can be told of one job only: anything else is refused. */
  readonly single?: boolean
  /** The same id twice gives the same run. */
  readonly submissionId?: string
}

export interface RunAgainWish extends Pick<
  RunWish,
  'overrides' | 'parameters' | 'regenerate' | 'submissionId'
> {}

export interface SubmittedRun {
  readonly kind: 'run'
  readonly run: PipelineRun
  /** Jobs of the steps that start at once. */
  readonly jobs: readonly Job[]
}

export interface NewSchedule {
  readonly kind: 'schedule'
  readonly schedule: Schedule
}

export type Submitted = (SubmittedRun | NewSchedule) & {
  /** Sentences about what was accepted but has no effect here, with their place. */
  readonly warnings: readonly string[]
}

export interface Retry extends FailedItems {
  readonly job: Job
}

export interface RunsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly ledger: Ledger
  readonly views: Views
  readonly blobs: Blobs
  readonly jobFiles: JobFileReader
  /** What files may name: registered datastores and datasets. */
  readonly known: () => Promise<KnownData>
  readonly submitting: Submitting
  readonly runJobs: RunJobs
  readonly rolesOf: (peer: PeerId) => readonly string[]
  readonly nameOf: (peer: PeerId) => string
  /** Why a trigger can never be due; undefined for a good one. */
  readonly scheduleProblem: (schedule: Schedule) => string | undefined
}
