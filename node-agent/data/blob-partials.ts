import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blobs } from '#agent/ports/blobs.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { checkSize } from './blob-layout.ts'
import type { BlobLayout } from './blob-layout.ts'
import { sizeOf, writeAll, writeError } from './disk.ts'

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
  const hash = createHash('sha256')
  let total: number
  {
    await using file = await open(path, offset === 0 ? 'w+' : 'r+')
    await file.truncate(offset)
    await hashStart(file, hash, offset)
    total = await writeParts(incoming, file, hash)
    await file.sync()
  }
  if (hash.digest('hex') === blob) {
    await store.publish(path, blob)
    return ok(total)
  }
  await rm(path, { force: true })
  return err(wrongBytes(blob))
}

/** Takes what an earlier stream left into the hash. */
const hashStart = async (file: FileHandle, hash: Hash, end: number): Promise<void> => {
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  for (let at = 0; at < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) throw new Error('a partial blob shrank while it was read')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

/** Resolves to the blob's whole size. */
const writeParts = async (incoming: Incoming, file: FileHandle, hash: Hash): Promise<number> => {
  let total = incoming.offset
  // The disk takes one part while the next one comes and is hashed.
  let written: Promise<void> = Promise.resolve()
  for await (const part of incoming.parts) {
    incoming.signal?.throwIfAborted()
    const tooLarge = checkSize(total + part.byteLength)
    if (tooLarge !== undefined) throw new MusterFailure(tooLarge)
    await written
    written = writeAll(file, part, total)
    // Seen below; a rejection meanwhile is no defect.
    written.catch(() => undefined)
    hash.update(part)
    total += part.byteLength
  }
  await written
  incoming.signal?.throwIfAborted()
  return total
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
