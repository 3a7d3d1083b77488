import { limits } from '#protocol/limits.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { Term } from '#protocol/model/term.ts'
import { cell } from './columns.ts'
import type { Decisions } from './decisions.ts'
import { grant, liveOf, takeBack } from './leases.ts'
import { countIn, takePending } from './cells.ts'
import type { JobEntry, LiveLease, PeerEntry, SchedulerState } from './state.ts'
import { jobReason, peerReason, slotsFor } from './wait.ts'

/**
 * The end of a job: nothing is pending, some slots are idle. Leases that have not started are taken back
 * from machines that would need long for them; what runs far longer than usual is copied.
 */
export const shortenTails = (state: SchedulerState, decisions: Decisions): void => {
  const { term } = state
  if (term === null) return
  for (const entry of state.open) {
    if (countIn(entry, cell.pending) > 0 || entry.live === 0) continue
    if (jobReason(state, entry) !== undefined) continue
    for (const idle of idlePeers(state, entry)) {
      takeOver(state, decisions, term, { entry, idle })
      copyStragglers(state, decisions, term, { entry, idle })
    }
  }
}

interface TailTarget {
  readonly entry: JobEntry
  readonly idle: PeerEntry
}

/** Peers with a slot that has nothing at all, the quickest first. */
const idlePeers = (state: SchedulerState, entry: JobEntry): readonly PeerEntry[] =>
  [...state.peers.values()]
    .filter((peer) => idleSlots(entry, peer) > 0 && peerReason(state, entry, peer) === undefined)
    .sort((a, b) => speedOf(entry, a) - speedOf(entry, b))

const idleSlots = (entry: JobEntry, peer: PeerEntry): number =>
  Math.min(
    peer.slots - peer.leases.size,
    slotsFor(entry, peer) - (peer.jobs.get(entry.id)?.live ?? 0),
  )

const speedOf = (entry: JobEntry, peer: PeerEntry): Millis =>
  peer.jobs.get(entry.id)?.runMs ?? Number.MAX_VALUE

/** Moves leases that would start late elsewhere to the idle slots of a peer. */
const takeOver = (
  state: SchedulerState,
  decisions: Decisions,
  term: Term,
  { entry, idle }: TailTarget,
): void => {
  for (let slots = idleSlots(entry, idle); slots > 0; slots--) {
    const victim = latestToStart(state, entry, idle)
    if (victim === undefined) return
    takeBack(state, decisions, victim, 'another machine can start it sooner')
    state.counters.takenBack++
    const miniBatch = takePending(entry)
    if (miniBatch < 0) return
    grant(state, decisions, term, { entry, miniBatch, peer: idle })
  }
}

/** The newest lease not started of the peer with the longest queue of this job, if that wait is worth a move. */
const latestToStart = (
  state: SchedulerState,
  entry: JobEntry,
  idle: PeerEntry,
): LiveLease | undefined => {
  let worst: PeerEntry | undefined
  let longest: Millis = limits.takeBackLeastMs
  for (const peer of state.peers.values()) {
    const onPeer = peer.jobs.get(entry.id)
    if (peer === idle || onPeer === undefined) continue
    // As many as it has slots without a started one will start as soon as they get there.
    const slots = Math.max(1, slotsFor(entry, peer))
    const behind = onPeer.ahead - Math.max(0, slots - (onPeer.live - onPeer.ahead))
    if (behind <= 0) continue
    // Before anything was measured, the age of its oldest lease is all that tells a slow machine.
    const wait =
      onPeer.runMs === null
        ? oldestAge(state, entry, peer) - limits.copyLeastMs
        : (behind / slots) * onPeer.runMs
    if (wait > longest) {
      worst = peer
      longest = wait
    }
  }
  let latest: LiveLease | undefined
  for (const lease of worst?.leases ?? []) {
    if (lease.job === entry.id && lease.startedAt === null) latest = lease
  }
  return latest
}

const oldestAge = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): Millis => {
  for (const lease of peer.leases) if (lease.job === entry.id) return state.now - lease.grantedAt
  return 0
}

/** Starts second attempts of runs that take far longer than the job's median, within the job's budget. */
const copyStragglers = (
  state: SchedulerState,
  decisions: Decisions,
  term: Term,
  { entry, idle }: TailTarget,
): void => {
  const perItem = medianMsPerItem(entry)
  if (perItem === undefined) return
  const budget = Math.max(1, Math.floor(entry.columns.count * limits.copyShare))
  let slots = idleSlots(entry, idle)
  for (const [miniBatch, leases] of entry.liveByMiniBatch) {
    if (slots <= 0 || entry.copies >= budget) return
    const lease = leases[0]
    if (lease === undefined || lease.startedAt === null || lease.peer === idle.peer) continue
    if (liveOf(entry, miniBatch).length >= limits.liveLeasesPerMiniBatch) continue
    const age = state.now - lease.startedAt
    const usual = perItem * lease.items
    if (age < Math.max(limits.copyLeastMs, limits.copyFactor * usual)) continue
    // Worth it if the idle machine would have been done by now.
    if ((idle.jobs.get(entry.id)?.runMs ?? usual) > age) continue
    grant(state, decisions, term, { entry, miniBatch, peer: idle })
    slots--
  }
}

/** Undefined before anything was measured. */
const medianMsPerItem = (entry: JobEntry): Millis | undefined => {
  const sorted = [...entry.speeds].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}
