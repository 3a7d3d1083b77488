import type { Stream } from '@libp2p/interface'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Log } from '#agent/ports/log.ts'
import type { SendOutcome } from '#agent/ports/transport.ts'
import type { Bounds } from './bounds.ts'
import { joinFrames } from './frames.ts'

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

export const createOutbox = ({ openStream, bounds, log }: OutboxDeps): Outbox => {
  let queue: Uint8Array[] = []
  let queuedBytes = 0
  let stream: Stream | undefined
  let opening: Promise<void> | undefined
  let scheduled = false
  let dropped = false

  const clear = (): void => {
    queue = []
    queuedBytes = 0
  }

  const lose = (thrown: unknown): void => {
    stream = undefined
    if (queue.length > 0)
      log.debug('messages were lost with their stream', {
        messages: queue.length,
        detail: thrownToText(thrown),
      })
    clear()
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

  const takeBatch = (): Uint8Array => {
    let count = 0
    let bytes = 0
    while (count < queue.length && (count === 0 || bytes < limits.coalesceBytes)) {
      bytes += queue[count]?.length ?? 0
      count++
    }
    queuedBytes -= bytes
    return joinFrames(queue.splice(0, count).map((payload) => [payload]))
  }

  const flush = (): void => {
    if (stream === undefined) {
      opening ??= open()
      return
    }
    try {
      while (queue.length > 0 && !stream.writableNeedsDrain) stream.send(takeBatch())
    } catch (thrown) {
      lose(thrown)
    }
  }

  const send = (payload: Uint8Array): SendOutcome => {
    if (dropped) return 'unreachable'
    if (queue.length >= bounds.outboxMessages) return 'full'
    if (queuedBytes + payload.length > bounds.outboxBytes) return 'full'
    queue.push(payload)
    queuedBytes += payload.length
    if (!scheduled) {
      scheduled = true
      setImmediate(() => {
        scheduled = false
        if (!dropped && queue.length > 0) flush()
      })
    }
    return 'sent'
  }

  const finish = async (signal: AbortSignal): Promise<void> => {
    if (queue.length > 0) flush()
    await opening
    while (queue.length > 0 && stream !== undefined && !signal.aborted) await turn()
    await stream?.close({ signal }).catch(() => undefined)
  }

  const drop = (): void => {
    dropped = true
    clear()
  }

  return { send, finish, drop }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
