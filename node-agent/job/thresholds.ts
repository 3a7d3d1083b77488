import type { JobSpec } from '#protocol/model/job.ts'
import { plural } from '#protocol/model/plural.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'

/** What has failed for good so far. */
export interface FailureCounts {
  readonly items: number
  readonly miniBatches: number
  /** All mini-batches of the job, where halves stand for their whole; undefined while more may be planned. */
  readonly of?: number
}

/**
 * A sentence if a job must stop because more failed than its spec tolerates, else undefined.
 * Azure's rule: strictly more aborts, 0 tolerates none, -1 tolerates all.
 */
export const exceededThreshold = (
  spec: Pick<JobSpec, 'errorThreshold' | 'miniBatchErrorThreshold' | 'allowedFailedPercent'>,
  failed: FailureCounts,
): string | undefined => {
  if (spec.errorThreshold >= 0 && failed.items > spec.errorThreshold) {
    return `${plural(failed.items, 'item')} failed, more than the ${String(spec.errorThreshold)} that error_threshold allows`
  }
  if (spec.miniBatchErrorThreshold >= 0 && failed.miniBatches > spec.miniBatchErrorThreshold) {
    return `${plural(failed.miniBatches, 'mini-batch', 'mini-batches')} failed, more than the ${String(spec.miniBatchErrorThreshold)} that mini_batch_error_threshold allows`
  }
  const percent = spec.allowedFailedPercent ?? jobDefaults.allowedFailedPercent
  if (failed.of !== undefined && failed.miniBatches * 100 > percent * failed.of) {
    return `${plural(failed.miniBatches, 'mini-batch', 'mini-batches')} of ${String(failed.of)} failed, more than the ${String(percent)} percent that allowed_failed_percent allows`
  }
  return undefined
}
