import { z } from 'zod'
import { done, endpoint, none } from './endpoint.ts'
import {
  clusterCreatedView,
  clusterView,
  invitationView,
  joinedView,
  machineView,
} from './views.ts'

const rolesField = z
  .array(z.enum(['admin', 'submit', 'work']))
  .min(1)
  .max(3)

/** Calls about the cluster: its members, and those who may come. */
export const clusterApi = {
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
} as const
