import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { PipelineView, ScheduleView, StepView } from '#protocol/control/pipeline-views.ts'
import { musterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { makeJob } from './control-views.ts'

export const makePipeline = (change: Partial<PipelineView> = {}): PipelineView => ({
  id: '01k9z3t8m3p4q5r6s7t8v9w0xa',
  name: 'shelf-photos',
  experiment: 'shelves',
  description: '',
  tags: {},
  state: 'Running',
  headline: '',
  origin: 'It was submitted.',
  submitter: 'peer-anna',
  submitterName: 'anna',
  submittedAt: 1_700_000_000_000,
  pausedAt: null,
  endedAt: null,
  parameters: { season: 'autumn', size: 4 },
  continueOnStepFailure: false,
  regenerateOutputs: false,
  steps: [
    makeStepView('find', { state: 'Completed', job: 'job-find', seconds: 12.5, takenOver: 3 }),
    makeStepView('sort', { needs: ['find'], reason: 'It waits.' }),
  ],
  ...change,
})

/** A step that has not begun. */
export const makeStepView = (name: string, change: Partial<StepView> = {}): StepView => ({
  name,
  state: 'NotStarted',
  reason: '',
  job: '',
  needs: [],
  outputName: 'output',
  output: '',
  items: 0,
  itemsSucceeded: 0,
  itemsFailed: 0,
  miniBatches: 0,
  takenOver: 0,
  takenFrom: '',
  reuse: '',
  seconds: null,
  ...change,
})

export const makeSchedule = (change: Partial<ScheduleView> = {}): ScheduleView => ({
  id: '01k9z3t8m3p4q5r6s7t8v9w0xs',
  name: 'nightly',
  kind: 'cron',
  when: '0 6 * * *',
  timezone: '',
  overlap: false,
  parameters: {},
  submitter: 'peer-anna',
  submitterName: 'anna',
  setAt: 1_700_000_000_000,
  pausedAt: null,
  nextAt: 1_700_020_000_000,
  lastRun: null,
  missedAt: 1_699_990_000_000,
  missed: 'the agent did not run',
  problem: '',
  ...change,
})

const unknown = err(musterError('JobUnknown', 'There is no pipeline run "nope".'))

/** What a small agent with one run and one schedule answers. */
export const runHandlers = {
  submitPipeline: async ({ body }) =>
    body.text.includes('schedule')
      ? ok({ pipeline: null, schedule: makeSchedule(), warnings: ['"k" has no effect.'] })
      : ok({ pipeline: makePipeline(), schedule: null, warnings: [] }),
  pipelines: async ({ query }) =>
    ok({
      pipelines: [makePipeline()].filter(({ experiment }) =>
        [undefined, experiment].includes(query.experiment),
      ),
    }),
  pipeline: async ({ query }) => (query.pipeline === 'nope' ? unknown : ok(makePipeline())),
  cancelPipeline: async () => ok(makePipeline({ state: 'CancelRequested' })),
  pausePipeline: async () => ok(makePipeline({ state: 'Paused', pausedAt: 1_700_000_100_000 })),
  resumePipeline: async () => ok(makePipeline()),
  resubmitPipeline: async () => ok(makePipeline()),
  retryFailed: async () => ok({ job: makeJob('job-again', {}), items: 7, wholeMiniBatches: 1 }),
  experiments: async () =>
    ok({
      experiments: [
        { name: 'shelves', runs: 3, completed: 1, failed: 1, open: 1, firstAt: 1, lastAt: 2 },
      ],
    }),
  compareExperiments: async () =>
    ok({
      runs: ['a', 'b'].map((id) => ({
        id,
        name: 'shelf-photos',
        experiment: 'shelves',
        state: 'Completed' as const,
        submittedAt: 1_700_000_000_000,
        items: 10,
        itemsSucceeded: 9,
        itemsFailed: 1,
        seconds: 3.5,
        headline: '',
      })),
      settings: [
        { name: 'parameters.size', values: ['4', '8'], differs: true },
        { name: 'device', values: ['auto', 'auto'], differs: false },
      ],
    }),
  schedules: async () => ok({ schedules: [makeSchedule()] }),
  pauseSchedule: async () => ok(makeSchedule({ pausedAt: 1_700_000_100_000, nextAt: null })),
  resumeSchedule: async () => ok(makeSchedule()),
  removeSchedule: async () => ok({ done: true as const }),
} satisfies Partial<ControlHandlers>
