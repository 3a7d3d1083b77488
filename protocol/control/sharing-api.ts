import { z } from 'zod'
import { done, endpoint, jobKey, none } from './endpoint.ts'
import { jobView } from './job-views.ts'
import { count, text } from './view-fields.ts'

/** How jobs share the machines: pausing them, and pools; and what is forgotten of them. */

export const poolFilterView = z.object({
  names: z.array(text.min(1).max(64)).max(1_000).describe('One of these machines; empty: any'),
  tags: z
    .array(text.min(1).max(64))
    .max(64)
    .describe('All of these tags, as their owners set them'),
  gpu: z.boolean().describe('A device other than the CPU'),
  memoryBytes: count.describe('At least this much memory'),
})

export const poolView = z.object({
  name: text,
  description: text,
  minPeers: count.describe('Jobs wait while fewer can work'),
  maxPeers: count.nullable().describe('Machines that work at once; null: any number'),
  filter: poolFilterView,
  createdAt: z.number(),
  allocationState: z
    .enum(['Steady', 'Resizing'])
    .describe('Steady: as many machines can work as could'),
  currentPeers: count.describe('Machines that can work for its jobs now'),
  targetPeers: count.describe('As many as would if all of its machines were there'),
  peerStates: z.object({
    idle: count,
    running: count,
    preparing: count.describe('Silent for some seconds'),
    unusable: count.describe('There, and allowed no work'),
    away: count,
  }),
  errors: z.array(text).describe('Why it has fewer machines than it could, in sentences'),
})
export type PoolView = z.infer<typeof poolView>

const poolKey = z.object({ pool: z.string().min(1).max(64).describe('Name of the pool') })

export const forgottenJobView = jobView.extend({
  left: text.describe(
    'Folder of its output that was asked for by name: files there stay; empty if there is none',
  ),
  sharedWith: z
    .array(z.object({ id: text.describe('Id of the job'), name: text.describe('Its name') }))
    .describe('Jobs that have rows of it too, since one took them over from the other: they stay'),
})

/** Calls about forgetting and pausing jobs, and about pools. */
export const sharingApi = {
  forgetJob: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/forget',
    summary:
      'Removes rows, logs, collected files and names of items of an ended job on every member.',
    query: jobKey,
    body: none,
    answer: forgottenJobView,
  }),
  pauseJob: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/pause',
    summary: 'Pauses a job: what runs is stopped and costs no attempt.',
    query: jobKey,
    body: none,
    answer: jobView,
  }),
  resumeJob: endpoint({
    method: 'POST',
    path: '/api/v1/jobs/:job/resume',
    summary: 'Lets a paused job go on.',
    query: jobKey,
    body: none,
    answer: jobView,
  }),
  pools: endpoint({
    method: 'GET',
    path: '/api/v1/pools',
    summary: 'Pools and how many of their machines can work now.',
    query: none,
    body: none,
    answer: z.object({ pools: z.array(poolView) }),
  }),
  pool: endpoint({
    method: 'GET',
    path: '/api/v1/pools/:pool',
    summary: 'One pool.',
    query: poolKey,
    body: none,
    answer: poolView,
  }),
  createPool: endpoint({
    method: 'POST',
    path: '/api/v1/pools',
    summary: 'Makes a pool: a named subset of the machines that a job may use.',
    query: none,
    body: z.object({
      name: z
        .string()
        .max(64)
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits, ".", "_" and "-"'),
      description: z.string().max(16_384).optional(),
      minPeers: z.int().min(0).max(1_000).optional().describe('Jobs wait for as many; default 0'),
      maxPeers: z
        .int()
        .min(1)
        .max(1_000)
        .nullable()
        .optional()
        .describe('Machines that work at once; null or left out: all'),
      filter: poolFilterView.partial().optional(),
      overwrite: z.boolean().optional().describe('Change the pool of that name; default false'),
    }),
    answer: poolView,
  }),
  removePool: endpoint({
    method: 'DELETE',
    path: '/api/v1/pools/:pool',
    summary: 'Removes a pool; jobs that name it wait until there is one of that name again.',
    query: poolKey,
    body: none,
    answer: done,
  }),
} as const
