import type { JobId } from '#protocol/model/ids.ts'
import type { Decisions } from '../decisions.ts'
import { endJob, jobEntry } from '../jobs.ts'
import type { SchedulerState } from '../state.ts'

export const onPlanFailed = (
  state: SchedulerState,
  fact: { readonly job: JobId; readonly message: string },
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, fact.job)
  if (entry === undefined) return
  entry.planFailure ??= fact.message
  decisions.touched.add(entry)
}

/** Folded even while another agent is head, so that the wish is not lost with that head. */
export const onCancelRequested = (
  state: SchedulerState,
  job: JobId,
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, job)
  if (entry === undefined) return
  entry.cancelRequested = true
  decisions.touched.add(entry)
}

export const onJobEnded = (state: SchedulerState, job: JobId, decisions: Decisions): void => {
  const entry = jobEntry(state, job)
  if (entry !== undefined) endJob(state, decisions, entry)
}
