import { limits } from '#protocol/limits.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { MembershipEffect } from './event.ts'
import type { MembershipState, PeerView } from './state.ts'

/**
 * Dials every member that is not connected and whose time has come. The lower PeerId dials at once, the
 * higher leaves it the first `dialCourtesyMs`, so that two machines seldom dial each other at the same time.
 */
export const dialDue = (state: MembershipState, now: Millis): readonly MembershipEffect[] => {
  if (!state.members.has(state.self)) return []
  const effects: MembershipEffect[] = []
  for (const peer of state.members.keys()) {
    if (peer === state.self) continue
    const view = state.peers.get(peer)
    if (view === undefined || view.isConnected || view.addresses.length === 0) continue
    view.nextDialAt ??= firstDialAt(state.self, peer, now)
    if (isDialing(view, now) || now < view.nextDialAt) continue
    view.dialingSince = now
    effects.push({ kind: 'dialPeer', peer, addresses: view.addresses })
  }
  return effects
}

/** When the first dial after a silence or a lost connection may go out. */
export const firstDialAt = (self: PeerId, peer: PeerId, now: Millis): Millis =>
  self < peer ? now : now + limits.dialCourtesyMs

/** The pause after a dial that failed, doubling with each. */
export const dialPauseMs = (failedDials: number): Millis =>
  Math.min(limits.redialMs * 2 ** Math.max(0, failedDials - 1), limits.redialMostMs)

/** A dial whose end was never told is given up after the longest time one can take. */
const isDialing = (view: PeerView, now: Millis): boolean =>
  view.dialingSince !== null && now - view.dialingSince < limits.dialMs + limits.answerMs
