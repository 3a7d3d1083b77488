import { z } from 'zod'
import { done, endpoint, none } from './endpoint.ts'
import { doctorView, loopDelayView, settingView, storeWorkView } from './care-views.ts'
import { agentView, snapshotView } from './views.ts'

/** Calls about this agent: what it shows first, its settings, its store, and what is wrong with it. */
export const agentApi = {
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
} as const
