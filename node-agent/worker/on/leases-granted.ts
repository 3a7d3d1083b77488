import type { Lease } from '#protocol/model/attempt.ts'
import type { LeaseToken, Term } from '#protocol/model/term.ts'
import type { WorkerEffect } from '../effect.ts'
import { hold, sendReturned } from '../leases.ts'
import type { WorkerState } from '../state.ts'
import { heardTerm } from './head.ts'

/** New leases. What cannot be run here goes back at once; what is known already is not taken twice. */
export const onLeasesGranted = (
  state: WorkerState,
  fact: { readonly term: Term; readonly leases: readonly Lease[] },
  effects: WorkerEffect[],
): void => {
  if (!heardTerm(state, fact.term)) return
  const unusable: LeaseToken[] = []
  const refused = new Map<string, LeaseToken[]>()
  for (const lease of fact.leases) {
    const { token } = lease
    if (state.leases.has(token) || state.reports.has(token) || state.ended.has(lease.job)) continue
    const why = state.jobs.get(lease.job)?.refused ?? null
    if (state.draining || state.slots === 0) unusable.push(token)
    else if (why === null) hold(state, lease)
    else refused.set(why, [...(refused.get(why) ?? []), token])
  }
  sendReturned(
    state,
    effects,
    unusable,
    state.draining
      ? { reason: 'draining', message: 'The agent stops.' }
      : { reason: 'owner', message: state.slotsReason },
  )
  for (const [message, tokens] of refused) {
    sendReturned(state, effects, tokens, { reason: 'init-failed', message })
  }
}
