import type { PeerId } from '#protocol/model/ids.ts'
import type { Member } from '#protocol/model/member.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import { compareTerms } from '#protocol/model/term.ts'
import { dialDue } from '../dial.ts'
import type { MembershipEffect, MembershipEvent } from '../event.ts'
import { foldMembers } from '../fold.ts'
import { head } from '../queries.ts'
import type { MembershipState } from '../state.ts'

/** Folds what was added; who does not belong any more is cut off. */
export const onRecordsAdded = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'recordsAdded' }>,
): readonly MembershipEffect[] => {
  const changed = event.records.map((record) => take(state, record)).some(Boolean)
  if (!changed) return []
  const before = state.members
  state.members = foldMembers(state.genesis, state.changes)
  return [
    ...(sameMembers(before, state.members) ? [] : [{ kind: 'announceMembers' } as const]),
    ...hangUps(state),
    ...headChange(state),
    ...dialDue(state, event.now),
  ]
}

/** True if the record is new here and says something of membership. */
const take = (state: MembershipState, record: VerifiedRecord): boolean => {
  const { header, hash, body } = record
  if (body === undefined || state.taken.has(hash)) return false
  switch (body.kind) {
    case 'cluster-created':
      if (state.genesis !== undefined) return false
      state.genesis = body
      break
    case 'member-added':
    case 'member-removed':
    case 'roles-changed':
      state.changes.push({ header, body })
      break
    case 'term-taken':
      // Only a head itself can say that it reigns.
      if (body.term.head !== header.origin) return false
      state.terms.push(body.term)
      break
    default:
      return false
  }
  state.taken.add(hash)
  return true
}

const sameMembers = (a: ReadonlyMap<PeerId, Member>, b: ReadonlyMap<PeerId, Member>): boolean =>
  a.size === b.size && [...a.values()].every((member) => sameMember(member, b))

const sameMember = (member: Member, among: ReadonlyMap<PeerId, Member>): boolean => {
  const other = among.get(member.peer)
  return other?.name === member.name && other.roles.join() === member.roles.join()
}

const hangUps = (state: MembershipState): readonly MembershipEffect[] =>
  state.genesis === undefined
    ? []
    : [...state.peers]
        .filter(([peer, view]) => view.isConnected && !state.members.has(peer))
        .map(([peer]) => ({ kind: 'hangUp', peer }))

const headChange = (state: MembershipState): readonly MembershipEffect[] => {
  const term = head(state)
  const same =
    term === null || state.head === null
      ? term === state.head
      : compareTerms(term, state.head) === 0
  if (same) return []
  state.head = term
  return [{ kind: 'announceHead', term }]
}
