import type { PeerId } from '#protocol/model/ids.ts'
import type { JobEntry, PeerEntry, PoolEntry, SchedulerState } from './state.ts'

/** Which machines a job may use by its pool. A job without one may use all. */

/** The pool of a job: null if it names none, undefined if there is none of that name. */
export const poolOf = (state: SchedulerState, entry: JobEntry): PoolEntry | null | undefined => {
  const name = entry.job?.spec.pool
  return name === undefined ? null : state.pools.get(name)
}

/** True if the filter of the job's pool picks a machine, whether or not the pool is full. */
export const isInPool = (state: SchedulerState, entry: JobEntry, peer: PeerId): boolean => {
  const pool = poolOf(state, entry)
  return pool === null || pool?.members.has(peer) === true
}

/** True if its pool lets a job use a machine now. */
export const mayUseByPool = (state: SchedulerState, entry: JobEntry, peer: PeerId): boolean => {
  const pool = poolOf(state, entry)
  return pool === null || pool?.allowed.has(peer) === true
}

/** Finds anew which machines of each pool may be used: whenever one comes, goes or changes its slots. */
export const countPools = (state: SchedulerState): void => {
  if (state.pools.size === 0) return
  const working = [...state.peers.values()]
    .filter(couldWork)
    .map(({ peer }) => peer)
    .sort()
  for (const pool of state.pools.values()) {
    const here = working.filter((peer) => pool.members.has(peer))
    pool.working = here.length
    pool.allowed = new Set(here.slice(0, pool.maxPeers ?? here.length))
  }
  // A machine that the pool no longer lends gives its place among a job's `peerCount` to another.
  for (const entry of state.open) {
    for (const peer of entry.peersUsed)
      if (!mayUseByPool(state, entry, peer)) entry.peersUsed.delete(peer)
  }
}

const couldWork = (peer: PeerEntry): boolean =>
  peer.greeted && peer.liveness === 'alive' && peer.slots > 0
