import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash, JobId } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'

/**
 * Which blobs of this machine are packs of which job, so that they can go when it is over. Remembered over
 * restarts; a pack belongs to one attempt, so no other job can need it.
 */
export interface Packs {
  /** Stores a pack and deletes the file it came in. */
  readonly take: (job: JobId, path: string) => Promise<Result<BlobHash, MusterError>>
  /** Says that a pack of the job may be here, or will be in a moment. */
  readonly expect: (job: JobId, pack: BlobHash) => Promise<void>
  /** Deletes all packs of the job. */
  readonly drop: (job: JobId) => Promise<void>
  /** Jobs that have packs here. */
  readonly jobs: () => Promise<readonly JobId[]>
}
