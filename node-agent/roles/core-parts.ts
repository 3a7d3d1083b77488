import type { BlobExchange } from '#agent/effects/keeper/blob-exchange.ts'
import type { Forgetter } from '#agent/effects/keeper/forgetting.ts'
import type { InputExchange } from '#agent/effects/inputs/input-exchange.ts'
import type { JobLogs } from '#agent/effects/keeper/job-logs.ts'
import type { Keeper } from '#agent/effects/keeper/keeper.ts'
import type { MemoryBook } from '#agent/effects/worker/memory-book.ts'
import type { LedgerSync } from '#agent/effects/ledger-sync.ts'
import type { LiveJobs } from '#agent/effects/control/live-jobs.ts'
import type { MachineBook } from '#agent/effects/control/machine-views.ts'
import type { Planning } from '#agent/effects/head/planning.ts'
import type { Pools } from '#agent/effects/control/pools.ts'
import type { ReachBook } from '#agent/effects/inputs/reach-book.ts'
import type { WholeInputs } from '#agent/effects/inputs/whole-inputs.ts'
import type { SettingsBook } from '#agent/effects/control/settings.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import type { DeltaView, MachineView } from '#protocol/control/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Member } from '#protocol/model/member.ts'
import type { Model } from '#protocol/model/model.ts'
import type { Term } from '#protocol/model/term.ts'
import type { Heartbeat } from '#protocol/wire/presence/protocol.ts'
import type { Adapters } from './adapters.ts'
import type { HeadRole } from './head-role.ts'
import type { LeaseLink } from './lease-link.ts'
import type { MemberRole } from './member-role.ts'
import type { RunLife } from './run-life.ts'
import type { WorkerRole } from './worker-role.ts'

export interface CoreOptions {
  readonly adapters: Adapters
  readonly membership: MembershipState
  /** What the owner allows, and what the command line says, now. */
  readonly settings: SettingsBook
  /** Worker processes the owner allows now. */
  readonly slots: () => number
  readonly threads: () => number
  readonly publish: (delta: DeltaView) => void
  readonly publishCluster: () => void
  readonly publishModel: (model: Model) => void
  /** The agent cannot go on, for example because its disk is full. */
  readonly failed: (error: MusterError) => void
}

/** The parts of an agent, joined one after the other: each may name the others, and asks them only later. */
export interface CoreParts extends CoreOptions {
  readonly book: MachineBook
  readonly reach: ReachBook
  readonly exchange: BlobExchange
  readonly inputs: InputExchange
  readonly wholeInputs: WholeInputs
  readonly link: LeaseLink
  readonly sync: LedgerSync
  member: MemberRole
  head: HeadRole
  memory: MemoryBook
  worker: WorkerRole
  logs: JobLogs
  keeper: Keeper
  planning: Planning
  forgetter: Forgetter
  runLife: RunLife
  live: LiveJobs
  pools: Pools
}

export const nameOf = ({ book, member }: CoreParts, peer: PeerId): string =>
  book.capabilitiesOf(peer)?.name ??
  member.members().find((one) => one.peer === peer)?.name ??
  peer.slice(-8)

/** Sentences of the machines name peers by PeerId; people know machines by name. */
export const withNames = (core: CoreParts, sentence: string): string =>
  sentence.replaceAll(/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g, (peer) => nameOf(core, asPeerId(peer)))

/** Worker processes this machine offers: none without the role `work`. */
export const slotsNow = ({ adapters, member, slots }: CoreParts): number =>
  member.rolesOf(adapters.keys.self).includes('work') ? slots() : 0

export const heartbeatNow = (core: CoreParts): Heartbeat => {
  const slots = slotsNow(core)
  return {
    kind: 'heartbeat',
    term: core.member.head(),
    sentAt: Math.floor(core.adapters.clock.now()),
    busySlots: core.worker.busy(),
    slots,
    load: core.adapters.host.load(),
    reason: slotsReason(core, slots),
    digest: core.head.digests(),
  }
}

const slotsReason = (core: CoreParts, slots: number): string => {
  if (slots > 0) return ''
  if (core.slots() > 0) return 'It was let in without the role "work".'
  return 'It was given no slots: `muster settings set slots auto` changes that.'
}

export const machineNow = (core: CoreParts, one: Member): MachineView => {
  const { transport, keys } = core.adapters
  return core.book.view(one, {
    liveness: core.member.liveness(one.peer),
    isHead: core.member.head()?.head === one.peer,
    addresses: one.peer === keys.self ? transport.addresses() : core.member.addressesOf(one.peer),
  })
}

export const publishMachine = (core: CoreParts, peer: PeerId): void => {
  const found = core.member.members().find((one) => one.peer === peer)
  if (found !== undefined)
    core.publish({ kind: 'machine-changed', machine: machineNow(core, found) })
}

/** Follows the head: greets it when it can be reached, waits when it cannot. */
export const followHead = (core: CoreParts, term: Term | null): void => {
  const { transport, keys } = core.adapters
  if (term === null) return core.worker.headLost()
  const isReachable =
    term.head === keys.self
      ? core.head.term() !== undefined
      : transport.connected().includes(term.head)
  if (isReachable) core.worker.headFound(term)
  else core.worker.headLost()
}
