import type { Job } from '#protocol/model/job.ts'
import { cell } from '../columns.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { jobEntry } from '../jobs.ts'
import { setState, stateOf, type JobEntry, type SchedulerState } from '../state.ts'

/** A job's record is here. Facts that came before it are already in its entry. */
export const onJobSubmitted = (state: SchedulerState, job: Job, decisions: Decisions): void => {
  const entry = jobEntry(state, job.id)
  if (entry === undefined || entry.job !== null) return
  entry.job = job
  failSpent(entry, job.spec.maxAttempts)
  if (entry.closed !== null) return
  const at = state.open.findIndex((other) => isLater(other, job))
  if (at < 0) state.open.push(entry)
  else state.open.splice(at, 0, entry)
  decisions.touched.add(entry)
  mayPlace(decisions, 'all')
}

/** Charges that came before the job, when nobody knew how many it allows. */
const failSpent = (entry: JobEntry, maxAttempts: number): void => {
  if (entry.chargeKeys.size === 0) return
  for (let miniBatch = 0; miniBatch < entry.columns.count; miniBatch++) {
    const isSpent = (entry.columns.charged[miniBatch] ?? 0) >= maxAttempts
    if (isSpent && stateOf(entry, miniBatch) !== cell.committed) {
      setState(entry, miniBatch, cell.failed)
    }
  }
}

const isLater = (other: JobEntry, job: Job): boolean =>
  other.job !== null &&
  (other.job.submittedAt > job.submittedAt ||
    (other.job.submittedAt === job.submittedAt && other.job.id > job.id))
