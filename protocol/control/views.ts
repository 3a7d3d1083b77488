import { z } from 'zod'
import { jobView } from './job-views.ts'
import { count, tags, text, time } from './view-fields.ts'

/**
 * What the control API shows. These shapes are frozen: fields are added, never renamed or dropped, since
 * the CLI prints them as they are with `--json` and people write programs against that.
 * Times are milliseconds since 1970 UTC, sizes bytes, durations milliseconds.
 */

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
