import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { createFrameReader, joinFrames, lengthOf } from './frames.ts'
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
  /** Queues one frame, given in parts. Frames of the same turn leave together. Never throws. */
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
  readonly resolve: (frame: Uint8Array | null) => void
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
    read: reader.read,
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
  const reader = createFrameReader(maxFrameBytes)
  const frames: Uint8Array[] = []
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
    const frame = frames.shift()
    if (frame !== undefined) takeWaiter()?.resolve(frame)
    else if (failure !== undefined) takeWaiter()?.reject(failure)
    else if (ended) takeWaiter()?.resolve(null)
  }

  stream.addEventListener('message', (event: StreamMessageEvent) => {
    waiter?.timer?.refresh()
    try {
      for (const part of partsOf(event)) frames.push(...reader.push(part))
    } catch (thrown) {
      if (thrown instanceof MusterFailure) failure ??= thrown
      stream.abort(new Error('frame too large'))
    }
    settle()
    if (lengthOf(frames) > limits.unreadBytes) pause(stream)
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

  const read = (silenceMs?: number, signal?: AbortSignal): Promise<Uint8Array | null> =>
    new Promise<Uint8Array | null>((resolve, reject) => {
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
      if (waiter !== undefined) resume(stream)
    })

  return { read, isOpen: () => failure === undefined && !ended }
}

/** Frames of one turn of the loop leave in one write. */
const createWriter = (stream: Stream) => {
  let queued: (readonly Uint8Array[])[] = []
  let queuedBytes = 0

  const flush = (): void => {
    if (queued.length === 0) return
    const bytes = joinFrames(queued)
    queued = []
    queuedBytes = 0
    try {
      stream.send(bytes)
    } catch {
      // The stream has just closed: whoever reads it hears of it.
    }
  }
  const flushSoon = oncePerTurn(flush)

  const write = (parts: readonly Uint8Array[]): void => {
    queued.push(parts)
    queuedBytes += lengthOf(parts)
    if (queuedBytes >= limits.coalesceBytes) flush()
    else flushSoon()
  }
  return { write, flush }
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

const pause = (stream: Stream): void => {
  if (stream.readStatus === 'readable') stream.pause()
}
const resume = (stream: Stream): void => {
  if (stream.readStatus === 'paused') stream.resume()
}

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
