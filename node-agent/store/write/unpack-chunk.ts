import { zstdDecompressSync } from 'node:zlib'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ResultChunk } from '#protocol/model/rows.ts'
import { decodeResultChunk } from '#protocol/wire/chunk/chunk.ts'

/** Reads a result chunk in the writer's thread; `FrameTooLarge` or `MessageInvalid` in words. */
export const unpackChunk = (
  blob: BlobHash,
  packed: Uint8Array,
): Result<ResultChunk, MusterError> => {
  try {
    // The limit holds while it is unpacked: a bomb of a few kB ends here, not in memory.
    const bytes = zstdDecompressSync(packed, { maxOutputLength: limits.chunkUnpackedBytes })
    return ok(decodeResultChunk(bytes))
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    return err(unpackError(thrown, blob))
  }
}

const unpackError = (thrown: unknown, blob: BlobHash): MusterError =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE'
    ? musterError(
        'FrameTooLarge',
        `Result chunk ${blob} unpacks to more than ${limits.chunkUnpackedBytes} bytes and was refused.`,
      )
    : musterError('MessageInvalid', `Blob ${blob} is no result chunk and was refused.`, {
        detail: thrownToText(thrown),
      })
