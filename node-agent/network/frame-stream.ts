import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { createPartsReader, joinFrames, joinParts, lengthOf } from './frames.ts'
import type { FrameParts } from './frames.ts'
import { sweepAfter } from './sweep.ts'
import { oncePerTurn } from './turn.ts'

/**
 * A libp2p stream spoken in frames, read by asking: while nobody asks, the stream is paused, so at most
 * one window (`streamWindowBytes`) of it is in memory.
 */
export interface FrameStream {
  /**
   * The next frame; null when the other side has ended. `silenceMs` bounds the time without a byte;
   * undefined: as long as the stream lives. One read at a time.
   * @throws MusterFailure `TimedOut`, `Aborted`, `FrameTooLarge`, `PeerUnreachable`
   */
  readonly read: (silenceMs?: number, signal?: AbortSignal) => Promise<Uint8Array | null>
  /** As `read`, without joining what came in parts. */
  readonly readParts: (silenceMs?: number, signal?: AbortSignal) => Promise<FrameParts | null>
  /**
   * Queues one frame, given in parts. Frames of the same turn leave together; one of `coalesceBytes` or
   * more leaves at once, and its parts may be overwritten when this returns. Never throws.
   */
  readonly write: (...parts: readonly Uint8Array[]) => void
  /**
   * Waits until the other side has taken enough to go on writing. False: it took nothing for `waitMs`,
   * the stream has ended, or `signal` aborted.
   */
  readonly drained: (waitMs: number, signal?: AbortSignal) => Promise<boolean>
  readonly isOpen: () => boolean
  /** Sends what is queued and ends our half. */
  readonly end: () => void
  readonly abort: (why: string) => void
}

interface Waiter {
  readonly resolve: (frame: FrameParts | null) => void
  readonly reject: (thrown: MusterFailure) => void
  /** Undefined: it waits as long as the stream lives. */
  readonly timer: NodeJS.Timeout | undefined
  /** Stops listening to the signal. */
  readonly leave: () => void
}

export const createFrameStream = (stream: Stream, maxFrameBytes: number): FrameStream => {
  const reader = createReader(stream, maxFrameBytes)
  const writer = createWriter(stream)
  return {
    read: async (silenceMs, signal) => {
      const parts = await reader.read(silenceMs, signal)
      return parts === null ? null : joinParts(parts)
    },
    readParts: reader.read,
    write: (...parts) => writer.write(parts),
    drained: (waitMs, signal) => waitForDrain(stream, waitMs, signal),
    isOpen: () => reader.isOpen() && stream.status === 'open' && stream.writeStatus === 'writable',
    end: () => {
      writer.flush()
      stream.close().catch(() => undefined)
    },
    abort: (why) => stream.abort(new Error(why)),
  }
}

const createReader = (stream: Stream, maxFrameBytes: number) => {
  const inbox = createInbox(maxFrameBytes)
  const flow = createFlow(stream, inbox.isFull)
  let waiter: Waiter | undefined
  let failure: MusterFailure | undefined
  let ended = false

  const takeWaiter = (): Waiter | undefined => {
    const taken = waiter
    waiter = undefined
    clearTimeout(taken?.timer)
    taken?.leave()
    return taken
  }

  const settle = (): void => {
    if (waiter === undefined) return
    const frame = inbox.take()
    if (frame !== undefined) takeWaiter()?.resolve(frame)
    else if (failure !== undefined) takeWaiter()?.reject(failure)
    else if (ended) takeWaiter()?.resolve(null)
  }

  stream.addEventListener('message', (event: StreamMessageEvent) => {
    waiter?.timer?.refresh()
    sweepAfter(event.data.byteLength)
    try {
      for (const part of partsOf(event)) inbox.push(part)
    } catch (thrown) {
      if (thrown instanceof MusterFailure) failure ??= thrown
      stream.abort(new Error('frame too large'))
    }
    settle()
    flow.pauseIfFull()
  })
  const onEnd = (): void => {
    ended = true
    settle()
  }
  stream.addEventListener('remoteCloseWrite', onEnd)
  stream.addEventListener('close', (event: StreamCloseEvent) => {
    if (event.error === undefined) ended = true
    else failure ??= lost(event.error)
    settle()
  })

  // The other side may have ended, or reset, while the protocol was negotiated: no event tells of it
  // now. What it had sent before is handed out in a microtask that is queued already.
  if (hasEnded(stream)) queueMicrotask(onEnd)

  const read = (silenceMs?: number, signal?: AbortSignal): Promise<FrameParts | null> =>
    new Promise<FrameParts | null>((resolve, reject) => {
      const onAbort = (): void => takeWaiter()?.reject(givenUp())
      const onSilence = (): void => takeWaiter()?.reject(silent(silenceMs ?? 0))
      waiter = {
        resolve,
        reject,
        leave: () => signal?.removeEventListener('abort', onAbort),
        timer: silenceMs === undefined ? undefined : setTimeout(onSilence, silenceMs),
      }
      if (signal?.aborted === true) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      settle()
      if (waiter !== undefined) flow.resume()
    })

  return { read, isOpen: () => failure === undefined && !ended }
}

/** Whole frames that nobody has read yet. */
const createInbox = (maxFrameBytes: number) => {
  const reader = createPartsReader(maxFrameBytes)
  const frames: FrameParts[] = []
  let bytes = 0
  return {
    /** @throws MusterFailure `FrameTooLarge` */
    push: (chunk: Uint8Array): void => {
      for (const frame of reader.push(chunk)) {
        frames.push(frame)
        bytes += lengthOf(frame)
      }
    },
    take: (): FrameParts | undefined => {
      const frame = frames.shift()
      if (frame !== undefined) bytes -= lengthOf(frame)
      return frame
    },
    isFull: () => bytes > limits.unreadBytes,
  }
}

/**
 * While it resumes, libp2p hands out what it held and then grants the whole window, also when somebody
 * paused meanwhile: such a pause would be void, and an unread stream is reset at 4 MiB. Hence only after it.
 */
const createFlow = (stream: Stream, isFull: () => boolean) => {
  let isResuming = false
  const pauseIfFull = (): void => {
    if (!isResuming && isFull() && stream.readStatus === 'readable') stream.pause()
  }
  const resume = (): void => {
    if (stream.readStatus !== 'paused') return
    isResuming = true
    stream.resume()
    isResuming = false
    pauseIfFull()
  }
  return { pauseIfFull, resume }
}

/** Frames of one turn of the loop leave in one write. */
const createWriter = (stream: Stream) => {
  let queued: FrameParts[] = []
  let queuedBytes = 0
  const take = createTaker(stream)

  const flush = (): void => {
    if (queued.length === 0) return
    const bytes = joinFrames(queued, take)
    sweepAfter(bytes.length)
    queued = []
    queuedBytes = 0
    try {
      stream.send(bytes)
    } catch {
      // The stream has just closed: whoever reads it hears of it.
    }
  }
  const flushSoon = oncePerTurn(flush)

  const write = (parts: FrameParts): void => {
    queued.push(parts)
    queuedBytes += lengthOf(parts)
    if (queuedBytes >= limits.coalesceBytes) flush()
    else flushSoon()
  }
  return { write, flush }
}

/**
 * Buffers for what is sent. Fresh memory for each frame of bulk costs more than everything else that is
 * done to it, so one buffer serves again as soon as libp2p holds nothing of it: what was sent is encrypted,
 * and with that copied, before libp2p says that it needs no drain.
 */
const createTaker = (stream: Stream) => {
  let kept: Buffer | undefined
  return (bytes: number): Buffer => {
    if (bytes < limits.coalesceBytes) return Buffer.allocUnsafe(bytes)
    if (kept === undefined || kept.length < bytes) return (kept = Buffer.allocUnsafeSlow(bytes))
    const isFree = !stream.writableNeedsDrain && stream.writeBufferLength === 0
    return isFree ? kept.subarray(0, bytes) : Buffer.allocUnsafe(bytes)
  }
}

/**
 * libp2p's own `onDrain` keeps the first promise for ever, so that from the second time on it does not
 * wait; and it rejects with an Event. Hence the events themselves.
 */
const waitForDrain = async (
  stream: Stream,
  waitMs: number,
  signal?: AbortSignal,
): Promise<boolean> => {
  while (stream.writableNeedsDrain && stream.status === 'open')
    if (!(await movedWithin(stream, waitMs, signal))) return false
  return stream.status === 'open'
}

const movedWithin = (stream: Stream, waitMs: number, signal?: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const finish = (moved: boolean): void => {
      clearTimeout(timer)
      stream.removeEventListener('drain', onMove)
      stream.removeEventListener('close', onMove)
      signal?.removeEventListener('abort', onStop)
      resolve(moved)
    }
    const onMove = (): void => finish(true)
    const onStop = (): void => finish(false)
    const timer = setTimeout(onStop, waitMs)
    stream.addEventListener('drain', onMove)
    stream.addEventListener('close', onMove)
    if (signal?.aborted === true) finish(false)
    else signal?.addEventListener('abort', onStop, { once: true })
  })

const hasEnded = (stream: Stream): boolean =>
  stream.status !== 'open' || stream.remoteWriteStatus === 'closed'

const givenUp = (): MusterFailure =>
  new MusterFailure(musterError('Aborted', 'The wait was given up.'))

const silent = (ms: number): MusterFailure =>
  new MusterFailure(musterError('TimedOut', `Nothing was heard for ${ms} ms.`, { retryable: true }))

const lost = (thrown: unknown): MusterFailure =>
  new MusterFailure(
    musterError('PeerUnreachable', 'The connection was lost.', {
      retryable: true,
      detail: thrownToText(thrown),
    }),
  )

/** The plain buffers of a message event. */
export const partsOf = ({ data }: StreamMessageEvent): Iterable<Uint8Array> =>
  data instanceof Uint8Array ? [data] : data
