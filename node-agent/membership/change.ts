import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { isLastAdmin } from './fold.ts'
import type { MembershipState } from './state.ts'

/** What a person asks for, before it becomes a record. */
export type MemberChange =
  | { readonly kind: 'add'; readonly peer: PeerId; readonly roles: readonly Role[] }
  | { readonly kind: 'remove'; readonly peer: PeerId }
  | { readonly kind: 'roles'; readonly peer: PeerId; readonly roles: readonly Role[] }

/**
 * Whether a change by this agent would count: `NotInCluster`, `RoleMissing`, `MemberUnknown`, `LastAdmin`,
 * `Full`. Adding a peer that is a member already is fine and changes nothing.
 */
export const checkChange = (
  state: MembershipState,
  change: MemberChange,
): Result<void, MusterError> => {
  if (state.genesis === undefined) {
    return refuse('NotInCluster', 'This machine is in no cluster yet: create or join one first.')
  }
  if (state.members.get(state.self)?.roles.includes('admin') !== true) {
    return refuse(
      'RoleMissing',
      'This machine may not change who belongs to the cluster: ask a member with the admin role.',
    )
  }
  if (change.kind === 'add') return checkRoom(state, change.peer)
  const member = state.members.get(change.peer)
  if (member === undefined) {
    return refuse(
      'MemberUnknown',
      `${change.peer} is not a member of this cluster: look up its name with "muster cluster members".`,
    )
  }
  const staysAdmin = change.kind === 'roles' && change.roles.includes('admin')
  if (staysAdmin || !isLastAdmin(state.members, change.peer)) return ok(undefined)
  return refuse(
    'LastAdmin',
    `${member.name} is the only admin of this cluster: give another member the admin role first.`,
  )
}

const checkRoom = (state: MembershipState, peer: PeerId): Result<void, MusterError> =>
  state.members.has(peer) || state.members.size < limits.members
    ? ok(undefined)
    : refuse(
        'Full',
        `This cluster has ${limits.members} members and takes no more: remove one that is gone first.`,
      )

const refuse = (code: MusterError['code'], message: string): Result<void, MusterError> =>
  err(musterError(code, message))
