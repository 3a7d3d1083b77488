import { z } from 'zod'
import { endpoint, none } from './endpoint.ts'
import { modelView } from './views.ts'

/** Calls about registered models. */
export const modelApi = {
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
} as const
