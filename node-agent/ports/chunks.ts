import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ChunkRows } from '#protocol/model/rows.ts'

/** Result chunks as compressed blobs. */
export interface Chunks {
  /** Encodes, compresses (zstd), stores; durable when it resolves. */
  readonly pack: (chunk: ChunkRows) => Promise<Result<BlobHash, MusterError>>
  /** The compressed bytes of a chunk that is here, as `Views.keepRows` takes them; nobody has read them yet. */
  readonly read: (blob: BlobHash) => Promise<Result<Uint8Array, MusterError>>
}
