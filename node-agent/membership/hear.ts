import { limits } from '#protocol/limits.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { MembershipEffect } from './event.ts'
import { isMember } from './queries.ts'
import type { MembershipState } from './state.ts'
import { peerView } from './state.ts'

/** Notes a sign of life. */
export const hear = (
  state: MembershipState,
  peer: PeerId,
  now: Millis,
): readonly MembershipEffect[] => {
  if (peer === state.self) return []
  const view = peerView(state, peer)
  view.lastHeardAt = view.lastHeardAt === null ? now : Math.max(view.lastHeardAt, now)
  if (view.liveness === 'alive') return []
  view.liveness = 'alive'
  return [{ kind: 'announceAlive', peer }]
}

/** Puts addresses first among those of a peer; told when a member has one that was not known. */
export const learn = (
  state: MembershipState,
  peer: PeerId,
  addresses: readonly string[],
): readonly MembershipEffect[] => {
  if (addresses.length === 0 || peer === state.self) return []
  const view = peerView(state, peer)
  const isNew = addresses.some((address) => !view.addresses.includes(address))
  view.addresses = [...new Set([...addresses, ...view.addresses])].slice(0, limits.addressesPerPeer)
  return isNew && isMember(state, peer) ? [{ kind: 'announceMembers' }] : []
}
