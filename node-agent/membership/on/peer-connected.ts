import type { MembershipEffect, MembershipEvent } from '../event.ts'
import { hear, learn } from '../hear.ts'
import type { MembershipState } from '../state.ts'
import { peerView } from '../state.ts'

/** A connection is a sign of life, and its address is the best one known. */
export const onPeerConnected = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'peerConnected' }>,
): readonly MembershipEffect[] => {
  const view = peerView(state, event.peer)
  view.isConnected = true
  view.closedAt = null
  view.dialingSince = null
  view.nextDialAt = null
  view.failedDials = 0
  const alive = hear(state, event.peer, event.now)
  return [...alive, ...learn(state, event.peer, event.addresses)]
}
