import { head, members } from './queries.ts'
import type { MembershipState } from './state.ts'

/** Canonical text of all that matters in a state: equal histories give equal texts. */
export const digest = (state: MembershipState): string =>
  JSON.stringify({
    self: state.self,
    members: members(state).map(({ peer, name, roles, addedBy, addedAt }) => [
      peer,
      name,
      roles,
      addedBy,
      addedAt,
    ]),
    head: head(state),
    announcedHead: state.head,
    records: [...state.taken].sort(),
    peers: [...state.peers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([peer, view]) => [peer, ...Object.values(view)]),
  })
