import type { MembershipEffect, MembershipEvent } from '../event.ts'
import { hear } from '../hear.ts'
import type { MembershipState } from '../state.ts'

/** Anything a peer sends is a sign of life. Its term is not believed here: terms come from the ledger. */
export const onPeerHeard = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'peerHeard' }>,
): readonly MembershipEffect[] => hear(state, event.peer, event.now)
