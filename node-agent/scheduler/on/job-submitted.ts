import type { Job } from '#protocol/model/job.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { jobEntry } from '../jobs.ts'
import type { JobEntry, SchedulerState } from '../state.ts'

/** A job's record is here. Facts that came before it are already in its entry. */
export const onJobSubmitted = (state: SchedulerState, job: Job, decisions: Decisions): void => {
  const entry = jobEntry(state, job.id)
  if (entry === undefined || entry.job !== null) return
  entry.job = job
  if (entry.closed !== null) return
  const at = state.open.findIndex((other) => isLater(other, job))
  if (at < 0) state.open.push(entry)
  else state.open.splice(at, 0, entry)
  decisions.touched.add(entry)
  mayPlace(decisions, 'all')
}

const isLater = (other: JobEntry, job: Job): boolean =>
  other.job !== null &&
  (other.job.submittedAt > job.submittedAt ||
    (other.job.submittedAt === job.submittedAt && other.job.id > job.id))
