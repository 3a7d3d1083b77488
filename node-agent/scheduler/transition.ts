import { assertNever } from '#protocol/model/assert-never.ts'
import { createDecisions, decisionsToEffects, type Decisions } from './decisions.ts'
import type { SchedulerEffect } from './effect.ts'
import type { SchedulerEvent } from './event.ts'
import { settleJobs } from './jobs.ts'
import { onAttemptsFinished } from './on/attempts-finished.ts'
import { onInitFailed } from './on/init-failed.ts'
import { onCancelRequested, onJobEnded, onPlanFailed } from './on/job-facts.ts'
import { onJobSubmitted } from './on/job-submitted.ts'
import { onLeasesReturned } from './on/leases-returned.ts'
import { onLeasesStarted } from './on/leases-started.ts'
import { onJobNoted } from './on/job-noted.ts'
import { onPeerAlive, onPeerLost, onPeerSuspected, onSlotsChanged } from './on/peers.ts'
import { onPauseChanged } from './on/pause-changed.ts'
import { onPlanChunkAdded } from './on/plan-chunk-added.ts'
import { onPoolsChanged } from './on/pools-changed.ts'
import { onChargesRestored, onCommitsRestored, onHalvingsRestored } from './on/restored.ts'
import { onTermLost, onTermTaken } from './on/term.ts'
import { onTick } from './on/tick.ts'
import { onWorkerGreeted } from './on/worker-greeted.ts'
import { place } from './place.ts'
import type { SchedulerState } from './state.ts'

/**
 * The one door of the head's machine: changes `state` in place and returns what shall be done, to be
 * carried out in order. Nothing else may be read: time and all news are in the event.
 */
export const transition = (state: SchedulerState, event: SchedulerEvent): SchedulerEffect[] => {
  state.now = Math.max(state.now, event.now)
  const decisions = createDecisions(state.now)
  apply(state, event, decisions)
  settleJobs(state, decisions)
  place(state, decisions)
  return state.term === null ? [] : decisionsToEffects(decisions)
}

const apply = (state: SchedulerState, event: SchedulerEvent, decisions: Decisions): void => {
  switch (event.kind) {
    case 'termTaken':
      return onTermTaken(state, event.term, decisions)
    case 'termLost':
      return onTermLost(state, event.term)
    case 'jobSubmitted':
      return onJobSubmitted(state, event.job, decisions)
    case 'planChunkAdded':
      return onPlanChunkAdded(state, event, decisions)
    case 'planFailed':
      return onPlanFailed(state, event, decisions)
    case 'commitsRestored':
      return onCommitsRestored(state, event, decisions)
    case 'chargesRestored':
      return onChargesRestored(state, event, decisions)
    case 'halvingsRestored':
      return onHalvingsRestored(state, event, decisions)
    case 'pauseChanged':
      return onPauseChanged(state, event, decisions)
    case 'poolsChanged':
      return onPoolsChanged(state, event, decisions)
    case 'cancelRequested':
      return onCancelRequested(state, event.job, decisions)
    case 'jobEnded':
      return onJobEnded(state, event.job, decisions)
    case 'peerAlive':
      return onPeerAlive(state, event.peer, decisions)
    case 'peerSuspected':
      return onPeerSuspected(state, event.peer)
    case 'peerLost':
      return onPeerLost(state, event.peer, decisions)
    case 'workerGreeted':
      return onWorkerGreeted(state, event, decisions)
    case 'slotsChanged':
      return onSlotsChanged(state, event, decisions)
    case 'leasesStarted':
      return onLeasesStarted(state, event, decisions)
    case 'attemptsFinished':
      return onAttemptsFinished(state, event, decisions)
    case 'leasesReturned':
      return onLeasesReturned(state, event, decisions)
    case 'initFailed':
      return onInitFailed(state, event, decisions)
    case 'jobNoted':
      return onJobNoted(state, event)
    case 'tick':
      return onTick(state, decisions)
    default:
      return assertNever(event)
  }
}
