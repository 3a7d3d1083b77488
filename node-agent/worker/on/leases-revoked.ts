import type { RevokeReason } from '#protocol/model/revoke.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { WorkerEffect } from '../effect.ts'
import { drop } from '../leases.ts'
import type { HeldLease, WorkerState } from '../state.ts'

/**
 * Leases taken away. What has not begun is dropped silently. A lease that was only taken back goes on once
 * begun; one that cannot count any more is dropped, and stopped if a process runs it. Of a paused job what
 * has run is still handed in.
 */
export const onLeasesRevoked = (
  state: WorkerState,
  fact: { readonly tokens: readonly LeaseToken[]; readonly reason: string },
  effects: WorkerEffect[],
): void => {
  for (const token of fact.tokens) {
    const held = state.leases.get(token)
    if (held !== undefined) revokeOne(state, effects, held, fact.reason)
  }
}

const takenBack: RevokeReason = 'taken-back'
const canceled: RevokeReason = 'canceled'
const jobEnded: RevokeReason = 'job-ended'
const paused: RevokeReason = 'paused'

const revokeOne = (
  state: WorkerState,
  effects: WorkerEffect[],
  held: HeldLease,
  reason: string,
): void => {
  const begun = held.stage !== 'waiting' && held.stage !== 'fetching' && held.stage !== 'ready'
  const hasRun = held.stage === 'ran' || held.stage === 'packing'
  if (!begun) drop(state, effects, held)
  else if (reason === takenBack || (reason === paused && hasRun)) return
  else if (held.stage === 'ran') drop(state, effects, held)
  else {
    const atOnce = reason === canceled || reason === jobEnded || reason === paused
    held.unwantedSince = atOnce ? Number.NEGATIVE_INFINITY : (held.unwantedSince ?? state.now)
  }
}
