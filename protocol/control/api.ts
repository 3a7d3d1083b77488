import { z } from 'zod'
import { limits } from '../limits.ts'
import { outputFormats } from '../model/output.ts'
import { pipelineApi } from './pipeline-api.ts'
import { done, endpoint, jobKey, none } from './endpoint.ts'
import { logApi } from './log-api.ts'
import { registryApi } from './registry-api.ts'
import { sharingApi } from './sharing-api.ts'
import {
  agentView,
  clusterCreatedView,
  clusterView,
  doctorView,
  exportView,
  explainView,
  invitationView,
  jobDetailView,
  jobView,
  joinedView,
  loopDelayView,
  machineView,
  miniBatchMapView,
  modelView,
  rowPageView,
  settingView,
  snapshotView,
  storeWorkView,
  timelineView,
} from './views.ts'

const rolesField = z
  .array(z.enum(['admin', 'submit', 'work']))
  .min(1)
  .max(3)
/**
 * The control API: every command and query of an agent, as one value. The server registers its routes
 * from it, the client's methods and types come from it, and `docs/cli.md` prints its schemas.
 * Served on loopback only. Path fields stand as `:name` and are part of `query`.
 */
export const api = {
  snapshot: endpoint({
    method: 'GET',
    path: '/api/v1/snapshot',
    summary: 'Everything the first screen needs, and the id to follow from.',
    query: none,
    body: none,
    answer: snapshotView,
  }),
  agent: endpoint({
    method: 'GET',
    path: '/api/v1/agent',
    summary: 'This agent.',
    query: none,
    body: none,
    answer: agentView,
  }),
  stop: endpoint({
    method: 'POST',
    path: '/api/v1/agent/stop',
    summary: 'Stops the agent cleanly.',
    query: none,
    body: none,
    answer: done,
  }),
  signInCode: endpoint({
    method: 'POST',
    path: '/api/v1/sign-in-codes',
    summary: 'A one-time code that a browser exchanges for its cookie.',
    query: none,
    body: none,
    answer: z.object({ code: z.string(), url: z.string(), expiresAt: z.number() }),
  }),
  doctor: endpoint({
    method: 'GET',
    path: '/api/v1/doctor',
    summary: 'Looks at everything that commonly goes wrong, and says what to do.',
    query: none,
    body: none,
    answer: doctorView,
  }),
  settings: endpoint({
    method: 'GET',
    path: '/api/v1/settings',
    summary: 'Settings of this agent.',
    query: none,
    body: none,
    answer: z.object({ settings: z.array(settingView) }),
  }),
  changeSetting: endpoint({
    method: 'POST',
    path: '/api/v1/settings',
    summary: 'Changes one setting; null takes it back to its default.',
    query: none,
    body: z.object({
      key: z.string().min(1).max(128),
      value: z.union([z.string().max(4_096), z.number(), z.boolean(), z.null()]),
    }),
    answer: settingView,
  }),
  storeWork: endpoint({
    method: 'GET',
    path: '/api/v1/store/work',
    summary: 'How far the newest check or rebuild of the store is.',
    query: none,
    body: none,
    answer: storeWorkView,
  }),
  startStoreWork: endpoint({
    method: 'POST',
    path: '/api/v1/store/work',
    summary: 'Starts to check the store, or to fold its tables anew.',
    query: none,
    body: z.object({ kind: z.enum(['check', 'rebuild']) }),
    answer: storeWorkView,
  }),
  loopDelay: endpoint({
    method: 'GET',
    path: '/api/v1/debug/loop-delay',
    summary: 'Delay of the event loop since the last call; only if started with MUSTER_DEBUG=1.',
    query: none,
    body: none,
    answer: loopDelayView,
  }),
  createCluster: endpoint({
    method: 'POST',
    path: '/api/v1/cluster',
    summary: 'Creates a cluster with this agent as admin and head.',
    query: none,
    body: z.object({ name: z.string().min(1).max(64) }),
    answer: clusterCreatedView,
  }),
  cluster: endpoint({
    method: 'GET',
    path: '/api/v1/cluster',
    summary: 'The cluster this agent belongs to.',
    query: none,
    body: none,
    answer: clusterView,
  }),
  invite: endpoint({
    method: 'POST',
    path: '/api/v1/cluster/invitations',
    summary: 'Opens a one-time invitation.',
    query: none,
    body: z.object({
      roles: rolesField.optional(),
      expiresInSeconds: z.number().positive().max(86_400).optional(),
    }),
    answer: invitationView,
  }),
  join: endpoint({
    method: 'POST',
    path: '/api/v1/cluster/join',
    summary: 'Joins a cluster with an invitation code.',
    query: none,
    body: z.object({ code: z.string().min(1).max(8_192) }),
    answer: joinedView,
  }),
  members: endpoint({
    method: 'GET',
    path: '/api/v1/cluster/members',
    summary: 'Members with their roles and liveness.',
    query: none,
    body: none,
    answer: z.object({ members: z.array(machineView) }),
  }),
  removeMember: endpoint({
    method: 'DELETE',
    path: '/api/v1/cluster/members/:peer',
    summary: 'Removes a member by name or PeerId; it is cut off at once where it is seen.',
    query: z.object({ peer: z.string().min(1).max(128) }),
    body: none,
    answer: done,
  }),
  addAddress: endpoint({
    method: 'POST',
    path: '/api/v1/cluster/addresses',
    summary: 'Dials and remembers an address given by hand.',
    query: none,
    body: z.object({ address: z.string().min(1).max(256) }),
    answer: done,
  }),
  peers: endpoint({
    method: 'GET',
    path: '/api/v1/peers',
    summary: 'Machines as seen from here.',
    query: none,
    body: none,
    answer: z.object({ peers: z.array(machineView) }),
  }),
  registerModel: endpoint({
    method: 'POST',
    path: '/api/v1/models',
    summary: 'Registers a model file or folder under a name; the same name gets the next version.',
    query: none,
    body: z.object({
      path: z.string().min(1).max(4_096).describe('Absolute path on this machine'),
      name: z.string().min(1).max(64),
      description: z.string().max(16_384).optional(),
      tags: z.record(z.string(), z.string()).optional(),
    }),
    answer: modelView,
  }),
  models: endpoint({
    method: 'GET',
    path: '/api/v1/models',
    summary: 'Registered models, newest version first.',
    query: none,
    body: none,
    answer: z.object({ models: z.array(modelView) }),
  }),
  model: endpoint({
    method: 'GET',
    path: '/api/v1/models/:model',
    summary: 'One model: `name` (newest) or `name:version`.',
    query: z.object({ model: z.string().min(1).max(128) }),
    body: none,
    answer: modelView,
  }),
  ...registryApi,
  ...logApi,
  submitJob: endpoint({
    method: 'POST',
    path: '/api/v1/jobs',
    summary: 'Submits a job file.',
    query: none,
    body: z.object({
      text: z.string().max(1_048_576).describe('The YAML'),
      file: z
        .string()
        .max(4_096)
        .describe('Name shown in errors; its folder resolves relative paths'),
      overrides: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .optional()
        .describe('Fields of the job file set from the command line'),
      submissionId: z.string().max(64).optional().describe('The same id twice submits once'),
    }),
    answer: jobView.extend({
      warnings: z
        .array(z.string())
        .optional()
        .describe('What of the file was accepted but has no effect here, with its place'),
    }),
  }),
  jobs: endpoint({
    method: 'GET',
    path: '/api/v1/jobs',
    summary: 'Jobs, newest first.',
    query: z.object({ limit: z.coerce.number().int().min(1).max(1_000).optional() }),
    body: none,
    answer: z.object({ jobs: z.array(jobView) }),
  }),
  job: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job',
    summary: 'One job with its peers and failures.',
    query: jobKey,
    body: none,
    answer: jobDetailView,
  }),
  cancelJob: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/cancel',
    summary: 'Cancels a job; committed rows stay.',
    query: jobKey,
    body: none,
    answer: jobView,
  }),
  resubmitJob: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/resubmit',
    summary: 'Submits a job anew with some fields changed; only where its data is.',
    query: jobKey,
    body: z.object({
      overrides: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
        .optional()
        .describe('Fields of the job file to change; null takes one back to its default'),
      submissionId: z.string().max(64).optional().describe('The same id twice submits once'),
    }),
    answer: jobView,
  }),
  results: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/rows',
    summary: 'Rows in plan order, a page at a time.',
    query: jobKey.extend({
      cursor: z.string().max(64).optional(),
      limit: z.coerce.number().int().min(1).max(1_000).optional(),
      offset: z.coerce
        .number()
        .int()
        .min(0)
        .optional()
        .describe('Instead of a cursor: rows to skip'),
      search: z
        .string()
        .max(256)
        .optional()
        .describe('Rows whose name or value contains this text'),
      field: z
        .string()
        .max(256)
        .optional()
        .describe('With `equals`: a field of the values; left out, the value itself'),
      equals: z.string().max(256).optional().describe('Rows whose field is this text or number'),
      only: z.enum(['rows', 'failures']).optional(),
    }),
    body: none,
    answer: rowPageView,
  }),
  exportRows: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/export',
    summary: 'Writes the rows that are here into a file on this machine.',
    query: jobKey,
    body: z.object({
      path: z.string().min(1).max(4_096).describe('Absolute path; its folder must be there'),
      format: z.enum(outputFormats).optional().describe('Left out: by the ending of the path'),
      head: z.number().int().min(1).optional().describe('Only the first rows'),
      delimiter: z
        .string()
        .regex(/^[^"\r\n]$/, 'must be one character, neither a quotation mark nor a line break')
        .optional()
        .describe('One character between fields, for csv, tsv and txt'),
      header: z.boolean().optional().describe('Whether the names of the columns come first'),
      overwrite: z.boolean().optional().describe('Whether a file that is there is replaced'),
    }),
    answer: exportView,
  }),
  miniBatches: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/mini-batches',
    summary: 'State of every mini-batch, one character each.',
    query: jobKey.extend({
      from: z.coerce.number().int().min(0).optional(),
      count: z.coerce.number().int().min(1).optional(),
      peers: z
        .enum(['true'])
        .optional()
        .describe(`Name the peers too, if at most ${limits.mapPeers} mini-batches are asked for`),
    }),
    body: none,
    answer: miniBatchMapView,
  }),
  timeline: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/timeline',
    summary: 'The newest attempts of a job, as its head remembers them.',
    query: jobKey.extend({
      since: z.coerce
        .number()
        .min(0)
        .optional()
        .describe('Only attempts of which anything was heard at or after this time'),
    }),
    body: none,
    answer: timelineView,
  }),
  explain: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/explain',
    summary: 'Why a job, or one of its mini-batches, is where it is.',
    query: jobKey.extend({ miniBatch: z.coerce.number().int().min(0).optional() }),
    body: none,
    answer: explainView,
  }),
  ...pipelineApi,
  ...sharingApi,
} as const

export type Api = typeof api
export type ApiName = keyof Api
export type QueryOf<Name extends ApiName> = z.input<Api[Name]['query']>
export type BodyOf<Name extends ApiName> = z.input<Api[Name]['body']>
export type AnswerOf<Name extends ApiName> = z.output<Api[Name]['answer']>
/** Query and path fields as the server reads them: checked, numbers as numbers. */
export type ReadQueryOf<Name extends ApiName> = z.output<Api[Name]['query']>
export type ReadBodyOf<Name extends ApiName> = z.output<Api[Name]['body']>

/** Server-sent events: `id` is the delta's sequence, `event` is `delta`, `data` is a DeltaView as JSON. */
export const eventsPath = '/api/v1/events'
/** The picture of one item: image bytes. `:job` and `:item`. */
export const picturePath = '/api/v1/jobs/:job/items/:item/picture'
/**
 * The picture of one file of an input that is looked at before a job reads it: image bytes. In the query
 * `input`, as JSON what `previewData` was asked for, and `name`, a file below its folder.
 */
export const inputPicturePath = '/api/v1/data/picture'
/**
 * The rows that are here as a file to save: `:job`, and in the query `format` and `head`. The answer is
 * sent when all of it is written, so its length is known.
 */
export const downloadPath = '/api/v1/jobs/:job/download'
/** A browser posts its one-time code here and gets the cookie. */
export const signInPath = '/api/v1/sign-in'
/** Header that proves a cookie request was made by our own page's script. */
export const csrfHeader = 'x-muster'
