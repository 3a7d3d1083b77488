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

/** Result chunks as zstd-compressed blobs. */
export const createChunks = (deps: { readonly blobs: Blobs }): Chunks => ({
  pack: (chunk) => pack(deps.blobs, chunk),
  unpack: (blob) => unpack(deps.blobs, blob),
})

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

const pack = async (blobs: Blobs, chunk: ResultChunk): Promise<Result<BlobHash, MusterError>> => {
  const bytes = encodeResultChunk(chunk)
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
