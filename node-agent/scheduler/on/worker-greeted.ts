import { limits } from '#protocol/limits.ts'
import type { AttemptReport, Lease } from '#protocol/model/attempt.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { createTokenMap } from '#protocol/model/token-map.ts'
import { compareTerms } from '#protocol/model/term.ts'
import { mayPlace, revoke, type Decisions } from '../decisions.ts'
import { countSlots } from '../jobs.ts'
import { addLease, countLost, liveOf, peerEntry, takeBack, tellLease } from '../leases.ts'
import { isKnown, isOpenCell, raiseAttempt, stateOf } from '../cells.ts'
import type { PeerEntry, SchedulerState } from '../state.ts'
import { onAttemptsFinished } from './attempts-finished.ts'

/**
 * A worker says what it can run, what it holds and what it finished. Its word is the truth about its
 * leases: what it names is adopted while it can still count, what it does not name is free. Reports come
 * first, so that a failure is charged to a lease that is still in the books.
 */
export const onWorkerGreeted = (
  state: SchedulerState,
  fact: {
    readonly peer: PeerId
    readonly slots: number
    readonly held: readonly Lease[]
    readonly reports: readonly AttemptReport[]
  },
  decisions: Decisions,
): void => {
  const peer = peerEntry(state, fact.peer)
  peer.liveness = 'alive'
  peer.slots = fact.slots
  if (state.term === null) return
  peer.greeted = true
  countSlots(state)
  decisions.welcomed.push(fact.peer)
  onAttemptsFinished(state, fact, decisions)
  const named = createTokenMap<true>()
  for (const lease of fact.held) named.set(lease.token, true)
  for (const lease of peer.leases) {
    // Revoked too: a grant under way may arrive after the greeting left.
    if (named.has(lease.token)) continue
    countLost(state, lease.job)
    takeBack(state, decisions, lease, 'the machine no longer holds it')
  }
  for (const lease of fact.held) adopt(state, decisions, peer, lease)
  mayPlace(decisions, 'all')
}

/** Books a lease that a worker holds; one that can no longer count is revoked. */
const adopt = (
  state: SchedulerState,
  decisions: Decisions,
  peer: PeerEntry,
  lease: Lease,
): void => {
  const known = state.leases.get(lease.token)
  if (known?.peer === peer.peer) return
  const entry = state.jobs.get(lease.job)
  if (entry !== undefined && entry.closed !== null) {
    revoke(decisions, peer.peer, lease.token, 'job-ended')
    return
  }
  // Of a job or plan chunk that has not arrived here yet: the worker goes on and names it again.
  if (entry === undefined || entry.job === null || !isKnown(entry, lease.miniBatch)) return
  if (!isOpenCell(stateOf(entry, lease.miniBatch))) {
    revoke(decisions, peer.peer, lease.token, 'another-attempt-counts')
    return
  }
  const live = liveOf(entry, lease.miniBatch)
  const isFromFuture = state.term !== null && compareTerms(lease.token.term, state.term) > 0
  if (
    known !== undefined ||
    isFromFuture ||
    live.length >= limits.liveLeasesPerMiniBatch ||
    live.some((other) => other.peer === peer.peer)
  ) {
    revoke(decisions, peer.peer, lease.token, 'taken-back')
    return
  }
  raiseAttempt(entry, lease.miniBatch, lease.attempt)
  const adopted = {
    token: lease.token,
    job: lease.job,
    miniBatch: lease.miniBatch,
    attempt: lease.attempt,
    firstItem: lease.firstItem,
    items: lease.items,
  }
  addLease(state, entry, peer, {
    ...adopted,
    peer: peer.peer,
    grantedAt: state.now,
    copy: live.length > 0,
    startedAt: null,
  })
  state.counters.adopted++
  tellLease(state, lease, { peer: peer.peer, kind: 'adopted' })
}
