import process from 'node:process'
import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { AgentView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { makeMachine, makeModel } from './control-views.ts'
import { newestFirst } from './control-fixture-shared.ts'
import type { Shared } from './control-fixture-shared.ts'

export const agentHandlers = (shared: Shared) => {
  const { home, deltas, jobs, stop } = shared
  const agent = (): AgentView => ({
    peer: 'peer-anna',
    name: 'anna',
    version: '0.1.0',
    node: process.version,
    home,
    pid: process.pid,
    startedAt: 1_700_000_000_000,
    addresses: ['/ip4/192.0.2.7/tcp/7432'],
    webAddress: shared.webAddress,
    itemsStreamed: 0,
  })
  return {
    agent: async () => ok(agent()),
    snapshot: async () =>
      ok({
        sequence: deltas.sequence(),
        agent: agent(),
        cluster,
        machines,
        jobs: newestFirst(jobs),
        models: [makeModel('mnist', 2)],
      }),
    stop: async () => {
      stop()
      return ok({ done: true as const })
    },
  } satisfies Partial<ControlHandlers>
}

const cluster = {
  id: 'a'.repeat(64),
  name: 'office',
  roles: ['admin' as const, 'submit' as const, 'work' as const],
  head: 'peer-anna',
  headName: 'anna',
  term: 1,
}

export const machines = [
  makeMachine({ peer: 'peer-anna', name: 'anna', liveness: 'self', isHead: true }),
  makeMachine({ peer: 'peer-ben', name: 'ben', reason: 'its owner is back' }),
]

export const clusterHandlers = {
  createCluster: async ({ body }) =>
    body.name === 'taken'
      ? err(
          musterError(
            'AlreadyInCluster',
            'This agent belongs to the cluster office already; remove it there first.',
          ),
        )
      : ok({ ...cluster, name: body.name, recoveryCode: 'RECOVERY-1234' }),
  cluster: async () => ok(cluster),
  invite: async ({ body }) =>
    ok({
      code: 'MUSTER-INVITE-1',
      words: 'apple river seven',
      roles: body.roles ?? ['work'],
      expiresAt: Date.now() + (body.expiresInSeconds ?? 600) * 1_000,
      addresses: ['/ip4/192.0.2.7/tcp/7432'],
    }),
  join: async ({ body }) =>
    body.code === 'MUSTER-INVITE-1'
      ? ok({ ...cluster, roles: ['work' as const], words: 'apple river seven' })
      : err(musterError('InvitationExpired', 'The invitation has expired; ask for a new one.')),
  members: async () => ok({ members: machines }),
  removeMember: async ({ query }) =>
    query.peer === 'ben' || query.peer === 'peer-ben'
      ? ok({ done: true as const })
      : err(
          musterError(
            'MemberUnknown',
            `No member is called ${query.peer}; \`muster cluster members\` lists them.`,
          ),
        ),
  addAddress: async ({ body }) =>
    body.address.startsWith('/')
      ? ok({ done: true as const })
      : err(
          musterError(
            'PeerUnreachable',
            `Nobody answers at ${body.address}; check it and try again.`,
            { retryable: true },
          ),
        ),
  peers: async () => ok({ peers: machines }),
} satisfies Partial<ControlHandlers>

export const modelHandlers = {
  registerModel: async ({ body }) =>
    body.path.endsWith('.onnx')
      ? ok({
          ...makeModel(body.name, 1),
          description: body.description ?? '',
          tags: body.tags ?? {},
        })
      : err(
          musterError(
            'ModelBroken',
            `The file ${body.path} is no ONNX model; choose a file that ends in .onnx.`,
          ),
        ),
  models: async () => ok({ models: [makeModel('mnist', 2), makeModel('mnist', 1)] }),
  model: async ({ query }) =>
    query.model.startsWith('mnist')
      ? ok(makeModel('mnist', Number(query.model.split(':')[1] ?? 2)))
      : err(
          musterError(
            'ModelUnknown',
            `No model is called ${query.model}; \`muster model list\` shows them.`,
          ),
        ),
} satisfies Partial<ControlHandlers>
