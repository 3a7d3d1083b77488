import { z } from 'zod'

/**
 * What the control API shows. These shapes are frozen: fields are added, never renamed or dropped, since
 * the CLI prints them as they are with `--json` and people write programs against that.
 * Times are milliseconds since 1970 UTC, sizes bytes, durations milliseconds.
 */

const text = z.string()
const count = z.int().min(0)
const time = z.number()
const tags = z.record(text, text)

export const errorView = z.object({
  code: text.describe('Stable word for programs'),
  message: text.describe('One sentence: what happened, to what, what to do'),
  retryable: z.boolean(),
  position: z
    .object({ file: text, line: z.int().min(1), column: z.int().min(1) })
    .optional()
    .describe('Place in a file a person wrote'),
})
export type ErrorView = z.infer<typeof errorView>

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

export const agentView = z.object({
  peer: text.describe('PeerId of this agent'),
  name: text,
  version: text,
  node: text.describe('Version of Node it runs on'),
  home: text.describe('Absolute folder of this agent'),
  pid: count,
  startedAt: time,
  addresses: z.array(text).describe('Multiaddrs it listens on; empty before pairing'),
  webAddress: text.describe('http://127.0.0.1:PORT of the control API'),
  itemsStreamed: count.describe(
    'Items received over the network for mini-batches, since its start',
  ),
})
export type AgentView = z.infer<typeof agentView>

export const clusterView = z.object({
  id: text,
  name: text,
  roles: z.array(z.enum(['admin', 'submit', 'work'])).describe('Roles of this agent'),
  head: text.nullable().describe('PeerId of the head, null while none is known'),
  headName: text,
  term: count,
})
export type ClusterView = z.infer<typeof clusterView>

export const machineView = z.object({
  peer: text,
  name: text,
  roles: z.array(z.enum(['admin', 'submit', 'work'])),
  liveness: z.enum(['self', 'alive', 'suspect', 'lost', 'never-seen']),
  isHead: z.boolean(),
  lastHeardAt: time.nullable(),
  slots: count.describe('Worker processes its owner allows now'),
  busySlots: count,
  load: z.number().describe('Share of all its cores in use, 0 to 1'),
  reason: text.describe('Why it works less than it could; empty otherwise'),
  cores: count,
  memoryBytes: count,
  platform: text,
  agentVersion: text,
  devices: z.array(text),
  tags: z.array(text).optional().describe("Words of its owner's choice, by which pools pick it"),
  addresses: z.array(text),
})
export type MachineView = z.infer<typeof machineView>

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

export const modelView = z.object({
  name: text,
  version: count,
  description: text,
  tags,
  files: z.array(z.object({ path: text, blob: text, bytes: count })),
  inputs: z.array(
    z.object({ name: text, type: text, shape: z.array(z.union([z.number(), text])) }),
  ),
  outputs: z.array(
    z.object({ name: text, type: text, shape: z.array(z.union([z.number(), text])) }),
  ),
  opset: count,
  producer: text,
  parameters: count,
  bytes: count,
  registeredBy: text,
  registeredAt: time,
})
export type ModelView = z.infer<typeof modelView>

export const invitationView = z.object({
  code: text.describe('What the newcomer types; works once'),
  words: text.describe('Short words to compare on both screens'),
  roles: z.array(z.enum(['admin', 'submit', 'work'])),
  expiresAt: time,
  addresses: z.array(text),
})

export const clusterCreatedView = clusterView.extend({
  recoveryCode: text.describe('Shown once: replaces the key of a lost admin'),
})

export const joinedView = clusterView.extend({
  words: text.describe('Short words to compare with the inviting machine'),
})

export const settingView = z.object({
  key: text.describe('Such as `slots`, or `share.NAME`'),
  value: z.union([text, z.number(), z.boolean()]).describe('What counts now'),
  text: text.describe('The value as people write it'),
  from: z.enum(['default', 'setting', 'command-line']).describe('Where the value comes from'),
  default: text.describe('What counts if it is not set'),
  allowed: text,
  description: text,
  effect: z.enum(['now', 'next-start']).describe('When a change is felt'),
  note: text.describe('What else is to be known, such as a start that is needed; else empty'),
})
export type SettingView = z.infer<typeof settingView>

export const doctorCheckView = z.object({
  id: text.describe('Stable word for programs, such as `disk`'),
  about: text.describe('What was looked at; the name of the machine for members'),
  level: z.enum(['ok', 'warn', 'fail']),
  message: text.describe('What was found, in one sentence'),
  advice: text.describe('What to do, in one sentence; empty if nothing'),
  tried: z
    .array(z.object({ address: text, outcome: text }))
    .describe('Ways to another machine and what became of them; empty elsewhere'),
})
export type DoctorCheckView = z.infer<typeof doctorCheckView>

export const doctorView = z.object({
  level: z.enum(['ok', 'warn', 'fail']).describe('The worst of all checks'),
  running: z
    .boolean()
    .describe('Whether the agent runs; else only home, Node and disk are checked'),
  checks: z.array(doctorCheckView),
})
export type DoctorView = z.infer<typeof doctorView>

export const storeReportView = z.object({
  sound: z.boolean(),
  findings: z.array(text).describe('What is wrong, a sentence each; empty if nothing is'),
  notes: z.array(text).describe('What else was found, a sentence each'),
  bytes: count.describe('Size of the database'),
  segments: count.describe('Signed segments that were read'),
  records: count,
  blobs: z.object({
    present: count,
    bytes: count,
    orphan: count.describe('Named by nothing in the ledger'),
    missing: count.describe('Needed here and not there'),
    corrupt: count.describe('No longer what their name says'),
  }),
  digestBefore: text.describe('SHA-256 of the folded tables, hex; empty if it was not taken'),
  digestAfter: text.describe('The same after a rebuild'),
})
export type StoreReportView = z.infer<typeof storeReportView>

export const storeWorkView = z.object({
  kind: z.enum(['none', 'check', 'rebuild']),
  state: z.enum(['idle', 'running', 'done', 'failed']),
  phase: text.describe('What is being done, for people'),
  done: count,
  total: count.describe('0 while it is not known'),
  report: storeReportView.nullable(),
  error: text.describe('Why it failed; else empty'),
})
export type StoreWorkView = z.infer<typeof storeWorkView>

export const loopDelayView = z.object({
  meanMs: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  samples: count,
})
export type LoopDelayView = z.infer<typeof loopDelayView>

export const snapshotView = z.object({
  /** Id of the newest delta contained. */
  sequence: count,
  agent: agentView,
  cluster: clusterView.nullable(),
  machines: z.array(machineView),
  jobs: z.array(jobView).describe('Newest first, at most 500'),
  models: z.array(modelView),
})
export type SnapshotView = z.infer<typeof snapshotView>

/** A change since the snapshot. Each carries the whole new value, so a doubled delta is harmless. */
export const deltaView = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('agent-changed'), agent: agentView }),
  z.object({ kind: z.literal('cluster-changed'), cluster: clusterView.nullable() }),
  z.object({ kind: z.literal('machine-changed'), machine: machineView }),
  z.object({ kind: z.literal('machine-removed'), peer: text }),
  z.object({ kind: z.literal('job-changed'), job: jobView }),
  z.object({ kind: z.literal('model-changed'), model: modelView }),
])
export type DeltaView = z.infer<typeof deltaView>
