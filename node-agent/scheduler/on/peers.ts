import type { PeerId } from '#protocol/model/ids.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { countSlots } from '../jobs.ts'
import { countLost, freeLease, peerEntry } from '../leases.ts'
import type { SchedulerState } from '../state.ts'

/** A sign of life. A peer that was lost must greet before it gets leases again. */
export const onPeerAlive = (state: SchedulerState, peer: PeerId, decisions: Decisions): void => {
  const entry = peerEntry(state, peer)
  if (entry.liveness === 'alive') return
  entry.liveness = 'alive'
  countSlots(state)
  // It may hold the items of a job that waits for it.
  mayPlace(decisions, 'all')
}

export const onPeerSuspected = (state: SchedulerState, peer: PeerId): void => {
  const entry = peerEntry(state, peer)
  if (entry.liveness === 'lost') return
  entry.liveness = 'suspect'
  countSlots(state)
}

/** Its leases are free at once and cost nothing. */
export const onPeerLost = (state: SchedulerState, peer: PeerId, decisions: Decisions): void => {
  const entry = peerEntry(state, peer)
  entry.liveness = 'lost'
  entry.greeted = false
  for (const lease of entry.leases) {
    countLost(state, lease.job)
    freeLease(state, decisions, lease, 'the machine was lost')
  }
  leavePlaces(state, peer)
  countSlots(state)
}

/** Its owner allows another number of worker processes now. */
export const onSlotsChanged = (
  state: SchedulerState,
  fact: { readonly peer: PeerId; readonly slots: number },
  decisions: Decisions,
): void => {
  const entry = peerEntry(state, fact.peer)
  entry.slots = fact.slots
  if (fact.slots === 0) leavePlaces(state, fact.peer)
  countSlots(state)
  mayPlace(decisions, 'all')
}

/** A peer that works no more gives its place among a job's `peerCount` to another. */
const leavePlaces = (state: SchedulerState, peer: PeerId): void => {
  for (const job of state.open) job.peersUsed.delete(peer)
}
