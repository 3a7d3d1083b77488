import { dialDue, firstDialAt } from '../dial.ts'
import type { MembershipEffect, MembershipEvent } from '../event.ts'
import type { MembershipState } from '../state.ts'
import { peerView } from '../state.ts'

/** A closed connection makes a peer suspect at once; it is redialled. */
export const onPeerDisconnected = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'peerDisconnected' }>,
): readonly MembershipEffect[] => {
  const view = peerView(state, event.peer)
  if (!view.isConnected) return []
  view.isConnected = false
  view.closedAt = event.now
  view.failedDials = 0
  view.nextDialAt = firstDialAt(state.self, event.peer, event.now)
  const effects: MembershipEffect[] = []
  if (view.liveness === 'alive') {
    view.liveness = 'suspect'
    effects.push({ kind: 'announceSuspect', peer: event.peer })
  }
  return [...effects, ...dialDue(state, event.now)]
}
