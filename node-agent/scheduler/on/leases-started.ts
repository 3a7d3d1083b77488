import type { PeerId } from '#protocol/model/ids.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { peerJob, tellLease } from '../leases.ts'
import type { SchedulerState } from '../state.ts'

/** Started leases are no longer ahead of their slot: room for the next. */
export const onLeasesStarted = (
  state: SchedulerState,
  fact: { readonly peer: PeerId; readonly tokens: readonly LeaseToken[] },
  decisions: Decisions,
): void => {
  for (const token of fact.tokens) {
    const lease = state.leases.get(token)
    if (lease === undefined || lease.peer !== fact.peer || lease.startedAt !== null) continue
    lease.startedAt = state.now
    const peer = state.peers.get(fact.peer)
    if (peer !== undefined) peerJob(peer, lease.job).ahead--
    tellLease(state, lease, { peer: fact.peer, kind: 'started' })
  }
  mayPlace(decisions, fact.peer)
}
