import { createHash } from 'node:crypto'
import { open, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Blobs, BlobStreamOptions, PutOptions } from '#agent/ports/blobs.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { checkSize, createBlobLayout } from './blob-layout.ts'
import type { BlobLayout } from './blob-layout.ts'
import { createPartials } from './blob-partials.ts'
import { sizeOf, syncFolder, systemCode, writeAll, writeError } from '../disk.ts'

export interface BlobsOptions {
  /** Absolute folder that this agent alone writes to. It is made if missing. */
  readonly folder: string
}

/**
 * Blobs as files `folder/ab/cdef...`. A blob is written beside them under a passing name, fsynced, renamed
 * and only then visible, so no crash leaves a wrong one. What a killed agent left is swept here.
 * @throws MusterFailure `HomeNotWritable`
 */
export const createBlobs = (options: BlobsOptions): Blobs => {
  const store = createBlobLayout(options.folder)
  return {
    has: async (blob) => (await sizeOf(store.path(blob))) !== undefined,
    size: (blob) => sizeOf(store.path(blob)),
    put: (bytes, options) => put(store, bytes, options),
    putFile: (path, options) => putFile(store, path, options),
    ...createPartials(store),
    read: (blob) => read(store, blob),
    stream: (blob, options) => stream(store, blob, options),
    path: store.path,
    delete: async (blob) => {
      await rm(store.path(blob), { force: true })
      // What came of it before a transfer broke off holds the same words.
      await rm(join(store.partialFolder, blob), { force: true })
    },
  }
}

const put = async (
  store: BlobLayout,
  bytes: Uint8Array,
  { beforeHere }: Pick<PutOptions, 'beforeHere'> = {},
): Promise<Result<BlobHash, MusterError>> => {
  const tooLarge = checkSize(bytes.byteLength)
  if (tooLarge !== undefined) return err(tooLarge)
  try {
    const blob = await hashOf(bytes)
    await beforeHere?.(blob)
    if ((await sizeOf(store.path(blob))) === bytes.byteLength) {
      // Whoever renamed it may not have synced the folder yet, and our word is "durable".
      await syncFolder(dirname(store.path(blob)))
      return ok(blob)
    }
    await writeTemp(store, async (file) => {
      await file.writeFile(bytes)
      return blob
    })
    return ok(blob)
  } catch (thrown) {
    return err(writeError(thrown, 'A blob', store.folder))
  }
}

/** Gives `fill` a fresh file, then fsyncs and publishes it; nothing stays behind when any of it fails. */
const writeTemp = async (
  store: BlobLayout,
  fill: (file: FileHandle) => Promise<BlobHash>,
): Promise<void> => {
  const temp = store.tempPath()
  try {
    let blob: BlobHash
    {
      await using file = await open(temp, 'wx')
      blob = await fill(file)
      await file.sync()
    }
    await store.publish(temp, blob)
  } catch (thrown) {
    await rm(temp, { force: true })
    throw thrown
  }
}

const putFile = async (
  store: BlobLayout,
  path: string,
  { signal, beforeHere }: PutOptions = {},
): Promise<Result<{ blob: BlobHash; bytes: number }, MusterError>> => {
  const refused = await checkSource(path)
  if (refused !== undefined) return err(refused)
  try {
    let result = { blob: asBlobHash(''), bytes: 0 }
    await writeTemp(store, async (file) => {
      result = await copyHashing(path, file, signal)
      await beforeHere?.(result.blob)
      return result.blob
    })
    return ok(result)
  } catch (thrown) {
    return err(writeError(thrown, `A copy of ${path}`, store.folder))
  }
}

/** Anything but a regular file is refused before it is opened: opening a named pipe would wait for ever. */
const checkSource = async (path: string): Promise<MusterError | undefined> => {
  try {
    const facts = await stat(path)
    if (facts.isFile()) return checkSize(facts.size)
    return musterError('NotFound', `${path} is not a file: give the path of a file.`)
  } catch (thrown) {
    return musterError(
      'NotFound',
      `${path} cannot be read: check that it exists and is readable.`,
      {
        detail: thrownToText(thrown),
      },
    )
  }
}

const copyHashing = async (
  path: string,
  file: FileHandle,
  signal?: AbortSignal,
): Promise<{ blob: BlobHash; bytes: number }> => {
  const hash = createHash('sha256')
  let bytes = 0
  await using source = await open(path, 'r')
  const buffer = Buffer.allocUnsafe(hashSliceBytes)
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await source.read(buffer, 0, buffer.length)
    if (bytesRead === 0) break
    const tooLarge = checkSize(bytes + bytesRead)
    if (tooLarge !== undefined) throw new MusterFailure(tooLarge)
    const part = buffer.subarray(0, bytesRead)
    hash.update(part)
    await writeAll(file, part, bytes)
    bytes += bytesRead
  }
  return { blob: asBlobHash(hash.digest('hex')), bytes }
}

const hashSliceBytes = 1024 * 1024

/** SHA-256 in slices of about a millisecond, so that a large blob does not hold up the agent. */
const hashOf = async (bytes: Uint8Array): Promise<BlobHash> => {
  const hash = createHash('sha256')
  for (let at = 0; at < bytes.byteLength; at += hashSliceBytes) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve))
    hash.update(bytes.subarray(at, at + hashSliceBytes))
  }
  return asBlobHash(hash.digest('hex'))
}

const read = async (
  store: BlobLayout,
  blob: BlobHash,
): Promise<Result<Uint8Array, MusterError>> => {
  let bytes: Buffer
  try {
    bytes = await readFile(store.path(blob))
  } catch (thrown) {
    return err(readError(thrown, blob))
  }
  if ((await hashOf(bytes)) === blob) return ok(bytes)
  return err(await setAside(store, blob))
}

const readError = (thrown: unknown, blob: BlobHash): MusterError =>
  systemCode(thrown) === 'ENOENT'
    ? musterError('BlobMissing', `Blob ${blob} is not on this machine: it must be fetched again.`)
    : musterError('Internal', `Blob ${blob} could not be read; the log says why.`, {
        detail: thrownToText(thrown),
      })

/** Takes a damaged blob out of sight, so that it can be fetched again, and keeps it a while as evidence. */
const setAside = async (store: BlobLayout, blob: BlobHash): Promise<MusterError> => {
  const aside = join(store.corruptFolder, `${blob}-${Date.now()}`)
  try {
    await rename(store.path(blob), aside)
  } catch {
    // Somebody else was first, or the disk refuses the rename: then it must at least not be served.
    await unlink(store.path(blob)).catch(() => undefined)
  }
  return musterError(
    'BlobCorrupt',
    `Blob ${blob} was damaged on this machine's disk and set aside: it must be fetched again.`,
    { detail: aside },
  )
}

async function* stream(
  store: BlobLayout,
  blob: BlobHash,
  { offset, frameBytes, check = false }: BlobStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = check && offset === 0 ? createHash('sha256') : undefined
  await using file = await open(store.path(blob), 'r').catch((thrown: unknown) => {
    throw new MusterFailure(readError(thrown, blob))
  })
  // One is read into while the reader of this stream has the other; a small blob needs no more than its size.
  const { size } = await file.stat()
  const most = Math.min(frameBytes, Math.max(1, size - offset))
  let [mine, theirs] = [Buffer.allocUnsafeSlow(most), Buffer.allocUnsafeSlow(most)]
  const readAt = async (at: number): Promise<Uint8Array> => {
    const { bytesRead } = await file.read(mine, 0, most, at)
    return mine.subarray(0, bytesRead)
  }
  let next = readAt(offset)
  for (let at = offset; ;) {
    const part = await next
    if (part.length === 0) break
    at += part.length
    ;[mine, theirs] = [theirs, mine]
    next = readAt(at)
    next.catch(() => undefined)
    hash?.update(part)
    yield part
  }
  if (hash !== undefined && hash.digest('hex') !== blob)
    throw new MusterFailure(await setAside(store, blob))
}
