import type { PeerId } from '#protocol/model/ids.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { countSlots } from '../jobs.ts'
import { takeBack } from '../leases.ts'
import { isInPool } from '../pools.ts'
import type { SchedulerState } from '../state.ts'

/** Pools or the machines in them changed: what a job has not begun outside its pool goes back. */
export const onPoolsChanged = (
  state: SchedulerState,
  fact: {
    readonly pools: readonly {
      readonly name: string
      readonly minPeers: number
      readonly maxPeers: number | null
      readonly members: readonly PeerId[]
    }[]
  },
  decisions: Decisions,
): void => {
  state.pools.clear()
  for (const { members, ...pool } of fact.pools) {
    const entry = { ...pool, members: new Set(members), working: 0, allowed: new Set<PeerId>() }
    state.pools.set(pool.name, entry)
  }
  countSlots(state)
  for (const lease of state.leases.values()) {
    const entry = state.jobs.get(lease.job)
    if (entry === undefined || lease.startedAt !== null) continue
    if (isInPool(state, entry, lease.peer)) continue
    takeBack(state, decisions, lease, 'the machine is not in the pool of its job')
  }
  mayPlace(decisions, 'all')
}
