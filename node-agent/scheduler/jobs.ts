import { exceededThreshold, type FailureCounts } from '#agent/job/thresholds.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { plural } from '#protocol/model/plural.ts'
import type { JobOutcome } from '#protocol/model/record.ts'
import type { RevokeReason } from '#protocol/model/revoke.ts'
import { cell, createColumns } from './columns.ts'
import { mayPlace, revoke, type Decisions } from './decisions.ts'
import { removeLease, tellLease } from './leases.ts'
import { allMiniBatches, countIn, isOpenCell, itemsIn, setState, stateOf } from './cells.ts'
import { outOfPatience } from './patience.ts'
import { countPools, mayUseByPool } from './pools.ts'
import { createJobEntry, type JobEntry, type SchedulerState } from './state.ts'

/**
 * The entry of a job, made if need be: facts of a job may overtake its record. Undefined when too many
 * jobs are known by such facts only.
 */
export const jobEntry = (state: SchedulerState, id: JobId): JobEntry | undefined => {
  const known = state.jobs.get(id)
  if (known !== undefined) return known
  if (state.jobs.size >= limits.unknownJobs && countUnknown(state) >= limits.unknownJobs) {
    return undefined
  }
  const entry = createJobEntry(id)
  state.jobs.set(id, entry)
  return entry
}

const countUnknown = (state: SchedulerState): number => {
  let count = 0
  for (const entry of state.jobs.values()) if (entry.job === null) count++
  return count
}

/** Brings every touched job to its end that has reached it. Only the head says so. */
export const settleJobs = (state: SchedulerState, decisions: Decisions): void => {
  if (state.term === null) return
  for (const entry of decisions.touched) {
    if (entry.job === null || entry.closed !== null) continue
    const end = endOf(state, entry)
    if (end !== undefined) closeJob(state, decisions, entry, end)
  }
}

interface JobEnd {
  readonly outcome: JobOutcome
  readonly reason: string
}

const endOf = (state: SchedulerState, entry: JobEntry): JobEnd | undefined => {
  if (entry.cancelRequested) return { outcome: 'canceled', reason: 'The job was canceled.' }
  if (entry.planFailure !== null) return { outcome: 'aborted', reason: entry.planFailure }
  const exceeded =
    entry.job === null ? undefined : exceededThreshold(entry.job.spec, failuresOf(entry))
  if (exceeded !== undefined) {
    return { outcome: 'aborted', reason: withFirst(exceeded, entry.firstFailure) }
  }
  const open = countIn(entry, cell.pending) + countIn(entry, cell.leased)
  if (entry.planComplete && open === 0) {
    return { outcome: 'finished', reason: failureSentence(entry) }
  }
  const stuck = initFailureEverywhere(state, entry) ?? outOfPatience(state, entry)
  return stuck === undefined ? undefined : { outcome: 'aborted', reason: stuck }
}

/** Items and mini-batches that failed for good, as the thresholds count them. */
export const failuresOf = (entry: JobEntry): FailureCounts => ({
  items: entry.failedItems + itemsIn(entry, cell.failed),
  miniBatches: countIn(entry, cell.failed),
  ...(entry.planComplete ? { of: entry.columns.count + countIn(entry, cell.halved) } : {}),
})

const failureSentence = (entry: JobEntry): string => {
  const failed = countIn(entry, cell.failed)
  if (failed === 0) return ''
  const all = countIn(entry, cell.committed) === 0 ? 'all ' : ''
  return withFirst(
    `${all}${plural(failed, 'mini-batch', 'mini-batches')} failed`,
    entry.firstFailure,
  )
}

const withFirst = (sentence: string, first: string): string =>
  first === '' ? `${sentence}.` : `${sentence}; the first failure: ${first}`

/** A sentence if the worker processes of a job can start on no worker there is. */
const initFailureEverywhere = (state: SchedulerState, entry: JobEntry): string | undefined => {
  if (entry.firstInitFailure === '') return undefined
  let workers = 0
  for (const peer of state.peers.values()) {
    if (!peer.greeted || peer.slots === 0 || !mayUseByPool(state, entry, peer.peer)) continue
    workers++
    if ((peer.jobs.get(entry.id)?.setAsideBy ?? null) === null) return undefined
  }
  return workers === 0 ? undefined : entry.firstInitFailure
}

/** Closes a job once: what is open is canceled, its leases end. */
const closeJob = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  end: JobEnd,
): void => {
  entry.closed = end.outcome
  entry.closeReason = end.reason
  endLeases(state, decisions, entry, end.outcome === 'canceled' ? 'canceled' : 'job-ended')
  cancelOpen(entry)
  const at = state.open.indexOf(entry)
  if (at >= 0) state.open.splice(at, 1)
  decisions.closed.push({ job: entry.id, outcome: end.outcome, reason: end.reason })
  mayPlace(decisions, 'all')
}

/** The ledger holds the last word on a job, perhaps another head's. */
export const endJob = (state: SchedulerState, decisions: Decisions, entry: JobEntry): void => {
  entry.closed ??= 'ended'
  endLeases(state, decisions, entry, 'job-ended')
  cancelOpen(entry)
  const at = state.open.indexOf(entry)
  if (at >= 0) state.open.splice(at, 1)
  for (const peer of state.peers.values()) peer.jobs.delete(entry.id)
  forgetOldColumns(state)
  mayPlace(decisions, 'all')
}

const endLeases = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  reason: RevokeReason,
): void => {
  const live = [...entry.liveByMiniBatch.values()].flat()
  for (const lease of live) {
    removeLease(state, lease)
    tellLease(state, lease, { peer: lease.peer, kind: 'freed', detail: 'the job ended' })
    revoke(decisions, lease.peer, lease.token, reason)
  }
}

/** What was open when a job ended is canceled. */
export const cancelOpen = (entry: JobEntry): void => {
  const open = countIn(entry, cell.pending) + countIn(entry, cell.leased)
  if (open === 0) return
  for (const miniBatch of allMiniBatches(entry)) {
    if (isOpenCell(stateOf(entry, miniBatch))) setState(entry, miniBatch, cell.canceled)
  }
}

/** Ended jobs stay in memory as a line each; only the newest few keep their mini-batches. */
const forgetOldColumns = (state: SchedulerState): void => {
  const ended = [...state.jobs.values()].filter(
    (entry) => entry.closed !== null && entry.columns.count > 0,
  )
  for (const entry of ended.slice(0, Math.max(0, ended.length - limits.endedJobColumns))) {
    entry.columns = createColumns()
    entry.halves.columns = createColumns()
    entry.halves.places.clear()
    entry.forgotten = true
    entry.requeued = []
    entry.requeuedHead = 0
    entry.cursor = 0
    entry.chargeKeys.clear()
    entry.failedItemsOf.clear()
  }
}

/** Slots that may be granted to; kept because every placement asks for it. */
export const countSlots = (state: SchedulerState): void => {
  let slots = 0
  for (const peer of state.peers.values()) if (isUsable(peer)) slots += peer.slots
  state.slots = slots
  countPools(state)
}

const isUsable = (peer: { readonly greeted: boolean; readonly liveness: string }): boolean =>
  peer.greeted && peer.liveness === 'alive'

/** True if the items of a job can be had by a worker: its data's peer is there, or is the worker itself. */
export const canReachData = (state: SchedulerState, entry: JobEntry, worker: PeerId): boolean => {
  const dataPeer = entry.job?.dataPeer
  if (dataPeer === undefined) return false
  if (dataPeer === worker || dataPeer === state.self) return true
  const liveness = state.peers.get(dataPeer)?.liveness
  return liveness === 'alive' || liveness === 'suspect'
}
