import type { JobId, Millis } from './ids.ts'
import type { EndState } from './job.ts'

/** What stays known of a forgotten job: numbers, and no name of anything that it read or wrote. */
export interface ForgottenSums {
  readonly items: number
  readonly itemsSucceeded: number
  readonly itemsFailed: number
  /** Of the plan, with one more for each halving. */
  readonly miniBatches: number
  readonly committed: number
  readonly failedMiniBatches: number
}

/**
 * The submitter of an ended job, or an admin, wants its rows and the names of its items gone everywhere. It
 * counts if its author submitted the job, or was ever made an admin by the creator of the cluster, by those
 * it made admins, and so on. Then the bodies of `forgettableKinds` that speak of the job are dropped on
 * every member, whenever they come, and this record says what is left to say.
 */
export interface JobForgotten {
  readonly kind: 'job-forgotten'
  readonly job: JobId
  /** How the job had ended, and when. */
  readonly state: EndState
  readonly endedAt: Millis
  readonly sums: ForgottenSums
  readonly at: Millis
}
