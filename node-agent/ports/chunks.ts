import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash, JobId } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ChunkRows } from '#protocol/model/rows.ts'

/**
 * Result chunks as compressed blobs. Which of them were packed here for a job is remembered over restarts until
 * the job is settled: chunks that never counted are named nowhere else.
 */
export interface Chunks {
  /** Encodes, compresses (zstd), stores; durable when it resolves. */
  readonly pack: (chunk: ChunkRows) => Promise<Result<BlobHash, MusterError>>
  /** The compressed bytes of a chunk that is here, as `Views.keepRows` takes them; nobody has read them yet. */
  readonly read: (blob: BlobHash) => Promise<Result<Uint8Array, MusterError>>
  /** Says that chunks of the job may come here from other machines, so that it is to be settled. */
  readonly expect: (job: JobId) => Promise<void>
  /**
   * The job is sealed: of the chunks that were packed here for it only those that are `needed` stay, and one that
   * is packed from now on goes at once. `needed` is asked only if there are some.
   */
  readonly settle: (job: JobId, needed: () => Promise<ReadonlySet<BlobHash>>) => Promise<void>
  /** Jobs of which chunks were packed or expected here and that are not settled. */
  readonly jobs: () => Promise<readonly JobId[]>
}
