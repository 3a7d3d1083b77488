import { limits } from '#protocol/limits.ts'
import { miniBatchName } from '#protocol/model/half.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { JobEntry, LiveLease, PeerEntry, SchedulerState } from './state.ts'

/**
 * Limits that a job may set to waiting itself. Only time in which it could have gone on counts, tick by tick: not
 * while it is paused, nor while the machine with its data, those at work or their owners are away.
 */

/** Adds the time since the last tick to what each open job waits for. */
export const countWaits = (state: SchedulerState): void => {
  // A machine that slept, or was busy, did not see what went on meanwhile.
  const passed = Math.min(state.now - (state.tickedAt ?? state.now), limits.tickGapMs)
  state.tickedAt = state.now
  if (state.term === null) return
  for (const entry of state.open) {
    const isPaused = entry.pause?.paused === true
    if (!isPaused && isListing(entry) && isDataAlive(state, entry)) entry.listingMs += passed
    entry.stalledMs = !isPaused && isAtWork(state, entry) ? entry.stalledMs + passed : 0
  }
}

/** A sentence if a job has waited longer than it allows itself. */
export const outOfPatience = (state: SchedulerState, entry: JobEntry): string | undefined => {
  const { firstPlanLimitMs, progressLimitMs } = entry.job?.spec ?? {}
  if (firstPlanLimitMs !== undefined && isListing(entry) && entry.listingMs >= firstPlanLimitMs)
    return (
      `The input was not listed as far as its first mini-batch in the ${seconds(firstPlanLimitMs)} that ` +
      'first_task_creation_timeout allows; raise it, or leave it out.'
    )
  if (progressLimitMs === undefined || entry.stalledMs < progressLimitMs) return undefined
  const oldest = oldestAtWork(state, entry)
  if (oldest === undefined || state.now < oldest.grantedAt + progressLimitMs) return undefined
  return (
    `No mini-batch of the job ended in the ${seconds(progressLimitMs)} that progress_update_timeout allows: ` +
    `mini-batch ${miniBatchName(oldest.miniBatch)} ${whereIs(state, oldest)}.`
  )
}

const seconds = (ms: Millis): string => `${String(ms / 1000)} s`

const whereIs = (state: SchedulerState, { peer, grantedAt, startedAt }: LiveLease): string => {
  const held = Math.round((state.now - (startedAt ?? grantedAt)) / 1000)
  return startedAt === null
    ? `was given to ${peer} ${String(held)} s ago and has not begun`
    : `has been running on ${peer} for ${String(held)} s`
}

const isListing = (entry: JobEntry): boolean =>
  entry.job !== null && !entry.planComplete && entry.columns.count === 0

/** True while the machine with the data answers; a silent one may be away. */
export const isDataAlive = (state: SchedulerState, { job }: JobEntry): boolean =>
  job !== null &&
  (job.dataPeer === state.self || state.peers.get(job.dataPeer)?.liveness === 'alive')

const isAtWork = (state: SchedulerState, entry: JobEntry): boolean => {
  if (entry.live === 0) return false
  for (const peer of state.peers.values()) if (worksOn(peer, entry)) return true
  return false
}

/** Holds leases of the job, answers, and neither makes whole inputs ready nor runs another job in its place. */
const worksOn = (peer: PeerEntry, entry: JobEntry): boolean => {
  const onPeer = peer.jobs.get(entry.id)
  if (peer.liveness !== 'alive' || onPeer === undefined || onPeer.live === 0) return false
  if (onPeer.live > onPeer.ahead) return true
  if (onPeer.note !== '' && gathersInputs(entry)) return false
  for (const other of peer.jobs.values()) if (other.live > other.ahead) return false
  return true
}

const gathersInputs = ({ job }: JobEntry): boolean =>
  job?.spec.inputs.some(({ mode }) => mode !== undefined) ?? false

/** What was granted first where the job is worked on; what runs before what does not. */
const oldestAtWork = (state: SchedulerState, entry: JobEntry): LiveLease | undefined => {
  let oldest: LiveLease | undefined
  for (const peer of state.peers.values()) {
    if (!worksOn(peer, entry)) continue
    for (const lease of peer.leases) {
      if (lease.job === entry.id && (oldest === undefined || isBefore(lease, oldest)))
        oldest = lease
    }
  }
  return oldest
}

const isBefore = (a: LiveLease, b: LiveLease): boolean =>
  (a.startedAt === null) === (b.startedAt === null)
    ? a.grantedAt < b.grantedAt
    : a.startedAt !== null
