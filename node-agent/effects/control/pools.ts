import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Views } from '#agent/ports/views.ts'
import type { PoolView } from '#protocol/control/sharing-api.ts'
import type { MachineView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Capabilities, Member, Role } from '#protocol/model/member.ts'
import { fitsPool } from '#protocol/model/pool.ts'
import type { PoolFilter, PoolRule } from '#protocol/model/pool.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { notInCluster } from '../submit/submit.ts'

/** Pools: made and removed by admins, filled by what machines tell of themselves. */
export interface Pools {
  readonly list: () => Promise<readonly PoolView[]>
  readonly find: (name: string) => Promise<Result<PoolView, MusterError>>
  readonly set: (wish: PoolWish) => Promise<Result<PoolView, MusterError>>
  readonly remove: (name: string) => Promise<Result<void, MusterError>>
  /** Every pool with the machines that fit it, for the schedule. */
  readonly members: () => Promise<readonly PoolMembers[]>
}

export interface PoolWish {
  readonly name: string
  readonly description?: string | undefined
  readonly minPeers?: number | undefined
  readonly maxPeers?: number | null | undefined
  readonly filter?: { readonly [Key in keyof PoolFilter]?: PoolFilter[Key] | undefined } | undefined
  /** False: a pool of that name must not be there yet. */
  readonly overwrite?: boolean | undefined
}

export interface PoolMembers {
  readonly name: string
  readonly minPeers: number
  readonly maxPeers: number | null
  readonly members: readonly PeerId[]
}

export interface PoolsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly ledger: Ledger
  readonly views: Views
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  readonly members: () => readonly Member[]
  readonly machineView: (member: Member) => MachineView
  readonly capabilitiesOf: (peer: PeerId) => Capabilities | undefined
}

export const createPools = (deps: PoolsDeps): Pools => {
  const { views } = deps
  const find = async (name: string): Promise<Result<PoolView, MusterError>> => {
    const rule = (await views.pools()).find((pool) => pool.name === name)
    return rule === undefined ? err(unknown(name)) : ok(viewOf(deps, rule))
  }
  return {
    list: async () => (await views.pools()).map((rule) => viewOf(deps, rule)),
    find,
    set: (wish) => setPool(deps, wish),
    remove: async (name) => {
      const refusal = refusalOf(deps, 'remove pools')
      if (refusal !== undefined) return err(refusal)
      const found = await find(name)
      if (!found.ok) return found
      const clock = (await views.poolClock(name)) + 1
      const at = deps.clock.now()
      const added = await deps.ledger.append([{ kind: 'pool-removed', name, clock, at }])
      return added.ok ? ok(undefined) : added
    },
    members: async () =>
      (await views.pools()).map((rule) => ({
        name: rule.name,
        minPeers: rule.minPeers,
        maxPeers: rule.maxPeers,
        members: membersOf(deps, rule).map((member) => member.peer),
      })),
  }
}

const unknown = (name: string): MusterError =>
  musterError('NotFound', `There is no pool "${name}"; \`muster pool list\` shows all pools.`)

const refusalOf = ({ ledger, rolesOf, self }: PoolsDeps, toDo: string): MusterError | undefined => {
  if (ledger.cluster() === null) return notInCluster
  if (rolesOf(self).includes('admin')) return undefined
  return musterError('RoleMissing', `This machine may not ${toDo}: it lacks the role "admin".`)
}

const setPool = async (deps: PoolsDeps, wish: PoolWish): Promise<Result<PoolView, MusterError>> => {
  const refusal = refusalOf(deps, 'make pools')
  if (refusal !== undefined) return err(refusal)
  const { name, minPeers = 0, maxPeers = null } = wish
  if (maxPeers !== null && minPeers > maxPeers)
    return err(
      musterError(
        'RequestInvalid',
        `The pool "${name}" would need ${minPeers} machines and may use ${maxPeers}: give a maximum of at least ${minPeers}.`,
      ),
    )
  const before = (await deps.views.pools()).find((pool) => pool.name === name)
  if (before !== undefined && wish.overwrite !== true)
    return err(
      musterError(
        'RequestInvalid',
        `There is a pool "${name}" already; \`muster pool create ${name} --overwrite\` changes it.`,
      ),
    )
  const { names = [], tags = [], gpu = false, memoryBytes = 0 } = wish.filter ?? {}
  const at = deps.clock.now()
  const pool: PoolRule = {
    name,
    description: wish.description ?? '',
    minPeers,
    maxPeers,
    filter: { names, tags, gpu, memoryBytes },
    createdAt: before?.createdAt ?? at,
  }
  const clock = (await deps.views.poolClock(name)) + 1
  const added = await deps.ledger.append([{ kind: 'pool-set', pool, clock, at }])
  return added.ok ? ok(viewOf(deps, pool)) : added
}

/** A machine that was not heard of since this agent started is in no pool: nobody knows what it is. */
const membersOf = (deps: PoolsDeps, rule: PoolRule): readonly Member[] =>
  deps.members().filter((member) => {
    const capabilities = deps.capabilitiesOf(member.peer)
    return (
      member.roles.includes('work') && capabilities !== undefined && fitsPool(rule, capabilities)
    )
  })

const viewOf = (deps: PoolsDeps, rule: PoolRule): PoolView => {
  const machines = membersOf(deps, rule).map(deps.machineView)
  const peerStates = { idle: 0, running: 0, preparing: 0, unusable: 0, away: 0 }
  for (const machine of machines) peerStates[stateOf(machine)] += 1
  const most = rule.maxPeers ?? Infinity
  const canWork = peerStates.idle + peerStates.running
  const currentPeers = Math.min(canWork, most)
  const targetPeers = Math.max(rule.minPeers, Math.min(machines.length, most))
  const { names, tags, ...filter } = rule.filter
  return {
    name: rule.name,
    description: rule.description,
    minPeers: rule.minPeers,
    maxPeers: rule.maxPeers,
    filter: { ...filter, names: [...names], tags: [...tags] },
    createdAt: rule.createdAt,
    allocationState: currentPeers === targetPeers ? 'Steady' : 'Resizing',
    currentPeers,
    targetPeers,
    peerStates,
    errors: currentPeers === targetPeers ? [] : errorsOf(rule, machines, canWork),
  }
}

const stateOf = (machine: MachineView): keyof PoolView['peerStates'] => {
  if (machine.liveness === 'suspect') return 'preparing'
  if (machine.liveness === 'lost' || machine.liveness === 'never-seen') return 'away'
  if (machine.slots === 0) return 'unusable'
  return machine.busySlots > 0 ? 'running' : 'idle'
}

const errorsOf = (
  rule: PoolRule,
  machines: readonly MachineView[],
  canWork: number,
): PoolView['errors'] => {
  const short =
    canWork < rule.minPeers
      ? [
          `It needs ${rule.minPeers} machines; ${machines.length} fit its filter, ${canWork} can work.`,
        ]
      : []
  const reasons = machines
    .filter((machine) => !['idle', 'running'].includes(stateOf(machine)))
    .map(({ name, reason }) => `${name}: ${reason === '' ? 'It may not work now.' : reason}`)
  return [...short, ...reasons]
}
