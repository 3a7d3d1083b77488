import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blobs } from '#agent/ports/blobs.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { checkSize } from './blob-layout.ts'
import type { BlobLayout } from './blob-layout.ts'
import { openSink, startSink } from './blob-sink.ts'
import { sizeOf, writeError } from '../disk.ts'

const isForThread = (bytes: number): boolean => bytes >= limits.threadedBlobBytes

/**
 * Blobs that arrive in parts. What came stays in `partial/<hash>` when the stream breaks, and the next
 * `putStream` goes on from there; the hash over all of it decides at the end.
 */
export const createPartials = (store: BlobLayout): Pick<Blobs, 'putStream' | 'partialSize'> => {
  const busy = new Set<BlobHash>()
  const partialPath = (blob: BlobHash): string => join(store.partialFolder, blob)
  return {
    partialSize: async (blob) => (await sizeOf(partialPath(blob))) ?? 0,
    putStream: async (blob, offset, parts, signal) => {
      const known = await sizeOf(store.path(blob))
      if (known !== undefined) return ok(known)
      // A second stream of the same blob must not write into the first one's file.
      const mine = !busy.has(blob)
      if (!mine && offset > 0) return err(alreadyComing(blob))
      const path = mine ? partialPath(blob) : store.tempPath()
      if (mine) busy.add(blob)
      try {
        return await receive(store, { blob, offset, parts, path, signal })
      } catch (thrown) {
        return err(writeError(thrown, `Blob ${blob}`, store.folder))
      } finally {
        if (mine) busy.delete(blob)
        else await rm(path, { force: true })
      }
    },
  }
}

interface Incoming {
  readonly blob: BlobHash
  readonly offset: number
  readonly parts: AsyncIterable<Uint8Array>
  readonly path: string
  readonly signal: AbortSignal | undefined
}

const receive = async (
  store: BlobLayout,
  incoming: Incoming,
): Promise<Result<number, MusterError>> => {
  const { blob, offset, path } = incoming
  if (((await sizeOf(path)) ?? 0) < offset) return err(wrongOffset(blob, offset))
  const { total, hash } = await writeParts(incoming)
  if (hash === blob) {
    await store.publish(path, blob)
    return ok(total)
  }
  await rm(path, { force: true })
  return err(wrongBytes(blob))
}

/** The blob's whole size, and what it hashes to. It starts small; once it is large, a thread goes on. */
const writeParts = async (incoming: Incoming): Promise<{ total: number; hash: string }> => {
  const { offset, path, parts, signal } = incoming
  let total = offset
  let isThreaded = isForThread(offset)
  let sink = isThreaded ? startSink({ path, offset }) : await openSink({ path, offset })
  try {
    for await (const part of parts) {
      signal?.throwIfAborted()
      const tooLarge = checkSize(total + part.byteLength)
      if (tooLarge !== undefined) throw new MusterFailure(tooLarge)
      if (!isThreaded && isForThread(total)) {
        isThreaded = true
        await sink.close()
        sink = startSink({ path, offset: total })
      }
      const full = sink.take(part)
      if (full !== undefined) await full
      total += part.byteLength
    }
    signal?.throwIfAborted()
    return { total, hash: await sink.end() }
  } finally {
    await sink.close()
  }
}

const alreadyComing = (blob: BlobHash): MusterError =>
  musterError('Full', `Blob ${blob} is already being received: try again when that has ended.`, {
    retryable: true,
  })

const wrongOffset = (blob: BlobHash, offset: number): MusterError =>
  musterError(
    'Internal',
    `Blob ${blob} cannot go on at byte ${offset} because less of it is here: start at its partial size.`,
    { retryable: true },
  )

const wrongBytes = (blob: BlobHash): MusterError =>
  musterError(
    'BlobCorrupt',
    `What came as blob ${blob} has another hash and was thrown away: fetch it again from another peer.`,
    { retryable: true },
  )
