import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { Blobs } from '#agent/ports/blobs.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash, JobId } from '#protocol/model/ids.ts'
import { keepNewest } from '#protocol/model/keep-newest.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ChunkRows } from '#protocol/model/rows.ts'
import { encodeResultChunk } from '#protocol/wire/chunk/chunk.ts'
import { createJobNotes } from './job-notes.ts'

export interface ChunksDeps {
  readonly blobs: Blobs
  /** Absolute; remembers which chunks are of jobs that are not settled. */
  readonly notes: string
  /**
   * Compressed bytes of chunks packed here that are kept at hand: a keeper that is its own worker asks for
   * each of them a moment later. Left out: none.
   */
  readonly recentBytes?: number
}

/** Result chunks as zstd-compressed blobs. */
export const createChunks = ({
  blobs,
  notes: notesFolder,
  recentBytes = 0,
}: ChunksDeps): Chunks => {
  const recent = createRecent(recentBytes)
  const notes = createJobNotes(notesFolder)
  /** The jobs that were settled last. */
  const settled = new Set<JobId>()
  return {
    pack: async (chunk) => {
      const packed = await compressed(chunk)
      if (!packed.ok) return packed
      // A kill leaves no chunk without its note: nobody would delete that one when its job is forgotten.
      const beforeHere = (blob: BlobHash): Promise<void> => notes.add(chunk.job, blob)
      const stored = await blobs.put(packed.value, { beforeHere })
      if (!stored.ok) return stored
      if (settled.has(chunk.job)) {
        // An attempt that ended after its job: nobody will ask for it. What stays now goes at the next start.
        const gone = blobs.delete(stored.value).then(() => notes.drop(chunk.job))
        await gone.catch(() => undefined)
      } else recent.keep(stored.value, packed.value)
      return stored
    },
    read: async (blob) => {
      const bytes = recent.take(blob)
      return bytes === undefined ? blobs.read(blob) : ok(bytes)
    },
    expect: notes.open,
    settle: async (job, needed) => {
      settled.add(job)
      keepNewest(settled, limits.endedJobs)
      const packed = await notes.of(job)
      const stay = packed.length === 0 ? new Set() : await needed()
      for (const blob of packed) if (!stay.has(blob)) await blobs.delete(blob)
      await notes.drop(job)
    },
    jobs: notes.jobs,
  }
}

/** The newest chunks within a size; each is handed out once, since it is asked for once. */
const createRecent = (most: number) => {
  const kept = new Map<BlobHash, Uint8Array>()
  let total = 0
  const drop = (blob: BlobHash): void => {
    total -= kept.get(blob)?.length ?? 0
    kept.delete(blob)
  }
  return {
    keep: (blob: BlobHash, bytes: Uint8Array): void => {
      if (bytes.length > most) return
      drop(blob)
      kept.set(blob, bytes)
      total += bytes.length
      for (const oldest of kept.keys()) {
        if (total <= most) return
        drop(oldest)
      }
    },
    take: (blob: BlobHash): Uint8Array | undefined => {
      const found = kept.get(blob)
      drop(blob)
      return found
    },
  }
}

const compress = promisify(zstdCompress)

const compressed = async (chunk: ChunkRows): Promise<Result<Uint8Array, MusterError>> => {
  const bytes = encodeResultChunk(chunk)
  if (bytes.length <= limits.chunkUnpackedBytes) return ok(await compress(bytes))
  return err(
    musterError(
      'FrameTooLarge',
      `The rows of job ${chunk.job} fill ${bytes.length} bytes in one result chunk, more than the ` +
        `${limits.chunkUnpackedBytes} allowed: use a smaller mini_batch_size or smaller rows.`,
    ),
  )
}
