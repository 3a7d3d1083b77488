import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ResultChunk } from '#protocol/model/rows.ts'

/** Result chunks as compressed blobs. */
export interface Chunks {
  /** Encodes, compresses (zstd), stores; durable when it resolves. */
  readonly pack: (chunk: ResultChunk) => Promise<Result<BlobHash, MusterError>>
  /** Reads a stored chunk back; refuses one that unpacks to more than its limit. */
  readonly unpack: (blob: BlobHash) => Promise<Result<ResultChunk, MusterError>>
}
