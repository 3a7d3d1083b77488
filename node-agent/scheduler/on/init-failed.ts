import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { peerEntry, peerJob, takeBack } from '../leases.ts'
import type { PeerEntry, SchedulerState } from '../state.ts'

/** A worker process of the job could not start there; too often sets the peer aside for the job. */
export const onInitFailed = (
  state: SchedulerState,
  fact: {
    readonly peer: PeerId
    readonly job: JobId
    readonly message: string
    readonly processes: number
  },
  decisions: Decisions,
): void => {
  const entry = state.jobs.get(fact.job)
  if (state.term === null || entry === undefined || entry.closed !== null) return
  const peer = peerEntry(state, fact.peer)
  const onPeer = peerJob(peer, fact.job)
  onPeer.initFailures++
  onPeer.initMessage = fact.message
  if (onPeer.initFailures < limits.initFailuresPerProcess * fact.processes) return
  setAsideForJob(state, decisions, { peer, job: fact.job }, fact.message)
}

/** For the rest of this term the peer gets nothing of the job; if no peer is left, the job ends. */
export const setAsideForJob = (
  state: SchedulerState,
  decisions: Decisions,
  where: { readonly peer: PeerEntry; readonly job: JobId },
  message: string,
): void => {
  const entry = state.jobs.get(where.job)
  if (entry === undefined) return
  const onPeer = peerJob(where.peer, where.job)
  onPeer.setAsideBy ??= message
  if (entry.firstInitFailure === '') {
    entry.firstInitFailure = `The job's worker process cannot start on ${where.peer.peer}: ${message}`
  }
  for (const lease of where.peer.leases) {
    if (lease.job === where.job) takeBack(state, decisions, lease, 'its process cannot start there')
  }
  entry.peersUsed.delete(where.peer.peer)
  decisions.touched.add(entry)
  mayPlace(decisions, 'all')
}
