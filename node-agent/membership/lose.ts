import { limits } from '#protocol/limits.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { MembershipEffect } from './event.ts'
import type { MembershipState, PeerView } from './state.ts'
import { peerView } from './state.ts'

/** Silence makes a peer suspect, then lost. */
export const suspectIfDue = (
  state: MembershipState,
  peer: PeerId,
  now: Millis,
): readonly MembershipEffect[] => {
  const view = peerView(state, peer)
  if (view.liveness !== 'alive' || silenceMs(view, now) < limits.suspectMs) return []
  view.liveness = 'suspect'
  return [{ kind: 'announceSuspect', peer }]
}

/** A suspect is lost after a longer silence, or when redialling a closed connection failed for a while. */
export const loseIfDue = (
  state: MembershipState,
  peer: PeerId,
  now: Millis,
): readonly MembershipEffect[] => {
  const view = peerView(state, peer)
  const isGone =
    view.closedAt !== null && view.failedDials > 0 && now - view.closedAt >= limits.redialFailedMs
  if (view.liveness !== 'suspect') return []
  if (!isGone && silenceMs(view, now) < limits.lostMs) return []
  view.liveness = 'lost'
  return [{ kind: 'announceLost', peer }]
}

const silenceMs = (view: PeerView, now: Millis): Millis => now - (view.lastHeardAt ?? now)
