import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { limits } from '#protocol/limits.ts'
import type { FromBlobThread, ToBlobThread } from './blob-thread.ts'
import { writeAll } from '../disk.ts'

/** Takes the bytes of one file in order, writes and hashes them. */
export interface BlobSink {
  /** Waits, if at all, until there is room again. The first error of the disk is thrown here or by `end`. */
  readonly take: (part: Uint8Array) => Promise<void> | undefined
  /** Everything is written and fsynced; resolves to the SHA-256 of the whole file, in hex. */
  readonly end: () => Promise<string>
  /** Writes what was taken, so that it can be gone on from, and lets go of the file. Never throws. */
  readonly close: () => Promise<void>
}

/** What is in the file from `offset` on is dropped, what is before it is hashed first. */
export interface SinkOptions {
  readonly path: string
  readonly offset: number
}

/** For small blobs: all of it happens on this thread, while the disk takes one part beside it. */
export const openSink = async ({ path, offset }: SinkOptions): Promise<BlobSink> => {
  const hash = createHash('sha256')
  const file = await open(path, offset === 0 ? 'w+' : 'r+')
  await file.truncate(offset)
  const buffer = Buffer.allocUnsafe(Math.min(offset, limits.bulkFrameBytes))
  for (let at = 0; at < offset;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, offset - at), at)
    if (bytesRead === 0) throw new Error('a partial blob shrank while it was read')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  let total = offset
  let written: Promise<void> = Promise.resolve()

  return {
    take: async (part) => {
      await written
      written = writeAll(file, part, total)
      // Seen by the next call; a rejection meanwhile is no defect.
      written.catch(() => undefined)
      hash.update(part)
      total += part.byteLength
    },
    end: async () => {
      await written
      await file.sync()
      return hash.digest('hex')
    },
    close: async () => {
      await written.catch(() => undefined)
      await file.close().catch(() => undefined)
    },
  }
}

/**
 * For large blobs: a thread writes and hashes. The bytes go over in a ring of shared memory, which is
 * filled here while the thread works on what came before. See blob-thread.ts.
 */
export const startSink = (options: SinkOptions): BlobSink => {
  const slotBytes = limits.blobRingBytes / limits.blobRingSlots
  const ring = new SharedArrayBuffer(limits.blobRingBytes)
  const bytes = Buffer.from(ring)
  const thread = new Worker(new URL('./blob-thread.ts', import.meta.url), {
    workerData: { ...options, ring, slotBytes },
    // It holds nothing but its own code.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  })
  const answers = createAnswers(thread)
  const say = (message: ToBlobThread): void => thread.postMessage(message)
  /** Slots filled since the start: the next one to fill is this one modulo their number. */
  let slot = 0
  let filled = 0

  const pass = (): void => {
    if (filled === 0) return
    say({ kind: 'part', start: (slot % limits.blobRingSlots) * slotBytes, bytes: filled })
    slot += 1
    filled = 0
  }

  const put = (part: Uint8Array): number => {
    const length = Math.min(part.length, slotBytes - filled)
    // Not `set`: into shared memory V8 copies word by word, as if every one were an atomic.
    const source = Buffer.from(part.buffer, part.byteOffset, length)
    source.copy(bytes, (slot % limits.blobRingSlots) * slotBytes + filled)
    filled += length
    if (filled === slotBytes) pass()
    return length
  }

  const putWaiting = async (part: Uint8Array): Promise<void> => {
    for (let done = 0; done < part.length;) {
      await answers.untilTaken(slot - limits.blobRingSlots + 1)
      done += put(part.subarray(done))
    }
  }

  return {
    take: (part) => {
      const isRoom =
        part.length <= slotBytes - filled && answers.taken() > slot - limits.blobRingSlots
      if (!isRoom) return putWaiting(part)
      put(part)
      return undefined
    },
    end: async () => {
      pass()
      say({ kind: 'end' })
      return answers.ended
    },
    close: async () => {
      pass()
      say({ kind: 'close' })
      await answers.ended.catch(() => undefined)
      await thread.terminate()
    },
  }
}

/** What the thread has said so far, and waits for more of it. */
const createAnswers = (thread: Worker) => {
  const ended = Promise.withResolvers<string>()
  // Somebody waits for it only at the end.
  ended.promise.catch(() => undefined)
  let taken = 0
  let waiting: PromiseWithResolvers<void> | undefined

  const fail = (thrown: Error): void => {
    ended.reject(thrown)
    waiting?.reject(thrown)
  }
  thread.on('message', (message: FromBlobThread) => {
    if (message.kind === 'taken') {
      taken += 1
      waiting?.resolve()
    } else if (message.kind === 'ended') ended.resolve(message.hash)
    else fail(Object.assign(new Error(message.message), { code: message.code }))
  })
  thread.on('error', fail)
  thread.on('exit', (code) => fail(new Error(`the thread that writes a blob ended with ${code}`)))

  const untilTaken = async (slots: number): Promise<void> => {
    if (taken >= slots) return
    waiting = Promise.withResolvers<void>()
    await Promise.race([waiting.promise, ended.promise])
    await untilTaken(slots)
  }
  return { ended: ended.promise, taken: () => taken, untilTaken }
}
