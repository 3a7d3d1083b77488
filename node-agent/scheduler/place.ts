import { limits } from '#protocol/limits.ts'
import type { Term } from '#protocol/model/term.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import { cell } from './columns.ts'
import type { Decisions } from './decisions.ts'
import { grant, takeBack } from './leases.ts'
import { countIn, takePending } from './cells.ts'
import type { JobEntry, PeerEntry, PeerJob, SchedulerState } from './state.ts'
import {
  aheadPerSlot,
  firstRoom,
  jobReason,
  peerReason,
  priorityOf,
  refillDue,
  slotsFor,
  slotsLeft,
  targetRoom,
  waitReason,
} from './wait.ts'

/**
 * Gives pending mini-batches to peers that have room. When work may be short, every idle slot gets one
 * first, the quickest machines before the others; then each peer is filled to its target.
 */
export const place = (state: SchedulerState, decisions: Decisions): void => {
  if (state.term === null || decisions.scope === 'none') return
  if (!state.open.some((entry) => countIn(entry, cell.pending) > 0)) return
  const placing = { state, decisions, term: state.term, shares: createShares(state) }
  if (decisions.scope !== 'all') {
    const peer = state.peers.get(decisions.scope)
    if (peer !== undefined) fill(placing, peer)
    return
  }
  const peers = [...state.peers.values()].filter((peer) => peer.greeted && peer.slots > 0)
  for (const peer of byPreference(state, peers)) feedIdleSlots(placing, peer)
  for (let granted = -1; granted !== state.counters.grants;) {
    granted = state.counters.grants
    for (const peer of peers) fill(placing, peer)
    // Once a job of higher priority has nothing left, what it kept from others is theirs.
    if (!hasPriorities(state)) return
  }
}

const hasPriorities = ({ open }: SchedulerState): boolean =>
  open.some((entry) => priorityOf(entry) !== priorityOf(open[0] ?? entry))

interface Placing {
  readonly state: SchedulerState
  readonly decisions: Decisions
  readonly term: Term
  readonly shares: Shares
}

/** Data's own peer first (nothing travels), then by measured speed, then as they came. */
const byPreference = (state: SchedulerState, peers: readonly PeerEntry[]): readonly PeerEntry[] => {
  const first = state.open[0]
  if (first === undefined) return peers
  const cost = (peer: PeerEntry): number =>
    (peer.peer === first.job?.dataPeer ? 0 : 1e9) + (peer.jobs.get(first.id)?.runMs ?? 1e8)
  return peers
    .map((peer) => ({ peer, cost: cost(peer) }))
    .sort((a, b) => a.cost - b.cost)
    .map(({ peer }) => peer)
}

/** One lease for each slot that has none at all. */
const feedIdleSlots = (placing: Placing, peer: PeerEntry): void => {
  const { state } = placing
  while (peer.leases.size < peer.slots) {
    const entry = neediest(placing, state.open, (candidate) => {
      const live = peer.jobs.get(candidate.id)?.live ?? 0
      return live < slotsFor(candidate, peer) && waitReason(state, candidate, peer) === undefined
    })
    if (entry === undefined || !grantNext(placing, { entry, peer })) return
  }
}

/** Fills a peer to its target, job by job as they are due. */
const fill = (placing: Placing, peer: PeerEntry): void => {
  const { state } = placing
  const able = state.open.filter(
    (entry) =>
      countIn(entry, cell.pending) > 0 &&
      jobReason(state, entry) === undefined &&
      peerReason(state, entry, peer) === undefined,
  )
  if (able.length === 0) return
  for (const entry of able.toSorted((a, b) => priorityOf(b) - priorityOf(a))) {
    makeWay(placing, entry, peer)
    // A job that has nothing here yet gets its first leases even beside a full peer.
    for (let room = firstRoom(entry, peer); room > 0; room--) {
      if (!mayUse(state, entry, peer) || !grantNext(placing, { entry, peer })) break
    }
  }
  // Grants travel in batches: nobody is refilled before one of them is due, and then all are.
  if (!able.some((entry) => refillDue(state, entry, peer))) return
  const only = able.length === 1 ? able[0] : undefined
  if (only !== undefined) {
    for (let room = targetRoom(state, only, peer); room > 0; room--) {
      if (!grantNext(placing, { entry: only, peer })) return
    }
    return
  }
  for (let left = limits.liveLeasesPerPeer; left > 0; left--) {
    const entry = neediest(
      placing,
      able,
      (candidate) => mayUse(state, candidate, peer) && targetRoom(state, candidate, peer) > 0,
    )
    if (entry === undefined || !grantNext(placing, { entry, peer })) return
  }
}

/** A peer may stop being eligible while peers are filled: the job's `peerCount` is reached. */
const mayUse = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): boolean =>
  countIn(entry, cell.pending) > 0 && peerReason(state, entry, peer) === undefined

/** Leases that jobs of lower priority have not begun go back, as far as the job could use their slots. */
const makeWay = ({ state, decisions }: Placing, entry: JobEntry, peer: PeerEntry): void => {
  const onEntry = peer.jobs.get(entry.id)
  const slots = Math.min(slotsFor(entry, peer), slotsLeft(state, entry, peer))
  const most = Math.floor(slots * aheadPerSlot(state, entry, onEntry) + 1e-9)
  const wanted = Math.min(countIn(entry, cell.pending), most - (onEntry?.ahead ?? 0))
  if (targetRoom(state, entry, peer) >= wanted) return
  for (const other of state.open) {
    const onPeer = peer.jobs.get(other.id)
    if (priorityOf(other) >= priorityOf(entry) || onPeer === undefined || onPeer.ahead === 0)
      continue
    const may = Math.floor(
      slotsLeft(state, other, peer) * aheadPerSlot(state, other, onPeer) + 1e-9,
    )
    const waiting = [...peer.leases].filter(
      (lease) => lease.job === other.id && lease.startedAt === null,
    )
    for (const lease of waiting.slice(may))
      takeBack(state, decisions, lease, 'a job of higher priority goes first')
  }
}

/** The highest priority first; among equals the one that holds the least for its weight, then the oldest. */
const neediest = (
  placing: Placing,
  candidates: readonly JobEntry[],
  isAble: (entry: JobEntry) => boolean,
): JobEntry | undefined => {
  let best: JobEntry | undefined
  for (const entry of candidates) {
    if (best !== undefined && !goesBefore(placing, entry, best)) continue
    if (isAble(entry)) best = entry
  }
  return best
}

const goesBefore = ({ shares }: Placing, a: JobEntry, b: JobEntry): boolean =>
  priorityOf(a) > priorityOf(b) || (priorityOf(a) === priorityOf(b) && shares.of(a) < shares.of(b))

const grantNext = (
  { state, decisions, term, shares }: Placing,
  to: { readonly entry: JobEntry; readonly peer: PeerEntry },
): boolean => {
  const miniBatch = takePending(to.entry)
  if (miniBatch < 0) return false
  grant(state, decisions, term, { ...to, miniBatch })
  shares.granted(to.entry, to.peer)
  return true
}

/**
 * What each job holds for its weight, in slots full of work: a job with short mini-batches needs many leases
 * for what another has in one, so leases themselves cannot be compared. Counted once an event, where asked.
 */
interface Shares {
  readonly of: (entry: JobEntry) => number
  readonly granted: (entry: JobEntry, peer: PeerEntry) => void
}

const createShares = (state: SchedulerState): Shares => {
  const held = new Map<JobEntry, number>()
  const worth = (entry: JobEntry, onPeer: PeerJob | undefined): number =>
    1 / aheadPerSlot(state, entry, onPeer)
  const heldBy = (entry: JobEntry): number => {
    let slots = held.get(entry)
    if (slots !== undefined) return slots
    slots = 0
    for (const peer of state.peers.values()) {
      const onPeer = peer.jobs.get(entry.id)
      if (onPeer === undefined || onPeer.live === 0) continue
      slots += onPeer.live * worth(entry, onPeer)
    }
    held.set(entry, slots)
    return slots
  }
  return {
    of: (entry) => heldBy(entry) / (entry.job?.spec.weight ?? jobDefaults.weight),
    granted: (entry, peer) => {
      if (!held.has(entry)) return
      held.set(entry, heldBy(entry) + worth(entry, peer.jobs.get(entry.id)))
    },
  }
}
