import type { Millis, PipelineId, ScheduleId } from './ids.ts'
import type { EndState } from './job.ts'
import type { PipelineRun, Schedule } from './pipeline.ts'

/** Records that speak of pipeline runs and schedules. */

/** What the submitter of a pipeline run wrote down of it before anything ran. */
export interface PipelineSubmitted {
  readonly kind: 'pipeline-submitted'
  readonly run: PipelineRun
}

/** No job came of a step: it could not be submitted, or what it waits for failed. */
export interface PipelineStepSkipped {
  readonly kind: 'pipeline-step-skipped'
  readonly pipeline: PipelineId
  readonly step: string
  readonly state: 'Failed' | 'Canceled'
  /** One sentence. */
  readonly reason: string
  readonly at: Millis
}

/** Somebody wants a pipeline run canceled: its jobs are, and no further step starts. */
export interface PipelineCancelRequested {
  readonly kind: 'pipeline-cancel-requested'
  readonly pipeline: PipelineId
  readonly at: Millis
}

/**
 * Somebody paused a pipeline run or let it go on: while it is paused its submitter starts no further step.
 * Its jobs are paused by their own records. `clock` as in `job-pause-changed`, by the run.
 */
export interface PipelinePauseChanged {
  readonly kind: 'pipeline-pause-changed'
  readonly pipeline: PipelineId
  readonly paused: boolean
  readonly clock: number
  readonly at: Millis
}

/** The submitter's last word on a run: all of its steps are over. */
export interface PipelineEnded {
  readonly kind: 'pipeline-ended'
  readonly pipeline: PipelineId
  readonly state: EndState
  /** Which step failed, in one sentence; empty when none did. Its cause stands with its job. */
  readonly headline: string
  readonly at: Millis
}

/** Takes the place of an earlier schedule of the same submitter and name. */
export interface ScheduleSet {
  readonly kind: 'schedule-set'
  readonly schedule: Schedule
}

/** The submitter of a schedule ended it. */
export interface ScheduleRemoved {
  readonly kind: 'schedule-removed'
  readonly schedule: ScheduleId
  readonly at: Millis
}

/**
 * The submitter of a schedule paused it or let it go on; while it is paused it starts no runs. `clock` as in
 * `job-pause-changed`, by the schedule.
 */
export interface SchedulePauseChanged {
  readonly kind: 'schedule-pause-changed'
  readonly schedule: ScheduleId
  readonly paused: boolean
  readonly clock: number
  readonly at: Millis
}
