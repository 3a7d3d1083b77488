import { z } from 'zod'
import { jobStateView, jobView } from './job-views.ts'
import { count, tags, text, time } from './view-fields.ts'

/** What the control API shows of pipeline runs, experiments and schedules. Frozen like the other views. */

const value = z.union([text, z.number(), z.boolean()])
const values = z.record(text, value)

export const stepView = z.object({
  name: text,
  state: jobStateView,
  reason: text.describe('Why it is in this state; empty if there is nothing to say'),
  job: text.describe('Id of its job; empty while there is none'),
  needs: z.array(text).describe('Steps that must have completed before'),
  outputName: text.describe('Name of its output, by which other steps and programs know it'),
  output: text.describe("Path of its output on the submitter's machine; empty until written"),
  items: count,
  itemsSucceeded: count,
  itemsFailed: count,
  miniBatches: count,
  takenOver: count.describe('Mini-batches taken over from an earlier job'),
  takenFrom: text.describe('Id of that job; empty if none'),
  reuse: text.describe('Why rows were taken over or why not; empty until it is known'),
  seconds: z.number().nullable().describe('From submission to seal; null before'),
})
export type StepView = z.infer<typeof stepView>

export const pipelineView = z.object({
  id: text,
  name: text,
  experiment: text,
  description: text,
  tags,
  state: jobStateView,
  headline: text.describe('First cause of failure in one sentence; empty if none'),
  origin: text.describe('How it came to be, in one sentence'),
  submitter: text,
  submitterName: text,
  submittedAt: time,
  pausedAt: time
    .nullable()
    .describe('Since when the run is paused as a whole; null while it is not'),
  endedAt: time.nullable(),
  parameters: values.describe('Every parameter with the value it had'),
  continueOnStepFailure: z.boolean(),
  regenerateOutputs: z.boolean(),
  steps: z.array(stepView),
})
export type PipelineView = z.infer<typeof pipelineView>

export const scheduleView = z.object({
  id: text,
  name: text,
  kind: z.enum(['cron', 'folder']),
  when: text.describe('The cron expression, or the watched folder'),
  timezone: text.describe("Empty: that of the submitter's machine"),
  overlap: z.boolean(),
  parameters: values,
  submitter: text,
  submitterName: text,
  setAt: time,
  pausedAt: time.nullable().describe('Since when it starts no runs; null while it is not paused'),
  nextAt: time.nullable().describe('When it is due next; null for a folder, or while it is paused'),
  lastRun: text.nullable().describe('Id of its last pipeline run, if this agent runs it'),
  missedAt: time.nullable().describe('When a run should have started and did not'),
  missed: text.describe('Why it did not; empty if none was missed'),
  problem: text.describe('What keeps it from running; empty if nothing does'),
})
export type ScheduleView = z.infer<typeof scheduleView>

export const submittedView = z.object({
  pipeline: pipelineView.nullable().describe('The run; null if the file was scheduled'),
  schedule: scheduleView.nullable().describe('The schedule, if the file has one'),
  warnings: z
    .array(text)
    .describe('Sentences about what was accepted but has no effect, with their place'),
})
export type SubmittedView = z.infer<typeof submittedView>

export const retryView = z.object({
  job: jobView,
  items: count.describe('Items that are tried again'),
  wholeMiniBatches: count.describe(
    'Mini-batches taken whole, since it is not known which of their items failed',
  ),
})

export const experimentView = z.object({
  name: text,
  runs: count,
  completed: count,
  failed: count,
  open: count.describe('Runs that have not ended'),
  firstAt: time,
  lastAt: time,
})
export type ExperimentView = z.infer<typeof experimentView>

export const comparisonView = z.object({
  runs: z.array(
    z.object({
      id: text,
      name: text,
      experiment: text,
      state: jobStateView,
      submittedAt: time,
      items: count,
      itemsSucceeded: count,
      itemsFailed: count,
      seconds: z.number().nullable().describe('From submission to end; null before'),
      headline: text,
    }),
  ),
  settings: z
    .array(
      z.object({
        name: text.describe('Such as `parameters.size` or `steps.find.mini_batch_size`'),
        values: z.array(text.nullable()).describe('One for each run; null where a run has none'),
        differs: z.boolean(),
      }),
    )
    .describe('Settings of all runs side by side, differing ones first'),
})
export type ComparisonView = z.infer<typeof comparisonView>
