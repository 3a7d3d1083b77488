import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { mayPlace, revoke, type Decisions } from '../decisions.ts'
import { jobEntry } from '../jobs.ts'
import { freeLease } from '../leases.ts'
import type { PauseWord, SchedulerState } from '../state.ts'

/**
 * A job is paused or goes on. Folded even while another agent is head. What runs is stopped and free: its
 * mini-batches are pending again, as if their machine had left.
 */
export const onPauseChanged = (
  state: SchedulerState,
  fact: PauseWord & { readonly job: JobId; readonly by: PeerId },
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, fact.job)
  if (entry === undefined) return
  const { paused, clock, by } = fact
  if (entry.pause !== null && isLater(entry.pause, fact)) return
  entry.pause = { paused, clock, by }
  if (paused && entry.closed === null) {
    for (const lease of [...entry.liveByMiniBatch.values()].flat()) {
      revoke(decisions, lease.peer, lease.token, 'paused')
      freeLease(state, decisions, lease, 'the job was paused')
    }
  }
  mayPlace(decisions, 'all')
}

/** Of the same clock and author the newer word holds: records of one log come in order. */
const isLater = (known: PauseWord, word: PauseWord): boolean =>
  known.clock > word.clock || (known.clock === word.clock && known.by > word.by)
