import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { Liveness, Member } from '#protocol/model/member.ts'
import type { Term } from '#protocol/model/term.ts'
import { compareTerms } from '#protocol/model/term.ts'
import type { MembershipState } from './state.ts'

/** In the order of joining. */
export const members = (state: MembershipState): readonly Member[] =>
  [...state.members.values()].sort((a, b) => a.addedAt - b.addedAt || (a.peer < b.peer ? -1 : 1))

export const isMember = (state: MembershipState, peer: PeerId): boolean => state.members.has(peer)

/** Empty for a peer that is no member. */
export const rolesOf = (state: MembershipState, peer: PeerId): Member['roles'] =>
  state.members.get(peer)?.roles ?? []

export const liveness = (state: MembershipState, peer: PeerId): Liveness =>
  peer === state.self ? 'self' : (state.peers.get(peer)?.liveness ?? 'never-seen')

/** When anything came from this peer last; null: never since the agent started. */
export const lastHeard = (state: MembershipState, peer: PeerId): Millis | null =>
  state.peers.get(peer)?.lastHeardAt ?? null

/** Where this peer was or may be reached, best first. */
export const addressesOf = (state: MembershipState, peer: PeerId): readonly string[] =>
  state.peers.get(peer)?.addresses ?? []

/**
 * The term to follow: the greatest one that its own head wrote, while that head is an admin. (Election
 * comes later; until then an admin takes a term on purpose.)
 */
export const head = (state: MembershipState): Term | null =>
  state.terms.reduce<Term | null>(
    (best, term) =>
      rolesOf(state, term.head).includes('admin') && (best === null || compareTerms(best, term) < 0)
        ? term
        : best,
    null,
  )

/** Clock of the next membership record this agent writes. */
export const nextClock = (state: MembershipState): number =>
  state.changes.reduce((most, change) => Math.max(most, change.body.clock), 0) + 1
