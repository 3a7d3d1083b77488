import { z } from 'zod'
import { done, endpoint, none } from './endpoint.ts'
import {
  comparisonView,
  experimentView,
  pipelineView,
  retryView,
  scheduleView,
  submittedView,
} from './pipeline-views.ts'

/** The part of the control API that speaks of pipeline runs, experiments and schedules. */

const value = z.union([z.string(), z.number(), z.boolean()])
const parameters = z
  .record(z.string(), value)
  .optional()
  .describe('Values of parameters; an input is given another path')
const regenerate = z.boolean().optional().describe('Compute everything anew')
const submissionId = z.string().max(64).optional().describe('The same id twice submits once')
const pipelineKey = z.object({
  pipeline: z
    .string()
    .min(1)
    .max(64)
    .describe('Id of the pipeline run or of one of its jobs, or an unambiguous start of it'),
})
const scheduleKey = z.object({
  schedule: z.string().min(1).max(64).describe('Its name or id'),
})
const limit = z.coerce.number().int().min(1).max(1_000).optional()

/** Calls about pipeline runs, experiments and schedules. */
export const pipelineApi = {
  submitPipeline: endpoint({
    method: 'POST',
    path: '/api/v1/pipelines',
    summary: 'Submits a pipeline file or a job file; one with a schedule is scheduled instead.',
    query: none,
    body: z.object({
      text: z.string().max(1_048_576).describe('The YAML'),
      file: z
        .string()
        .max(4_096)
        .describe('Name shown in errors; its folder resolves relative paths'),
      parameters,
      overrides: z
        .record(z.string(), value)
        .optional()
        .describe('Fields set beside the file: `experiment`, `steps.NAME.mini_batch_size`'),
      regenerate,
      now: z.boolean().optional().describe('Run once now, whatever schedule the file has'),
      submissionId,
    }),
    answer: submittedView,
  }),
  pipelines: endpoint({
    method: 'GET',
    path: '/api/v1/pipelines',
    summary: 'Pipeline runs, newest first.',
    query: z.object({ limit, experiment: z.string().max(64).optional() }),
    body: none,
    answer: z.object({ pipelines: z.array(pipelineView) }),
  }),
  pipeline: endpoint({
    method: 'GET',
    path: '/api/v1/pipelines/:pipeline',
    summary: 'One pipeline run with its steps.',
    query: pipelineKey,
    body: none,
    answer: pipelineView,
  }),
  cancelPipeline: endpoint({
    method: 'POST',
    path: '/api/v1/pipelines/:pipeline/cancel',
    summary: 'Cancels a pipeline run with all its jobs; committed rows stay.',
    query: pipelineKey,
    body: none,
    answer: pipelineView,
  }),
  pausePipeline: endpoint({
    method: 'POST',
    path: '/api/v1/pipelines/:pipeline/pause',
    summary: 'Pauses a pipeline run: its jobs are paused, and no further step starts.',
    query: pipelineKey,
    body: none,
    answer: pipelineView,
  }),
  resumePipeline: endpoint({
    method: 'POST',
    path: '/api/v1/pipelines/:pipeline/resume',
    summary: 'Lets a paused pipeline run go on, with all of its paused jobs.',
    query: pipelineKey,
    body: none,
    answer: pipelineView,
  }),
  resubmitPipeline: endpoint({
    method: 'POST',
    path: '/api/v1/pipelines/:pipeline/resubmit',
    summary: 'Submits a pipeline run anew with other parameters or fields; only where its data is.',
    query: pipelineKey,
    body: z.object({
      parameters,
      overrides: z.record(z.string(), value).optional().describe('Fields to change'),
      regenerate,
      submissionId,
    }),
    answer: pipelineView,
  }),
  retryFailed: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/retry-failed',
    summary: 'Submits a new job of just the failed items of one that has ended.',
    query: z.object({
      job: z
        .string()
        .min(1)
        .max(64)
        .describe('Job id, that of a run of one job, or an unambiguous start of either'),
    }),
    body: z.object({ submissionId }),
    answer: retryView,
  }),
  experiments: endpoint({
    method: 'GET',
    path: '/api/v1/experiments',
    summary: 'Names under which pipeline runs are kept, the last used first.',
    query: none,
    body: none,
    answer: z.object({ experiments: z.array(experimentView) }),
  }),
  compareExperiments: endpoint({
    method: 'GET',
    path: '/api/v1/experiments/compare',
    summary: 'Runs side by side: settings with differing ones marked, counts, seconds, failures.',
    query: z.object({
      of: z
        .string()
        .min(1)
        .max(4_096)
        .describe('Names of experiments and ids of runs, with commas between them'),
      limit,
    }),
    body: none,
    answer: comparisonView,
  }),
  schedules: endpoint({
    method: 'GET',
    path: '/api/v1/schedules',
    summary: 'What is run again and again.',
    query: none,
    body: none,
    answer: z.object({ schedules: z.array(scheduleView) }),
  }),
  pauseSchedule: endpoint({
    method: 'POST',
    path: '/api/v1/schedules/:schedule/pause',
    summary: 'Pauses a schedule: it starts no runs; those that have begun go on.',
    query: scheduleKey,
    body: none,
    answer: scheduleView,
  }),
  resumeSchedule: endpoint({
    method: 'POST',
    path: '/api/v1/schedules/:schedule/resume',
    summary: 'Lets a paused schedule go on; times that went by are not made up for.',
    query: scheduleKey,
    body: none,
    answer: scheduleView,
  }),
  removeSchedule: endpoint({
    method: 'DELETE',
    path: '/api/v1/schedules/:schedule',
    summary: 'Ends a schedule, by name or id; runs that have begun go on.',
    query: scheduleKey,
    body: none,
    answer: done,
  }),
} as const
