import { assertNever } from '#protocol/model/assert-never.ts'
import { limits } from '#protocol/limits.ts'
import type { ReturnReason } from '#protocol/model/attempt.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { freeLease, peerEntry, peerJob } from '../leases.ts'
import type { BackoffReason, SchedulerState } from '../state.ts'
import { setAsideForJob } from './init-failed.ts'

/** Handed back without cost. Reasons that would repeat at once keep the peer from the job for a while. */
export const onLeasesReturned = (
  state: SchedulerState,
  fact: {
    readonly peer: PeerId
    readonly tokens: readonly LeaseToken[]
    readonly reason: ReturnReason
    readonly message: string
  },
  decisions: Decisions,
): void => {
  const jobs = new Set<JobId>()
  for (const token of fact.tokens) {
    const lease = state.leases.get(token)
    if (lease === undefined || lease.peer !== fact.peer) continue
    jobs.add(lease.job)
    freeLease(state, decisions, lease, reasonWords(fact.reason))
  }
  const peer = peerEntry(state, fact.peer)
  for (const job of jobs) {
    if (fact.reason === 'init-failed') setAsideForJob(state, decisions, { peer, job }, fact.message)
    const backoff = backoffOf(fact.reason)
    if (backoff === undefined) continue
    const onPeer = peerJob(peer, job)
    onPeer.backoffUntil =
      state.now + (backoff === 'out-of-reach' ? limits.outOfReachMs : limits.returnBackoffMs)
    onPeer.backoffReason = backoff
    onPeer.backoffMessage = fact.message
    // It cannot take part: the job may use another machine in its place.
    if (backoff === 'out-of-reach') state.jobs.get(job)?.peersUsed.delete(fact.peer)
  }
  mayPlace(decisions, fact.peer)
}

const backoffOf = (reason: ReturnReason): BackoffReason | undefined =>
  reason === 'input-unreachable' ||
  reason === 'model-unreachable' ||
  reason === 'unknown-job' ||
  reason === 'out-of-reach'
    ? reason
    : undefined

const reasonWords = (reason: ReturnReason): string => {
  switch (reason) {
    case 'owner':
      return 'the owner took the machine back'
    case 'draining':
      return 'the agent there stops'
    case 'unknown-job':
      return "the job's record was not there yet"
    case 'input-unreachable':
      return 'the items could not be fetched'
    case 'model-unreachable':
      return 'the model could not be fetched'
    case 'out-of-reach':
      return 'its inputs cannot be had there as the job asks'
    case 'init-failed':
      return 'the worker process could not start'
    case 'revoked':
      return 'it was taken back'
    case 'process-replaced':
      return 'its process or its rows were lost'
    default:
      return assertNever(reason)
  }
}
