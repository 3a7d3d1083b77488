import { dialPauseMs } from '../dial.ts'
import type { MembershipEffect, MembershipEvent } from '../event.ts'
import { loseIfDue } from '../lose.ts'
import type { MembershipState } from '../state.ts'
import { peerView } from '../state.ts'

/** The next dial waits longer; a suspect whose redials keep failing is lost. */
export const onDialFailed = (
  state: MembershipState,
  event: Extract<MembershipEvent, { kind: 'dialFailed' }>,
): readonly MembershipEffect[] => {
  const view = peerView(state, event.peer)
  view.dialingSince = null
  if (view.isConnected) return []
  view.failedDials += 1
  view.nextDialAt = event.now + dialPauseMs(view.failedDials)
  return loseIfDue(state, event.peer, event.now)
}
