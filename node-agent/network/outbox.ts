import type { Stream } from '@libp2p/interface'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Log } from '#agent/ports/log.ts'
import type { SendOutcome } from '#agent/ports/transport.ts'
import type { Bounds } from './bounds.ts'
import { joinFrames } from './frames.ts'
import { oncePerTurn } from './turn.ts'

/** Messages to one peer over one protocol: bounded, in order, many in one write when they come fast. */
export interface Outbox {
  readonly send: (payload: Uint8Array) => SendOutcome
  /** Sends what waits and ends the stream; resolves when that is done or `signal` aborts. */
  readonly finish: (signal: AbortSignal) => Promise<void>
  /** Drops what waits. */
  readonly drop: () => void
}

export interface OutboxDeps {
  readonly openStream: () => Promise<Stream>
  readonly bounds: Bounds
  readonly log: Log
}

const lostMessages = 'messages were lost with their stream'

export const createOutbox = ({ openStream, bounds, log }: OutboxDeps): Outbox => {
  const queue = createQueue(bounds)
  let stream: Stream | undefined
  let opening: Promise<void> | undefined
  let dropped = false

  const lose = (thrown: unknown): void => {
    stream = undefined
    const messages = queue.clear()
    if (messages > 0) log.debug(lostMessages, { messages, detail: thrownToText(thrown) })
  }

  const open = async (): Promise<void> => {
    try {
      const opened = await openStream()
      if (dropped) return opened.abort(new Error('dropped'))
      stream = opened
      opened.addEventListener('drain', flush)
      opened.addEventListener('close', (event) => {
        if (stream === opened) lose(event.error ?? 'closed')
      })
      flush()
    } catch (thrown) {
      lose(thrown)
    } finally {
      opening = undefined
    }
  }

  const flush = (): void => {
    if (stream === undefined) {
      opening ??= open()
      return
    }
    try {
      while (queue.length() > 0 && !stream.writableNeedsDrain) stream.send(queue.takeBatch())
    } catch (thrown) {
      lose(thrown)
    }
  }

  // What is sent together leaves together.
  const flushSoon = oncePerTurn(() => {
    if (!dropped && queue.length() > 0) flush()
  })

  const send = (payload: Uint8Array): SendOutcome => {
    if (dropped) return 'unreachable'
    if (!queue.push(payload)) return 'full'
    flushSoon()
    return 'sent'
  }

  return {
    send,
    finish: async (signal) => {
      if (queue.length() > 0) flush()
      await opening
      while (queue.length() > 0 && !signal.aborted) await turn()
      if (stream !== undefined) await closeHeard(stream, signal)
    },
    drop: () => {
      dropped = true
      queue.clear()
    },
  }
}

/**
 * Ends our half and waits until the reader ends its own, which it does when it has read all: a socket
 * closed any sooner may be reset, and what was on its way is lost.
 */
const closeHeard = async (stream: Stream, signal: AbortSignal): Promise<void> => {
  const closed = new Promise<void>((resolve) => {
    stream.addEventListener('close', () => resolve(), { once: true })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await stream.close({ signal }).catch(() => undefined)
  if (stream.status === 'open' || stream.status === 'closing') await closed
}

const createQueue = (bounds: Bounds) => {
  let payloads: Uint8Array[] = []
  let bytes = 0

  /** False if there is no room. */
  const push = (payload: Uint8Array): boolean => {
    if (payloads.length >= bounds.outboxMessages) return false
    if (bytes + payload.length > bounds.outboxBytes) return false
    payloads.push(payload)
    bytes += payload.length
    return true
  }

  const takeBatch = (): Uint8Array => {
    let count = 0
    let taken = 0
    while (count < payloads.length && (count === 0 || taken < limits.coalesceBytes)) {
      taken += payloads[count]?.length ?? 0
      count++
    }
    bytes -= taken
    return joinFrames(payloads.splice(0, count).map((payload) => [payload]))
  }

  /** Returns how many were dropped. */
  const clear = (): number => {
    const dropped = payloads.length
    payloads = []
    bytes = 0
    return dropped
  }

  return { push, takeBatch, clear, length: () => payloads.length }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
