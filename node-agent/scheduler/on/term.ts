import { compareTerms, type Term } from '#protocol/model/term.ts'
import { cell } from '../columns.ts'
import type { Decisions } from '../decisions.ts'
import { countSlots } from '../jobs.ts'
import { liveOf, removeLease, tellLease } from '../leases.ts'
import { isOpenCell, setState, stateOf } from '../cells.ts'
import type { SchedulerState } from '../state.ts'

/** This agent is head now. Leases of its earlier term are offered again by the workers, as all others. */
export const onTermTaken = (state: SchedulerState, term: Term, decisions: Decisions): void => {
  if (term.head !== state.self || isOlder(state, term) || state.term?.number === term.number) return
  forgetLeases(state)
  state.term = term
  state.newestTerm = term
  state.termTakenAt = state.now
  state.nextLeaseId = 1
  for (const entry of state.open) decisions.touched.add(entry)
}

/** A newer head reigns: what was granted is its business now. Runs under way go on. */
export const onTermLost = (state: SchedulerState, term: Term): void => {
  if (isOlder(state, term)) return
  state.newestTerm = term
  if (state.term === null || compareTerms(term, state.term) <= 0) return
  state.term = null
  forgetLeases(state)
}

const isOlder = (state: SchedulerState, term: Term): boolean =>
  state.newestTerm !== null && compareTerms(term, state.newestTerm) < 0

const forgetLeases = (state: SchedulerState): void => {
  for (const lease of state.leases.values()) {
    removeLease(state, lease)
    tellLease(state, lease, { peer: lease.peer, kind: 'freed', detail: 'another term began' })
    const entry = state.jobs.get(lease.job)
    if (
      entry !== undefined &&
      liveOf(entry, lease.miniBatch).length === 0 &&
      isOpenCell(stateOf(entry, lease.miniBatch))
    ) {
      setState(entry, lease.miniBatch, cell.pending)
    }
  }
  for (const peer of state.peers.values()) {
    peer.greeted = false
    for (const onPeer of peer.jobs.values()) {
      onPeer.initFailures = 0
      onPeer.setAsideBy = null
    }
  }
  for (const entry of state.jobs.values()) {
    entry.peersUsed.clear()
    entry.leasesLost = 0
    entry.listingMs = 0
    entry.stalledMs = 0
  }
  countSlots(state)
}
