import { createClusterCommands } from '#agent/effects/control/cluster-commands.ts'
import type { ClusterCommands } from '#agent/effects/control/cluster-commands.ts'
import { checkChange } from '#agent/membership/change.ts'
import { nextClock } from '#agent/membership/queries.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import type { AgentOptions } from '#agent/ports/agent-options.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Capabilities } from '#protocol/model/member.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { Adapters } from './adapters.ts'
import type { Core } from './core.ts'

/** This agent's life in its cluster: founding or joining it, listening, leading. */
export interface ClusterLife {
  readonly commands: ClusterCommands
  /** An inviter whose membership record is still on its way. */
  readonly trusts: (peer: PeerId) => boolean
  /** Goes on where the last run stopped; does nothing before pairing. */
  readonly resume: () => Promise<Result<void, MusterError>>
}

export interface ClusterLifeDeps {
  readonly options: AgentOptions
  readonly adapters: Adapters
  readonly membership: MembershipState
  /** What this machine is now. */
  readonly facts: () => Capabilities
  readonly core: Core
}

export const createClusterLife = (deps: ClusterLifeDeps): ClusterLife => {
  const { adapters, membership, core, facts } = deps
  const { ledger, keys } = adapters
  const trusted = new Set<PeerId>()
  const genesis = () => ({
    name: membership.genesis?.name ?? '',
    creator: membership.genesis?.creator ?? keys.self,
  })

  const open = async (): Promise<Result<void, MusterError>> => {
    const listening = await listen(deps)
    if (!listening.ok) return listening
    return core.leadIfCreator(genesis().creator)
  }

  const commands = createClusterCommands({
    ...adapters,
    self: keys.self,
    capabilities: facts,
    checkChange: (change) => checkChange(membership, change),
    members: core.member.members,
    genesis,
    nextClock: () => nextClock(membership),
    membershipSegments: () => ledger.missingFrom([], limits.segmentBytes),
    takeSegments: core.sync.take,
    clusterReady: open,
    trust: (inviter, addresses) => {
      trusted.add(inviter)
      core.member.learnAddresses(inviter, addresses)
    },
    admitted: core.member.learnAddresses,
  })

  return {
    commands,
    trusts: (peer) => trusted.has(peer),
    resume: async () => (ledger.cluster() === null ? ok(undefined) : open()),
  }
}

/** Listens on the port of last time, so that remembered addresses stay true; on another if it is taken. */
const listen = async ({
  options,
  adapters,
  core,
}: ClusterLifeDeps): Promise<Result<void, MusterError>> => {
  const { transport, views, ledger, log } = adapters
  if (transport.addresses().length > 0) return ok(undefined)
  const remembered = await views.setting('port')
  const port = options.port === 0 && typeof remembered === 'number' ? remembered : options.port
  const mdns = core.settings.now().mdns
    ? { mdnsTag: `muster-${ledger.cluster()?.slice(0, 16) ?? ''}` }
    : {}
  const wanted = { hosts: options.listenHosts, ...mdns }
  let listening = await transport.listen({ ...wanted, port })
  if (!listening.ok && options.port === 0 && port !== 0) {
    log.warn('the port of last time is taken; another is used', { port })
    listening = await transport.listen({ ...wanted, port: 0 })
  }
  if (!listening.ok) return listening
  const used = /\/tcp\/(\d+)/.exec(transport.addresses()[0] ?? '')?.[1]
  if (used !== undefined) await views.setSetting('port', Number(used))
  return ok(undefined)
}
