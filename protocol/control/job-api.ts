import { z } from 'zod'
import { limits } from '../limits.ts'
import { outputFormats } from '../model/output.ts'
import { endpoint, jobKey, none } from './endpoint.ts'
import {
  explainView,
  exportView,
  jobDetailView,
  jobView,
  miniBatchMapView,
  rowPageView,
  timelineView,
} from './job-views.ts'

/** Calls about single jobs and their rows. Submitted together with other steps they are runs: `pipeline-api.ts`. */
export const jobApi = {
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
} as const
