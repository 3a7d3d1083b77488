import type { ServerResponse } from 'node:http'
import { limits } from '#protocol/limits.ts'
import type { DeltaSource, SequencedDelta } from '#agent/ports/control-backend.ts'

/**
 * Everyone who follows deltas by server-sent events. A delta becomes text once, whoever reads it. A
 * reader who lets `limits.followerBytes` pile up is dropped; it may come back with its last event id.
 */
export interface Followers extends Disposable {
  /**
   * Writes the head of the answer, the backlog after `since` (left out: nothing) and then every delta.
   * `gone` and `full` wrote nothing.
   */
  readonly follow: (
    outgoing: ServerResponse,
    since: number | undefined,
  ) => 'following' | 'gone' | 'full'
  readonly count: () => number
}

export const createFollowers = (deltas: DeltaSource): Followers => {
  const readers = new Set<ServerResponse>()

  const send = (reader: ServerResponse, text: string): void => {
    if (reader.writableLength + text.length > limits.followerBytes) {
      readers.delete(reader)
      reader.destroy()
      return
    }
    reader.write(text)
  }

  const follow = (outgoing: ServerResponse, since: number | undefined) => {
    if (readers.size >= limits.followers) return 'full'
    const newest = deltas.sequence()
    const backlog = since === undefined ? [] : since > newest ? undefined : deltas.since(since)
    if (backlog === undefined) return 'gone'
    outgoing.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    })
    outgoing.on('close', () => readers.delete(outgoing))
    outgoing.on('error', () => readers.delete(outgoing))
    readers.add(outgoing)
    // The comment makes the head leave at once, so that the asker knows it follows.
    outgoing.write(`: following\n\n${backlog.map(eventText).join('')}`)
    return 'following'
  }

  const subscription = deltas.on((delta) => {
    if (readers.size === 0) return
    const text = eventText(delta)
    for (const reader of readers) send(reader, text)
  })
  const keepAlive = setInterval(() => {
    for (const reader of readers) send(reader, ': keep-alive\n\n')
  }, limits.eventKeepAliveMs)
  keepAlive.unref()

  return {
    follow,
    count: () => readers.size,
    [Symbol.dispose]: () => {
      clearInterval(keepAlive)
      subscription[Symbol.dispose]()
      for (const reader of readers) reader.end()
      readers.clear()
    },
  }
}

const eventText = ({ sequence, delta }: SequencedDelta): string =>
  `id: ${sequence}\nevent: delta\ndata: ${JSON.stringify(delta)}\n\n`
