import { createHash } from 'node:crypto'
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { limits } from '#protocol/limits.ts'
import { systemCode } from '../disk.ts'

/**
 * Thread that writes and hashes one large blob, so that neither holds up the agent. Its bytes come in
 * slots of shared memory, in order; each is given back when it is written.
 */
export type ToBlobThread =
  | { readonly kind: 'part'; readonly start: number; readonly bytes: number }
  /** Nothing more comes: make it durable and tell the hash. */
  | { readonly kind: 'end' }
  /** Nothing more comes and nobody wants the hash. */
  | { readonly kind: 'close' }

export type FromBlobThread =
  | { readonly kind: 'taken' }
  | { readonly kind: 'ended'; readonly hash: string }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string }

interface ThreadData {
  readonly path: string
  readonly offset: number
  readonly ring: SharedArrayBuffer
}

const { path, offset, ring } = workerData as ThreadData
const memory = new Uint8Array(ring)
const hash = createHash('sha256')
let file = -1
let total = offset
let isFailed = false
let isFlushing = false
let isClosing = false
let flushedAt = offset

const say = (message: FromBlobThread): void => parentPort?.postMessage(message)

/** After the first failure nothing is written, but the messages are read to the end. */
const attempt = (run: () => void): void => {
  if (isFailed) return
  try {
    run()
  } catch (thrown) {
    isFailed = true
    say({ kind: 'failed', message: String(thrown), code: systemCode(thrown) })
  }
}

const start = (): void => {
  file = openSync(path, offset === 0 ? 'w+' : 'r+')
  ftruncateSync(file, offset)
  // Not the ring: it is being filled meanwhile.
  const buffer = Buffer.allocUnsafe(Math.min(offset, limits.bulkFrameBytes))
  for (let at = 0; at < offset;) {
    const read = readSync(file, buffer, 0, Math.min(buffer.length, offset - at), at)
    if (read === 0) throw new Error('a partial blob shrank while it was read')
    hash.update(buffer.subarray(0, read))
    at += read
  }
}

const take = (part: Uint8Array): void => {
  for (let done = 0; done < part.length;)
    done += writeSync(file, part, done, part.length - done, total + done)
  hash.update(part)
  total += part.length
  flushSoon()
  say({ kind: 'taken' })
}

/** The disk works while more comes, instead of all at once at the end. A failure shows in the last fsync. */
const flushSoon = (): void => {
  if (isFlushing || total - flushedAt < limits.blobFlushBytes) return
  isFlushing = true
  flushedAt = total
  fdatasync(file, () => {
    isFlushing = false
    if (isClosing) closeSync(file)
  })
}

const end = (): void => {
  fsyncSync(file)
  say({ kind: 'ended', hash: hash.digest('hex') })
}

attempt(start)
parentPort?.on('message', (message: ToBlobThread) => {
  if (message.kind === 'part')
    return attempt(() => take(memory.subarray(message.start, message.start + message.bytes)))
  if (message.kind === 'end') return attempt(end)
  say({ kind: 'ended', hash: '' })
  isClosing = true
  if (file !== -1 && !isFlushing) closeSync(file)
  parentPort?.close()
})
