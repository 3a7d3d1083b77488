import { limits } from '#protocol/limits.ts'
import type { Term } from '#protocol/model/term.ts'
import { cell } from './columns.ts'
import type { Decisions } from './decisions.ts'
import { grant } from './leases.ts'
import {
  countIn,
  takePending,
  type JobEntry,
  type PeerEntry,
  type SchedulerState,
} from './state.ts'
import {
  firstRoom,
  jobReason,
  peerReason,
  refillDue,
  slotsFor,
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
  if (decisions.scope !== 'all') {
    const peer = state.peers.get(decisions.scope)
    if (peer !== undefined) fill(state, decisions, state.term, peer)
    return
  }
  const peers = [...state.peers.values()].filter((peer) => peer.greeted && peer.slots > 0)
  for (const peer of byPreference(state, peers)) feedIdleSlots(state, decisions, state.term, peer)
  for (const peer of peers) fill(state, decisions, state.term, peer)
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
const feedIdleSlots = (
  state: SchedulerState,
  decisions: Decisions,
  term: Term,
  peer: PeerEntry,
): void => {
  while (peer.leases.size < peer.slots) {
    const entry = neediest(state, (candidate) => {
      const live = peer.jobs.get(candidate.id)?.live ?? 0
      return live < slotsFor(candidate, peer) && waitReason(state, candidate, peer) === undefined
    })
    if (entry === undefined || !grantNext(state, decisions, term, { entry, peer })) return
  }
}

/** Fills a peer to its target; jobs share by fewest leases, the oldest first when equal. */
const fill = (state: SchedulerState, decisions: Decisions, term: Term, peer: PeerEntry): void => {
  const able = state.open.filter(
    (entry) =>
      countIn(entry, cell.pending) > 0 &&
      jobReason(state, entry) === undefined &&
      peerReason(state, entry, peer) === undefined,
  )
  if (able.length === 0) return
  for (const entry of able) {
    // A job that has nothing here yet gets its first leases even beside a full peer.
    for (let room = firstRoom(entry, peer); room > 0; room--) {
      if (!mayUse(state, entry, peer) || !grantNext(state, decisions, term, { entry, peer })) break
    }
  }
  if (!refillDue(state, peer)) return
  const only = able.length === 1 ? able[0] : undefined
  if (only !== undefined) {
    for (let room = targetRoom(state, only, peer); room > 0; room--) {
      if (!grantNext(state, decisions, term, { entry: only, peer })) return
    }
    return
  }
  for (let left = limits.liveLeasesPerPeer; left > 0; left--) {
    const entry = neediest(
      state,
      (candidate) =>
        able.includes(candidate) &&
        mayUse(state, candidate, peer) &&
        targetRoom(state, candidate, peer) > 0,
    )
    if (entry === undefined || !grantNext(state, decisions, term, { entry, peer })) return
  }
}

/** A peer may stop being eligible while peers are filled: the job's `peerCount` is reached. */
const mayUse = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): boolean =>
  countIn(entry, cell.pending) > 0 && peerReason(state, entry, peer) === undefined

/** Fewest leases per weight; all weights are 1 until jobs can be given others. */
const neediest = (
  state: SchedulerState,
  isAble: (entry: JobEntry) => boolean,
): JobEntry | undefined => {
  let best: JobEntry | undefined
  for (const entry of state.open) {
    if ((best === undefined || entry.live < best.live) && isAble(entry)) best = entry
  }
  return best
}

const grantNext = (
  state: SchedulerState,
  decisions: Decisions,
  term: Term,
  to: { readonly entry: JobEntry; readonly peer: PeerEntry },
): boolean => {
  const miniBatch = takePending(to.entry)
  if (miniBatch < 0) return false
  grant(state, decisions, term, { ...to, miniBatch })
  return true
}
