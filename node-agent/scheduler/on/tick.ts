import { mayPlace, type Decisions } from '../decisions.ts'
import { countWaits } from '../patience.ts'
import type { SchedulerState } from '../state.ts'
import { shortenTails } from '../tail.ts'

/** Time passed: what waited for it may go on. */
export const onTick = (state: SchedulerState, decisions: Decisions): void => {
  countWaits(state)
  shortenTails(state, decisions)
  for (const entry of state.open) decisions.touched.add(entry)
  mayPlace(decisions, 'all')
}
