import { dialDue } from '../dial.ts'
import type { MembershipEffect, MembershipEvent } from '../event.ts'
import { loseIfDue, suspectIfDue } from '../lose.ts'
import type { MembershipState } from '../state.ts'

/** Time passes: the silent become suspect and lost, the absent are dialled. */
export const onTick = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'tick' }>,
): readonly MembershipEffect[] => [
  ...[...state.peers.keys()].flatMap((peer) => [
    ...suspectIfDue(state, peer, event.now),
    ...loseIfDue(state, peer, event.now),
  ]),
  ...dialDue(state, event.now),
]
