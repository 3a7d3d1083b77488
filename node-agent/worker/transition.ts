import { assertNever } from '#protocol/model/assert-never.ts'
import type { WorkerEffect } from './effect.ts'
import type { WorkerEvent } from './event.ts'
import { onJoinedFellApart } from './join.ts'
import { onAttemptRan } from './on/attempt-ran.ts'
import { onChunkFailed, onChunkPacked } from './on/chunks.ts'
import { onHeadFound, onHeadLost, onWelcomed } from './on/head.ts'
import { onInputArrived, onInputFailed, stopLoading } from './on/inputs.ts'
import { onJobEnded, onJobKnown, onJobRefused } from './on/jobs.ts'
import { onLeasesGranted } from './on/leases-granted.ts'
import { onLeasesRevoked } from './on/leases-revoked.ts'
import { onProcessExited, onProcessFailed, onProcessStarted, stopOverdue } from './on/processes.ts'
import { onDrainRequested, onSlotsChanged } from './on/slots-changed.ts'
import { onTick } from './on/tick.ts'
import { onInputsGathered, onInputsNotGathered, onInputsProgressed } from './on/whole-inputs.ts'
import { packChunks } from './pack.ts'
import { place } from './place.ts'
import { flush } from './report.ts'
import type { WorkerState } from './state.ts'

/**
 * The one door of the worker's machine: changes `state` in place and returns what shall be done, to be
 * carried out in order. Ticks are expected every `limits.workerTickMs`.
 */
export const transition = (state: WorkerState, event: WorkerEvent): WorkerEffect[] => {
  state.now = Math.max(state.now, event.now)
  const effects: WorkerEffect[] = []
  apply(state, event, effects)
  stopOverdue(state, effects)
  stopLoading(state, effects)
  place(state, effects)
  packChunks(state, effects)
  flush(state, effects, event.kind === 'chunkPacked')
  return effects
}

const apply = (state: WorkerState, event: WorkerEvent, effects: WorkerEffect[]): void => {
  switch (event.kind) {
    case 'headFound':
      return onHeadFound(state, event.term, effects)
    case 'headLost':
      return onHeadLost(state)
    case 'welcomed':
      return onWelcomed(state, event.term)
    case 'leasesGranted':
      return onLeasesGranted(state, event, effects)
    case 'leasesRevoked':
      return onLeasesRevoked(state, event, effects)
    case 'reportsSettled':
      for (const token of event.tokens) state.reports.delete(token)
      return
    case 'jobKnown':
      return onJobKnown(state, event)
    case 'jobRefused':
      return onJobRefused(state, event, effects)
    case 'jobEnded':
      return onJobEnded(state, event.job, effects)
    case 'inputArrived':
      return onInputArrived(state, event)
    case 'inputFailed':
      return onInputFailed(state, event, effects)
    case 'inputsProgressed':
      return onInputsProgressed(state, event, effects)
    case 'inputsGathered':
      return onInputsGathered(state, event.job, effects)
    case 'inputsNotGathered':
      return onInputsNotGathered(state, event, effects)
    case 'processStarted':
      return onProcessStarted(state, event)
    case 'processFailed':
      return onProcessFailed(state, event, effects)
    case 'processExited':
      return onProcessExited(state, event, effects)
    case 'attemptRan':
      return onAttemptRan(state, event, effects)
    case 'joinedFellApart':
      return onJoinedFellApart(state, event, effects)
    case 'chunkPacked':
      return onChunkPacked(state, event, effects)
    case 'chunkFailed':
      return onChunkFailed(state, event, effects)
    case 'slotsChanged':
      return onSlotsChanged(state, event, effects)
    case 'drainRequested':
      return onDrainRequested(state, effects)
    case 'tick':
      return onTick(state, effects)
    default:
      return assertNever(event)
  }
}
