import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { Member, Role } from '#protocol/model/member.ts'
import { roles as allRoles } from '#protocol/model/member.ts'
import type {
  ClusterCreated,
  MemberAdded,
  MemberRemoved,
  RolesChanged,
} from '#protocol/model/record.ts'
import type { RecordHeader } from '#protocol/model/segment.ts'

/** A record that changes who belongs, with where it stands. */
export interface MembershipChange {
  readonly header: RecordHeader
  readonly body: MemberAdded | MemberRemoved | RolesChanged
}

/**
 * Who belongs, from the genesis record and all changes known. The changes are taken in the order
 * (clock, origin, incarnation, sequence), whatever the order of arrival; one whose author is no admin at
 * that point says nothing, nor does one that would leave the cluster without an admin.
 * @param changes in any order, each once
 */
export const foldMembers = (
  genesis: ClusterCreated | undefined,
  changes: readonly MembershipChange[],
): ReadonlyMap<PeerId, Member> => {
  if (genesis === undefined) return new Map()
  const ordered = changes.toSorted(byClock)
  const backdated = new Set<MembershipChange>()
  for (;;) {
    const folded = foldOnce(genesis, ordered, backdated)
    const more = findBackdated(genesis, ordered, backdated, folded)
    // The set only grows, hence this ends.
    if (more.length === 0) return folded.members
    for (const change of more) backdated.add(change)
  }
}

/** The creator may do everything, until somebody changes it. */
export const founder = (genesis: ClusterCreated): Member => ({
  peer: genesis.creator,
  name: genesis.creatorName,
  roles: allRoles,
  addedBy: genesis.creator,
  addedAt: genesis.at,
})

/** Whether `peer` is an admin and there is no other. */
export const isLastAdmin = (members: ReadonlyMap<PeerId, Member>, peer: PeerId): boolean => {
  const admins = [...members.values()].filter((member) => member.roles.includes('admin'))
  return admins.length === 1 && admins[0]?.peer === peer
}

// --- details -----------------------------------------------------------------------------------

const byClock = (a: MembershipChange, b: MembershipChange): number =>
  a.body.clock - b.body.clock ||
  compareTexts(a.header.origin, b.header.origin) ||
  a.header.incarnation - b.header.incarnation ||
  a.header.sequence - b.header.sequence

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

interface Folded {
  readonly members: Map<PeerId, Member>
  /** Changes that took effect. */
  readonly effective: ReadonlySet<MembershipChange>
  /** Who let a peer in, also of peers that were removed again. */
  readonly adderOf: ReadonlyMap<PeerId, PeerId>
}

const foldOnce = (
  genesis: ClusterCreated,
  ordered: readonly MembershipChange[],
  backdated: ReadonlySet<MembershipChange>,
): Folded => {
  const members = new Map<PeerId, Member>([[genesis.creator, founder(genesis)]])
  const effective = new Set<MembershipChange>()
  const adderOf = new Map<PeerId, PeerId>()
  for (const change of ordered) {
    const { header, body } = change
    if (backdated.has(change) || !isAdmin(members, header.origin)) continue
    if (!apply(members, header.origin, body)) continue
    effective.add(change)
    if (body.kind === 'member-added') adderOf.set(body.peer, header.origin)
  }
  return { members, effective, adderOf }
}

const isAdmin = (members: ReadonlyMap<PeerId, Member>, peer: PeerId): boolean =>
  members.get(peer)?.roles.includes('admin') === true

/** True if the change took effect. */
const apply = (
  members: Map<PeerId, Member>,
  author: PeerId,
  body: MembershipChange['body'],
): boolean => {
  const member = members.get(body.peer)
  if (body.kind === 'member-added') {
    if (member !== undefined) return false
    members.set(body.peer, added(body, author, body.at))
    return true
  }
  if (member === undefined) return false
  const staysAdmin = body.kind === 'roles-changed' && body.roles.includes('admin')
  if (!staysAdmin && isLastAdmin(members, body.peer)) return false
  if (body.kind === 'member-removed') return members.delete(body.peer)
  members.set(body.peer, { ...member, roles: orderRoles(body.roles) })
  return true
}

const added = (body: MemberAdded, addedBy: PeerId, addedAt: Millis): Member => ({
  peer: body.peer,
  name: body.name,
  roles: orderRoles(body.roles),
  addedBy,
  addedAt,
})

const orderRoles = (given: readonly Role[]): readonly Role[] =>
  allRoles.filter((role) => given.includes(role))

/**
 * A removed admin could still write records with an old clock, which sort before its removal. The removal
 * names the last record that counts, so what lies behind that and yet claims to be earlier is dropped. With
 * such records it could even remove its remover; where two remove each other, the one that let the other in
 * prevails, be it through others.
 */
const findBackdated = (
  genesis: ClusterCreated,
  ordered: readonly MembershipChange[],
  backdated: ReadonlySet<MembershipChange>,
  folded: Folded,
): readonly MembershipChange[] => {
  for (const [at, removal] of ordered.entries()) {
    const { header, body } = removal
    if (body.kind !== 'member-removed' || backdated.has(removal)) continue
    const late = ordered
      .slice(0, at)
      .filter(
        (change) =>
          change.header.origin === body.peer &&
          change.header.sequence > body.lastSequence &&
          !backdated.has(change),
      )
    if (late.length === 0) continue
    if (folded.effective.has(removal)) return late
    if (!isElder(folded, header.origin, body.peer)) continue
    const without = foldOnce(genesis, ordered, backdated.union(new Set(late)))
    if (without.effective.has(removal)) return late
  }
  return []
}

/** Whether `elder` let `peer` in, or let in who did. */
const isElder = ({ adderOf }: Folded, elder: PeerId, peer: PeerId): boolean => {
  const seen = new Set<PeerId>()
  for (let at = adderOf.get(peer); at !== undefined && !seen.has(at); at = adderOf.get(at)) {
    if (at === elder) return true
    seen.add(at)
  }
  return false
}
