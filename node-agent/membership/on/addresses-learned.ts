import { dialDue, firstDialAt } from '../dial.ts'
import type { MembershipEffect, MembershipEvent } from '../event.ts'
import { learn } from '../hear.ts'
import type { MembershipState } from '../state.ts'
import { peerView } from '../state.ts'

/** An address not known before is worth a dial now: the machine has just come, or moved. */
export const onAddressesLearned = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'addressesLearned' }>,
): readonly MembershipEffect[] => {
  if (event.peer === state.self) return []
  const view = peerView(state, event.peer)
  const isNew = event.addresses.some((address) => !view.addresses.includes(address))
  const told = learn(state, event.peer, event.addresses)
  if (isNew && view.nextDialAt !== null) {
    view.nextDialAt = Math.min(view.nextDialAt, firstDialAt(state.self, event.peer, event.now))
  }
  return [...told, ...dialDue(state, event.now)]
}
