import type { Columns } from './columns.ts'
import type { JobEntry, PeerEntry, SchedulerState } from './state.ts'

/**
 * Equal histories give equal texts. Walks everything that decides anything, so it costs a few
 * nanoseconds a mini-batch; stories and counters are left out.
 */
export const digest = (state: SchedulerState): string => {
  const hash = createHash()
  hash.text(
    JSON.stringify([
      state.self,
      state.now,
      state.tickedAt,
      state.term,
      state.newestTerm,
      state.nextLeaseId,
    ]),
  )
  for (const entry of state.jobs.values()) addJob(hash, entry)
  hash.text(state.open.map((entry) => entry.id).join())
  for (const peer of state.peers.values()) addPeer(hash, peer)
  for (const { members, allowed, ...pool } of state.pools.values()) {
    hash.text(JSON.stringify([pool, [...members], [...allowed]]))
  }
  for (const lease of state.leases.values()) hash.text(JSON.stringify(lease))
  return hash.end()
}

const addJob = (hash: Hash, entry: JobEntry): void => {
  const { columns } = entry
  hash.text(
    JSON.stringify([
      entry.id,
      entry.job,
      entry.nextChunk,
      [...entry.earlyChunks.keys(), ...entry.earlyCommits.keys()],
      entry.earlyCharges,
      entry.planComplete,
      entry.planFailure,
      entry.cursor,
      entry.requeued.slice(entry.requeuedHead),
      [...entry.peersUsed],
      [...entry.failedItemsOf],
      [...entry.chargeKeys],
      [entry.firstFailure, entry.firstInitFailure, entry.closed, entry.closeReason],
      [entry.earlyHalvings, entry.pause],
      [entry.listingMs, entry.stalledMs],
      [entry.cancelRequested, entry.forgotten, entry.begun, entry.copies],
      entry.speeds,
      entry.speedsSeen,
      columns.count,
    ]),
  )
  addColumns(hash, columns)
  hash.text([...entry.halves.places.keys()].join())
  addColumns(hash, entry.halves.columns)
}

const addColumns = (hash: Hash, columns: Columns): void => {
  for (let i = 0; i < columns.count; i++) {
    hash.number(columns.firstItem[i] ?? 0)
    hash.number(columns.items[i] ?? 0)
    hash.number(((columns.state[i] ?? 0) << 1) | (columns.queued[i] ?? 0))
    hash.number(columns.attempt[i] ?? 0)
    hash.number(columns.charged[i] ?? 0)
  }
}

const addPeer = (hash: Hash, peer: PeerEntry): void => {
  hash.text(
    JSON.stringify([
      [peer.peer, peer.liveness, peer.greeted, peer.slots, peer.leases.size],
      [peer.failuresInRow, peer.setAsideMs, peer.setAsideUntil],
      [...peer.jobs],
    ]),
  )
}

interface Hash {
  readonly number: (value: number) => void
  readonly text: (value: string) => void
  /** 16 hex digits. */
  readonly end: () => string
}

/** Two 32-bit multiplicative hashes side by side: not against forgers, only against accidents. */
const createHash = (): Hash => {
  let a = 0x9e3779b9
  let b = 0x85ebca6b
  const number = (value: number): void => {
    a = Math.imul(a ^ value, 0x01000193)
    a ^= a >>> 15
    b = Math.imul(b ^ value, 0x5bd1e995)
    b ^= b >>> 13
  }
  return {
    number,
    text: (value) => {
      number(value.length)
      for (let i = 0; i < value.length; i++) number(value.charCodeAt(i))
    },
    end: () => [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join(''),
  }
}
