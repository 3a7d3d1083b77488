import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { MessageProtocol } from '#protocol/wire/codec.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport } from '#agent/ports/transport.ts'
import type { Bounds } from './bounds.ts'
import { partsOf } from './frame-stream.ts'
import { createFrameReader } from './frames.ts'
import type { Link, Links } from './links.ts'
import type { NodeParts } from './node.ts'
import { createOutbox } from './outbox.ts'
import type { Outbox } from './outbox.ts'

/** One-way messages: one stream a peer, protocol and direction, opened by the sender with its first message. */
export interface Messaging {
  readonly send: Transport['send']
  readonly receive: Transport['receive']
  /** Lets what was sent leave. */
  readonly finish: (signal: AbortSignal) => Promise<void>
}

export interface MessagingDeps {
  readonly parts: NodeParts
  readonly links: Links
  readonly bounds: Bounds
  readonly log: Log
  /** True once the peer is a greeted member; else its connection is cut. */
  readonly admitted: (link: Link) => Promise<boolean>
}

/** A stream that broke may overlap with its successor for a moment. */
const streamsPerProtocol = 4

export const createMessaging = (deps: MessagingDeps): Messaging => {
  const { parts, links, bounds, log, admitted } = deps
  const outboxesByLink = new Map<Link, Map<string, Outbox>>()

  const outboxOf = (link: Link, protocolId: string): Outbox => {
    let outboxes = outboxesByLink.get(link)
    if (outboxes === undefined) {
      const made = new Map<string, Outbox>()
      outboxes = made
      outboxesByLink.set(link, made)
      link.onClosed.add(() => {
        outboxesByLink.delete(link)
        for (const outbox of made.values()) outbox.drop()
      })
    }
    let outbox = outboxes.get(protocolId)
    if (outbox === undefined) {
      const openStream = (): Promise<Stream> => openMessageStream(link, protocolId, bounds.answerMs)
      outbox = createOutbox({ openStream, bounds, log })
      outboxes.set(protocolId, outbox)
    }
    return outbox
  }

  const send: Messaging['send'] = (peer, protocol, message) => {
    const link = links.greetedOf(peer)
    if (link === undefined) return 'unreachable'
    try {
      const bytes = protocol.encode(message)
      if (bytes.length <= protocol.maxFrameBytes) return outboxOf(link, protocol.id).send(bytes)
      log.error('a message is too long to be sent and was dropped', {
        protocol: protocol.id,
        bytes: bytes.length,
      })
    } catch (thrown) {
      log.error('a message could not be encoded and was dropped', {
        protocol: protocol.id,
        detail: thrownToText(thrown),
      })
    }
    return 'full'
  }

  const receive: Messaging['receive'] = (protocol, handler) => {
    const onStream = async (stream: Stream, link: Link): Promise<void> => {
      if (!(await admitted(link))) return
      readMessages(stream, link, { protocol, handler, links, bounds, log })
    }
    void parts.registrar.handle(
      protocol.id,
      (stream, connection) => onStream(stream, links.of(connection)),
      { maxInboundStreams: streamsPerProtocol, maxOutboundStreams: streamsPerProtocol },
    )
  }

  const finish = async (signal: AbortSignal): Promise<void> => {
    const outboxes = [...outboxesByLink.values()].flatMap((byProtocol) => [...byProtocol.values()])
    await Promise.all(outboxes.map((outbox) => outbox.finish(signal)))
  }

  return { send, receive, finish }
}

const openMessageStream = (link: Link, protocolId: string, answerMs: number): Promise<Stream> =>
  link.connection.newStream(protocolId, {
    maxOutboundStreams: streamsPerProtocol,
    signal: AbortSignal.timeout(answerMs),
  })

interface Reading<Message> {
  readonly protocol: MessageProtocol<Message>
  readonly handler: (peer: PeerId, message: Message) => void
  readonly links: Links
  readonly bounds: Bounds
  readonly log: Log
}

const readMessages = <Message>(stream: Stream, link: Link, reading: Reading<Message>): void => {
  const { protocol, links, log } = reading
  const reader = createFrameReader(protocol.maxFrameBytes)
  stream.addEventListener('message', (event: StreamMessageEvent) => {
    try {
      for (const part of partsOf(event))
        for (const frame of reader.push(part)) {
          if (link.closed) return
          deliver(frame, link, reading)
        }
    } catch (thrown) {
      const reason = thrown instanceof MusterFailure ? thrown.error.message : thrownToText(thrown)
      log.warn(reason, { peer: link.peer, protocol: protocol.id })
      links.cut(link, reason)
    }
  })
  stream.addEventListener('remoteCloseWrite', () => {
    stream.close().catch(() => undefined)
  })
}

const deliver = <Message>(frame: Uint8Array, link: Link, reading: Reading<Message>): void => {
  const { protocol, handler, links, bounds, log } = reading
  const where = { peer: link.peer, protocol: protocol.id }
  let message: Message
  try {
    message = protocol.decode(frame)
  } catch (thrown) {
    log.warn('a message could not be read and was dropped', {
      ...where,
      detail: thrownToText(thrown),
    })
    if (++link.undecodable >= bounds.undecodableMessages)
      links.cut(link, `${link.undecodable} of its messages could not be read.`)
    return
  }
  try {
    handler(link.peer, message)
  } catch (thrown) {
    log.error('the handler of a message failed', { ...where, detail: thrownToText(thrown) })
  }
}
