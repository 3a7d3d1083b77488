import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { Blobs } from '#agent/ports/blobs.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ResultChunk } from '#protocol/model/rows.ts'
import { decodeResultChunk, encodeResultChunk } from '#protocol/wire/chunk/chunk.ts'
import { systemCode } from './disk.ts'

export interface ChunksDeps {
  readonly blobs: Blobs
  /**
   * Unpacked bytes of chunks packed here that are kept at hand: a keeper that is its own worker asks for
   * each of them a moment later. Left out: none.
   */
  readonly recentBytes?: number
}

/** Result chunks as zstd-compressed blobs. */
export const createChunks = ({ blobs, recentBytes = 0 }: ChunksDeps): Chunks => {
  const recent = createRecent(recentBytes)
  return {
    pack: async (chunk) => {
      const bytes = encodeResultChunk(chunk)
      const packed = await pack(blobs, chunk, bytes)
      if (packed.ok) recent.keep(packed.value, chunk, bytes.byteLength)
      return packed
    },
    unpack: async (blob) => {
      const chunk = recent.take(blob)
      return chunk === undefined ? unpack(blobs, blob) : ok(chunk)
    },
  }
}

/** The newest chunks within a size; each is handed out once, since it is asked for once. */
const createRecent = (most: number) => {
  const kept = new Map<BlobHash, { readonly chunk: ResultChunk; readonly size: number }>()
  let total = 0
  const drop = (blob: BlobHash): void => {
    total -= kept.get(blob)?.size ?? 0
    kept.delete(blob)
  }
  return {
    keep: (blob: BlobHash, chunk: ResultChunk, size: number): void => {
      if (size > most) return
      drop(blob)
      kept.set(blob, { chunk, size })
      total += size
      for (const oldest of kept.keys()) {
        if (total <= most) return
        drop(oldest)
      }
    },
    take: (blob: BlobHash): ResultChunk | undefined => {
      const found = kept.get(blob)
      drop(blob)
      return found?.chunk
    },
  }
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

const pack = async (
  blobs: Blobs,
  chunk: ResultChunk,
  bytes: Uint8Array,
): Promise<Result<BlobHash, MusterError>> => {
  if (bytes.byteLength > limits.chunkUnpackedBytes)
    return err(
      musterError(
        'FrameTooLarge',
        `The rows of job ${chunk.job} fill ${bytes.byteLength} bytes in one result chunk, more than the ` +
          `${limits.chunkUnpackedBytes} allowed: use a smaller mini_batch_size or smaller rows.`,
      ),
    )
  return blobs.put(await compress(bytes))
}

const unpack = async (blobs: Blobs, blob: BlobHash): Promise<Result<ResultChunk, MusterError>> => {
  const packed = await blobs.read(blob)
  if (!packed.ok) return packed
  try {
    // The limit holds while it is unpacked: a bomb of a few kB ends here, not in memory.
    const bytes = await decompress(packed.value, { maxOutputLength: limits.chunkUnpackedBytes })
    return ok(decodeResultChunk(bytes))
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    return err(unpackError(thrown, blob))
  }
}

const unpackError = (thrown: unknown, blob: BlobHash): MusterError =>
  systemCode(thrown) === 'ERR_BUFFER_TOO_LARGE'
    ? musterError(
        'FrameTooLarge',
        `Result chunk ${blob} unpacks to more than ${limits.chunkUnpackedBytes} bytes and was refused.`,
      )
    : musterError('MessageInvalid', `Blob ${blob} is no result chunk and was refused.`, {
        detail: thrownToText(thrown),
      })
