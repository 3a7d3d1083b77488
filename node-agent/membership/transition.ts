import { assertNever } from '#protocol/model/assert-never.ts'
import type { MembershipEffect, MembershipEvent } from './event.ts'
import { onAddressesLearned } from './on/addresses-learned.ts'
import { onDialFailed } from './on/dial-failed.ts'
import { onPeerConnected } from './on/peer-connected.ts'
import { onPeerDisconnected } from './on/peer-disconnected.ts'
import { onPeerHeard } from './on/peer-heard.ts'
import { onRecordsAdded } from './on/records-added.ts'
import { onTick } from './on/tick.ts'
import type { MembershipState } from './state.ts'

/** The machine of membership: changes `state` in place and says what shall be done. */
export const transition = (
  state: MembershipState,
  event: MembershipEvent,
): readonly MembershipEffect[] => {
  switch (event.kind) {
    case 'recordsAdded':
      return onRecordsAdded(state, event)
    case 'peerConnected':
      return onPeerConnected(state, event)
    case 'peerDisconnected':
      return onPeerDisconnected(state, event)
    case 'addressesLearned':
      return onAddressesLearned(state, event)
    case 'peerHeard':
      return onPeerHeard(state, event)
    case 'dialFailed':
      return onDialFailed(state, event)
    case 'tick':
      return onTick(state, event)
    default:
      return assertNever(event)
  }
}
