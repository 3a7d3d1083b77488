import type { JobId, Millis, PeerId, PipelineId, ScheduleId } from './ids.ts'
import type { EndState, JobSpec, JobState } from './job.ts'

/**
 * A pipeline run groups jobs: one for each step. Its record says all that the steps will do; the job of a
 * step is recorded only when the step may start, since only then it is known where its input lies. A job
 * file that gives a single job is a pipeline run with one step.
 */

/** A parameter's value. `"1"` and `1` mean the same; data is a path. */
export type ParameterValue = string | number | boolean

/** What a run was started from, for people and for resubmits. */
export type RunOrigin =
  /** A person or a program submitted a file. */
  | { readonly kind: 'submitted' }
  | { readonly kind: 'resubmitted'; readonly pipeline: PipelineId }
  /** Only the failed items of an earlier job. */
  | { readonly kind: 'failed-items'; readonly job: JobId }
  | { readonly kind: 'scheduled'; readonly schedule: ScheduleId; readonly dueAt: Millis }

/** The file a run was made from, kept so that it can be read again with other values. */
export interface PipelineSource {
  /** The YAML as it was submitted. */
  readonly text: string
  /** Its absolute path; relative paths in the text start at its folder. */
  readonly file: string
  /** Fields set beside the file, by dotted names: `steps.sort.mini_batch_size`. */
  readonly overrides: Readonly<Record<string, ParameterValue>>
}

/** The output of one step is the input of another. */
export interface StepWire {
  /** Name of the input that is filled. */
  readonly input: string
  readonly step: string
  /** It is a side input: the output is whole on every machine. Undefined: an input that is split. */
  readonly side?: true
}

/** One step of a run, as it was submitted. */
export interface PipelineStep {
  /** 3 to 32 characters, `^[a-z]([-a-z0-9]*[a-z0-9])?$`, unique in its run. */
  readonly name: string
  /** Complete but for where a wired input lies: its `root` is empty until the step starts. */
  readonly spec: JobSpec
  /** One for each input and side input that is the output of another step. */
  readonly wires: readonly StepWire[]
  /** Steps that must have ended before, besides those it is wired to. */
  readonly after: readonly string[]
  /** Name of its output, by which other steps and people refer to it. */
  readonly output: string
  /** Take over what an earlier job computed from the same things. */
  readonly allowReuse: boolean
  /** The machine that holds its inputs, if it is another than the submitter's. */
  readonly dataPeer?: PeerId
}

/** A pipeline run as its submitter signed it. */
export interface PipelineRun {
  readonly id: PipelineId
  readonly name: string
  /** Name under which runs are kept and compared; the run's own name unless one was given. */
  readonly experiment: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  /** Every parameter with the value it had in this run. */
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly continueOnStepFailure: boolean
  /** Compute everything anew, whatever `allowReuse` says. */
  readonly regenerateOutputs: boolean
  readonly steps: readonly PipelineStep[]
  readonly source: PipelineSource
  readonly origin: RunOrigin
  readonly submitter: PeerId
  readonly submittedAt: Millis
}

/** A run's state is put together from the states of its steps, with the same words. */
export type PipelineState = JobState

/** What somebody wants of a run: that it be canceled counts more than that it be paused. */
export type RunOrder = 'go' | 'pause' | 'cancel'

/** What is known of a step. */
export type StepProgress =
  /** Nothing is recorded of it. */
  | { readonly kind: 'open' }
  /** Its job has no seal yet. */
  | { readonly kind: 'running'; readonly state: JobState }
  /** Its job is sealed, or there will be none. `headline`: the first cause, or empty. */
  | { readonly kind: 'ended'; readonly state: EndState; readonly headline: string }

/** What starts runs of a schedule: a time, or a change in a folder. */
export type ScheduleTrigger =
  | {
      readonly kind: 'cron'
      /** Five or six fields: minute, hour, day, month, weekday; seconds may stand before them. */
      readonly expression: string
      /** IANA name such as `Europe/Vienna`; undefined: that of the submitter's machine. */
      readonly timezone?: string
    }
  | {
      readonly kind: 'folder'
      /** Absolute path on the submitter's machine. */
      readonly path: string
      readonly patterns: readonly string[]
      /** A run starts when the folder has not changed for this long. */
      readonly quietMs: Millis
    }

/** A file that its submitter's agent submits again and again. */
export interface Schedule {
  readonly id: ScheduleId
  /** Name of the pipeline; one submitter has one schedule of a name, the newest. */
  readonly name: string
  readonly trigger: ScheduleTrigger
  /** Start a run even while the one before still runs. */
  readonly overlap: boolean
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly source: PipelineSource
  readonly submitter: PeerId
  readonly setAt: Millis
}
