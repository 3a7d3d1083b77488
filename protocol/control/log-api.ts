import { z } from 'zod'
import { chargeCauses } from '../model/attempt.ts'
import { endpoint, jobKey, none } from './endpoint.ts'
import { count, text } from './view-fields.ts'

const processLogView = z.object({
  peer: text,
  peerName: text,
  process: count.describe('Number among the processes of the job on its machine'),
  startedAt: z.number().nullable().describe('When the process started; null for a copy'),
  bytes: count,
})

export const jobLogsView = z.object({
  job: text,
  overview: text.describe('What the job was, who did it, how it went, why things failed'),
  folder: text.describe(
    'Absolute folder with the files of the run; empty if it is on another machine or not written yet',
  ),
  logs: z.array(processLogView).describe('What worker processes printed'),
  missing: z
    .array(text)
    .describe('Names of machines with a part in the job that cannot be asked now'),
})

export const jobLogView = z.object({
  job: text,
  logs: z.array(
    processLogView.extend({ text: text.describe('Its newest lines, as many as were asked for') }),
  ),
})

export const processedMiniBatchView = z.object({
  miniBatch: count,
  peer: text,
  peerName: text,
  process: count.nullable().describe('Null if it is not known here'),
  attempt: count,
  startedAt: z.number().nullable().describe("By its machine's clock; null if it is not known here"),
  items: count.nullable(),
  succeeded: count,
  failed: count,
  seconds: z.number().nullable(),
  status: z.enum(['succeeded', ...chargeCauses]),
  message: text.describe('Why it, or its first failed item, failed; else empty'),
})

/** Calls about logs of jobs. */
export const logApi = {
  jobLogs: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/logs',
    summary: 'Overview of a run, and which logs of its worker processes there are.',
    query: jobKey,
    body: none,
    answer: jobLogsView,
  }),
  jobLog: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/log',
    summary: 'What the worker processes of a job printed on one machine.',
    query: jobKey.extend({
      peer: z.string().min(1).max(128).describe('Name or PeerId of the machine'),
      process: z.coerce.number().int().min(0).optional().describe('Left out: all of them'),
      tail: z.coerce.number().int().min(1).optional().describe('Only the last lines of each'),
    }),
    body: none,
    answer: jobLogView,
  }),
  attempts: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job/attempts',
    summary: 'Processed mini-batches: committed and charged attempts, a page at a time.',
    query: jobKey.extend({
      cursor: z.string().max(64).optional(),
      limit: z.coerce.number().int().min(1).max(1_000).optional(),
    }),
    body: none,
    answer: z.object({
      attempts: z.array(processedMiniBatchView),
      next: text.nullable().describe('Cursor of the next page; null on the last'),
    }),
  }),
} as const
