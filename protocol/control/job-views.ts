import { z } from 'zod'
import { count, tags, text, time } from './view-fields.ts'

/** Jobs, their rows and their failures as the control API shows them. Frozen like the other views. */

export const jobStateView = z.enum([
  'NotStarted',
  'Preparing',
  'Queued',
  'Running',
  'Paused',
  'Finalizing',
  'CancelRequested',
  'Canceled',
  'Completed',
  'Failed',
])

export const peerShareView = z.object({
  peer: text,
  name: text,
  miniBatches: count.describe('Counted commits'),
  items: count,
  share: z.number().describe('Of all committed items, 0 to 1'),
})

export const jobView = z.object({
  id: text,
  name: text,
  description: text,
  tags,
  state: jobStateView,
  reason: text.describe(
    'Why it is in this state or what it waits for; empty if there is nothing to say',
  ),
  headline: text.describe('First cause of failure in one sentence; empty if none'),
  submitter: text,
  submitterName: text,
  keeper: text,
  keeperName: text,
  dataPeer: text,
  dataPeerName: text,
  model: text.describe('name:version; of several one after the other, with a comma'),
  submittedAt: time,
  startedAt: time.nullable().describe('First commit'),
  endedAt: time.nullable().describe('Seal'),
  planComplete: z.boolean(),
  items: count.describe('Items planned so far'),
  itemsSucceeded: count,
  itemsFailed: count,
  miniBatches: count.describe('Mini-batches planned so far; each that was halved adds one'),
  committed: count,
  failed: count,
  canceled: count,
  leased: count.describe('Granted now, as the head last told'),
  charged: count.describe('Attempts that were charged'),
  leasesLost: count.describe(
    'Leases that ended with a lost peer, free of charge, as this head counted',
  ),
  rows: count.describe('Rows returned by counted commits'),
  rowsHere: count.describe('Rows in the store of this agent'),
  itemsPerSecond: z
    .number()
    .nullable()
    .describe('Over the last seconds; null before it can be told'),
  secondsLeft: z
    .tuple([z.number(), z.number()])
    .nullable()
    .describe('Range; null before it can be told'),
  output: text.describe(
    'Absolute path of the file with the rows, on the keeper; empty until written',
  ),
  pipeline: text.describe('Id of its pipeline run; empty for a job of an older version'),
  pipelineName: text,
  step: text.describe('Its step of that run'),
  experiment: text.describe('Name under which the run is kept'),
  takenOver: count.describe('Mini-batches taken over from an earlier job instead of run'),
  takenFrom: text.describe('Id of that job; empty if none'),
  reuse: text.describe(
    'Why rows of an earlier job were taken over or why not, one sentence; empty until it is known',
  ),
  outputFiles: z
    .object({ folder: text, count, bytes: count })
    .nullable()
    .describe('What scripts wrote to their output directories, on the keeper; null if nothing'),
  forgotten: z
    .object({ by: text, byName: text, at: time })
    .nullable()
    .describe('Who wanted its rows and the names of its items gone, and when; null: nobody'),
})
export type JobView = z.infer<typeof jobView>

export const failureGroupView = z.object({
  message: text,
  common: text.describe(
    'Longest part that the sentences of all of them have: finds them by a search',
  ),
  cause: text.describe('item, threw, timed-out, process-died, not-loaded'),
  count,
  first: z.object({
    item: text.describe('Name of the item; empty if a whole mini-batch'),
    miniBatch: count,
    attempt: count,
    peer: text,
    peerName: text,
  }),
})
export type FailureGroupView = z.infer<typeof failureGroupView>

export const jobDetailView = jobView.extend({
  spec: z.record(text, z.unknown()).describe('The job as submitted, all defaults filled in'),
  file: z
    .record(text, z.unknown())
    .describe('The same as fields of a job file: what a resubmit starts from'),
  peers: z.array(peerShareView),
  failures: z.array(failureGroupView),
})
export type JobDetailView = z.infer<typeof jobDetailView>

export const rowView = z.object({
  item: count.describe('Position of the item in the plan, from 0'),
  name: text.describe('Name of the item, below the input folder'),
  miniBatch: count,
  peer: text,
  peerName: text,
  attempt: count,
  value: z.unknown().describe('The row as the job returned it; null for a failed item'),
  failure: text.describe('Why there is no row; empty otherwise'),
})
export type RowView = z.infer<typeof rowView>

export const rowPageView = z.object({
  rows: z.array(rowView),
  total: count.describe('Rows and failed items that fit the filter, in this store'),
  next: text.nullable().describe('Cursor of the next page; null on the last'),
})
export type RowPageView = z.infer<typeof rowPageView>

export const exportView = z.object({
  path: text.describe('Absolute path of the file'),
  rows: count.describe('Rows written'),
  bytes: count,
  elsewhere: count.describe('Rows of the job that are not in the store of this agent yet'),
})
export type ExportView = z.infer<typeof exportView>

export const miniBatchMapView = z.object({
  total: count,
  /** One character a mini-batch: `.` pending, `l` leased, `c` committed, `r` committed after a charge, `f` failed, `x` canceled, `h` halved: its halves tell more. */
  states: text,
  first: count.describe('Number of the mini-batch of the first character'),
  peers: z
    .array(z.object({ peer: text, name: text }))
    .describe('Peers of the runs; empty unless `peers` was asked for'),
  runs: z
    .array(z.tuple([count, z.int().min(-1)]))
    .describe(
      'Where a run of mini-batches of one peer begins, and its place in `peers`; -1 for none',
    ),
})
export type MiniBatchMapView = z.infer<typeof miniBatchMapView>

export const attemptSpanView = z.object({
  miniBatch: count,
  attempt: count,
  peer: count.describe('Place in `peers`'),
  grantedAt: time.nullable().describe('Null if it is no longer remembered'),
  startedAt: time.nullable(),
  endedAt: time.nullable().describe('When the head heard of its end'),
  runMs: z
    .number()
    .nullable()
    .describe("How long it ran by its worker's clock; null if it did not succeed"),
  outcome: z.enum(['waiting', 'running', 'committed', 'duplicate', 'charged', 'failed', 'freed']),
  detail: text.describe('Why it failed or was given back; empty otherwise'),
})
export type AttemptSpanView = z.infer<typeof attemptSpanView>

export const timelineView = z.object({
  at: time.describe("The head's clock at this answer; all times are by it"),
  from: time.describe('Attempts that ended before it may be forgotten; 0 if none is'),
  note: text.describe('Why there is no timeline here; empty at the head'),
  peers: z.array(z.object({ peer: text, name: text })),
  attempts: z.array(attemptSpanView),
})
export type TimelineView = z.infer<typeof timelineView>

export const explainView = z.object({
  job: text,
  lines: z
    .array(text)
    .describe('Sentences: why the job is where it is, or the life of one mini-batch'),
})
