import type { ClusterView, MachineView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { notInCluster } from '../../submit/submit.ts'
import { done } from './handler-deps.ts'
import type { HandlerDeps, Handlers } from './handler-deps.ts'

export const clusterHandlers = (
  deps: HandlerDeps,
): Handlers<
  'createCluster' | 'cluster' | 'invite' | 'join' | 'members' | 'removeMember' | 'addAddress'
> => {
  const cluster = (): Result<ClusterView, MusterError> => {
    const view = deps.clusterView()
    return view === null ? err(notInCluster) : ok(view)
  }
  return {
    createCluster: async ({ body }) => {
      const created = await deps.commands.create(body.name)
      if (!created.ok) return created
      const view = cluster()
      return view.ok ? ok({ ...view.value, ...created.value }) : view
    },
    cluster: async () => cluster(),
    invite: async ({ body }) => {
      const lifeMs = (body.expiresInSeconds ?? limits.invitationMs / 1_000) * 1_000
      const roles = body.roles ?? ['work']
      const made = deps.commands.invite(roles, lifeMs)
      if (!made.ok) return made
      return ok({ ...made.value, roles, addresses: deps.agentView().addresses })
    },
    join: async ({ body, signal }) => {
      const joined = await deps.commands.join(body.code, signal)
      if (!joined.ok) return joined
      const view = cluster()
      return view.ok ? ok({ ...view.value, ...joined.value }) : view
    },
    members: async () => {
      const view = cluster()
      return view.ok ? ok({ members: [...deps.machines()] }) : view
    },
    removeMember: async ({ query }) => {
      const peer = findPeer(deps.machines(), query.peer)
      if (!peer.ok) return peer
      const removed = await deps.commands.remove(peer.value)
      return removed.ok ? ok(done) : removed
    },
    addAddress: async ({ body }) => {
      const added = await deps.addAddress(body.address)
      return added.ok ? ok(done) : added
    },
  }
}

export const poolHandlers = ({
  pools,
}: HandlerDeps): Handlers<'pools' | 'pool' | 'createPool' | 'removePool'> => ({
  pools: async () => ok({ pools: [...(await pools.list())] }),
  pool: ({ query }) => pools.find(query.pool),
  createPool: ({ body }) => pools.set(body),
  removePool: async ({ query }) => {
    const removed = await pools.remove(query.pool)
    return removed.ok ? ok(done) : removed
  },
})

export const findPeer = (
  machines: readonly MachineView[],
  key: string,
): Result<PeerId, MusterError> => {
  const found = machines.filter((machine) => machine.peer === key || machine.name === key)
  const [first, second] = found
  if (first === undefined || second !== undefined)
    return err(
      musterError(
        'MemberUnknown',
        first === undefined
          ? `No member is called "${key}"; \`muster cluster members\` shows all of them.`
          : `Several members are called "${key}"; give the PeerId instead.`,
      ),
    )
  return ok(first.peer as PeerId)
}
