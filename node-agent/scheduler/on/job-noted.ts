import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { peerEntry, peerJob } from '../leases.ts'
import type { SchedulerState } from '../state.ts'

/** A peer's word for those who ask why nothing of a job runs there. Decides nothing. */
export const onJobNoted = (
  state: SchedulerState,
  fact: { readonly peer: PeerId; readonly job: JobId; readonly message: string },
): void => {
  const entry = state.jobs.get(fact.job)
  if (entry === undefined || entry.closed !== null) return
  peerJob(peerEntry(state, fact.peer), fact.job).note = fact.message
}
