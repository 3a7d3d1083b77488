import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { ErrorCode } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { createFrameReader, joinFrames } from './frames.ts'

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
  readonly timer: NodeJS.Timeout | undefined
}

export const createFrameStream = (stream: Stream, maxFrameBytes: number): FrameStream => {
  const reader = createFrameReader(maxFrameBytes)
  const frames: Uint8Array[] = []
  let waiter: Waiter | undefined
  let failure: MusterFailure | undefined
  let ended = false
  const writer = createWriter(stream)

  const settle = (): void => {
    if (waiter === undefined) return
    const frame = frames.shift()
    if (frame === undefined && !ended && failure === undefined) return
    const { resolve, reject, timer } = waiter
    waiter = undefined
    clearTimeout(timer)
    if (frame !== undefined) resolve(frame)
    else if (failure === undefined) resolve(null)
    else reject(failure)
  }

  /** Ends the read that waits; the stream itself stays as it is. */
  const giveUp = (code: ErrorCode, sentence: string): void => {
    const waiting = waiter
    waiter = undefined
    clearTimeout(waiting?.timer)
    waiting?.reject(failed(code, sentence))
  }

  stream.addEventListener('message', (event: StreamMessageEvent) => {
    waiter?.timer?.refresh()
    try {
      const parts = event.data instanceof Uint8Array ? [event.data] : event.data
      for (const part of parts) frames.push(...reader.push(part))
    } catch (thrown) {
      if (thrown instanceof MusterFailure) failure ??= thrown
      stream.abort(new Error('frame too large'))
    }
    settle()
    if (frames.length > 0) pause(stream)
  })
  stream.addEventListener('remoteCloseWrite', () => {
    ended = true
    settle()
  })
  stream.addEventListener('close', (event: StreamCloseEvent) => {
    if (event.error === undefined) ended = true
    else
      failure ??= failed('PeerUnreachable', 'The connection was lost.', thrownToText(event.error))
    settle()
  })

  const read = (silenceMs?: number, signal?: AbortSignal): Promise<Uint8Array | null> =>
    new Promise<Uint8Array | null>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(failed('Aborted', 'The request was given up.'))
        return
      }
      const onAbort = (): void => giveUp('Aborted', 'The request was given up.')
      const done = (): void => signal?.removeEventListener('abort', onAbort)
      signal?.addEventListener('abort', onAbort, { once: true })
      const onSilence = (): void => giveUp('TimedOut', `Nothing was heard for ${silenceMs} ms.`)
      waiter = {
        resolve: (frame) => (done(), resolve(frame)),
        reject: (thrown) => (done(), reject(thrown)),
        timer: silenceMs === undefined ? undefined : setTimeout(onSilence, silenceMs),
      }
      settle()
      if (waiter !== undefined) resume(stream)
    })

  return {
    read,
    write: (...parts) => writer.write(parts),
    drained: (waitMs, signal) => waitForDrain(stream, waitMs, signal),
    isOpen: () =>
      failure === undefined &&
      !ended &&
      stream.status === 'open' &&
      stream.writeStatus === 'writable',
    end: () => {
      writer.flush()
      stream.close().catch(() => undefined)
    },
    abort: (why) => stream.abort(new Error(why)),
  }
}

const createWriter = (stream: Stream) => {
  let queued: (readonly Uint8Array[])[] = []
  let queuedBytes = 0
  let scheduled = false

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

  const write = (parts: readonly Uint8Array[]): void => {
    queued.push(parts)
    for (const part of parts) queuedBytes += part.length
    if (queuedBytes >= limits.coalesceBytes) {
      flush()
    } else if (!scheduled) {
      scheduled = true
      setImmediate(() => {
        scheduled = false
        flush()
      })
    }
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

const pause = (stream: Stream): void => {
  if (stream.readStatus === 'readable') stream.pause()
}
const resume = (stream: Stream): void => {
  if (stream.readStatus === 'paused') stream.resume()
}

const failed = (code: ErrorCode, sentence: string, detail?: string): MusterFailure =>
  new MusterFailure(
    musterError(code, sentence, { retryable: true, ...(detail === undefined ? {} : { detail }) }),
  )
