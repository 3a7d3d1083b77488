import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { JobRun, JobSpec, OnlyItems, ReuseSettings } from '../../model/job.ts'
import type {
  ParameterValue,
  PipelineRun,
  PipelineSource,
  PipelineStep,
  RunOrigin,
  Schedule,
  ScheduleTrigger,
} from '../../model/pipeline.ts'
import {
  blobHash,
  count,
  jobId,
  millis,
  name,
  peerId,
  pipelineId,
  scheduleId,
  sentence,
} from '../fields.ts'

/** Schemas of what records say of pipeline runs and schedules. */

const tags = z.record(z.string().max(256), z.string().max(1_024))
const value: z.ZodType<ParameterValue> = z.union([
  z.string().max(limits.argumentLength),
  z.number(),
  z.boolean(),
])
const values = z.record(z.string().max(256), value)

export const jobRun: z.ZodType<JobRun> = z.object({
  pipeline: pipelineId,
  name,
  step: name,
  experiment: name,
})
export const reuseSettings: z.ZodType<ReuseSettings> = z.object({
  key: z.string().length(64),
  take: z.boolean(),
  pinned: z.boolean(),
  whyNot: z.enum(['off', 'regenerate', 'elsewhere']).exactOptional(),
  version: z.string().max(256).exactOptional(),
  contents: z.record(z.string().max(256), z.string().max(256)).exactOptional(),
})
export const onlyItems: z.ZodType<OnlyItems> = z.object({
  job: jobId,
  blob: blobHash,
  items: z.int().min(1),
})

const source: z.ZodType<PipelineSource> = z.object({
  text: z.string().max(limits.jobFileBytes),
  file: z.string().max(limits.itemNameBytes),
  overrides: values,
})
const origin: z.ZodType<RunOrigin> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('submitted') }),
  z.object({ kind: z.literal('resubmitted'), pipeline: pipelineId }),
  z.object({ kind: z.literal('failed-items'), job: jobId }),
  z.object({ kind: z.literal('scheduled'), schedule: scheduleId, dueAt: millis }),
])
const trigger: z.ZodType<ScheduleTrigger> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('cron'),
    expression: z.string().min(1).max(256),
    timezone: z.string().max(64).exactOptional(),
  }),
  z.object({
    kind: z.literal('folder'),
    path: z.string().min(1).max(limits.itemNameBytes),
    patterns: z.array(z.string().max(limits.itemNameBytes)).min(1).max(1_024),
    quietMs: millis,
  }),
])
const schedule: z.ZodType<Schedule> = z.object({
  id: scheduleId,
  name,
  trigger,
  overlap: z.boolean(),
  parameters: values,
  source,
  submitter: peerId,
  setAt: millis,
})

const stepOf = (spec: z.ZodType<JobSpec>): z.ZodType<PipelineStep> =>
  z.object({
    name,
    spec,
    wires: z
      .array(z.object({ input: name, step: name, side: z.literal(true).exactOptional() }))
      .max(2 * limits.inputs),
    after: z.array(name).max(limits.pipelineSteps),
    output: name,
    allowReuse: z.boolean(),
    dataPeer: peerId.exactOptional(),
  })

const runOf = (spec: z.ZodType<JobSpec>): z.ZodType<PipelineRun> =>
  z.object({
    id: pipelineId,
    name,
    experiment: name,
    description: z.string().max(16_384),
    tags,
    parameters: values,
    continueOnStepFailure: z.boolean(),
    regenerateOutputs: z.boolean(),
    steps: z.array(stepOf(spec)).min(1).max(limits.pipelineSteps),
    source,
    origin,
    submitter: peerId,
    submittedAt: millis,
  })

/** Bodies of the kinds that speak of pipeline runs and schedules. @param spec the schema of a job's spec */
export const pipelineBodies = (spec: z.ZodType<JobSpec>) => ({
  'pipeline-submitted': z.object({ kind: z.literal('pipeline-submitted'), run: runOf(spec) }),
  'pipeline-step-skipped': z.object({
    kind: z.literal('pipeline-step-skipped'),
    pipeline: pipelineId,
    step: name,
    state: z.enum(['Failed', 'Canceled']),
    reason: sentence,
    at: millis,
  }),
  'pipeline-cancel-requested': z.object({
    kind: z.literal('pipeline-cancel-requested'),
    pipeline: pipelineId,
    at: millis,
  }),
  'pipeline-pause-changed': z.object({
    kind: z.literal('pipeline-pause-changed'),
    pipeline: pipelineId,
    paused: z.boolean(),
    clock: count,
    at: millis,
  }),
  'pipeline-ended': z.object({
    kind: z.literal('pipeline-ended'),
    pipeline: pipelineId,
    state: z.enum(['Completed', 'Failed', 'Canceled']),
    headline: sentence,
    at: millis,
  }),
  'schedule-set': z.object({ kind: z.literal('schedule-set'), schedule }),
  'schedule-removed': z.object({
    kind: z.literal('schedule-removed'),
    schedule: scheduleId,
    at: millis,
  }),
  'schedule-pause-changed': z.object({
    kind: z.literal('schedule-pause-changed'),
    schedule: scheduleId,
    paused: z.boolean(),
    clock: count,
    at: millis,
  }),
})
