import type { Stream, StreamHandler } from '@libp2p/interface'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { RequestProtocol } from '#protocol/wire/codec.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { answerRequests } from './answering.ts'
import { createAsker } from './asking.ts'
import type { Asker } from './asking.ts'
import type { Bounds } from './bounds.ts'
import { createFrameStream } from './frame-stream.ts'
import type { FrameStream } from './frame-stream.ts'
import { joinParts, lengthOf } from './frames.ts'
import type { FrameParts } from './frames.ts'
import type { Link, Links } from './links.ts'
import type { NodeParts } from './node.ts'
import { nameOf, notConnected } from './sentences.ts'

/** Requests and their answers over pools of reused streams. */
export interface Requesting {
  readonly request: Transport['request']
  readonly serve: Transport['serve']
}

export interface RequestingDeps {
  readonly parts: NodeParts
  readonly links: Links
  readonly bounds: Bounds
  readonly log: Log
  /** True once the peer is a greeted member; else its connection is cut. */
  readonly admitted: (link: Link) => Promise<boolean>
}

/** Streams that the asker has dropped and we have not yet seen end. */
const spareStreams = 8
/** The byte in front of every payload that tells its kind. */
const kindBytes = 1

export const createRequesting = (deps: RequestingDeps): Requesting => {
  const { parts, links, bounds, log, admitted } = deps
  const askersByLink = new Map<Link, Map<string, Asker>>()

  const askerOf = (link: Link, protocol: { id: string; maxFrameBytes: number }): Asker => {
    let askers = askersByLink.get(link)
    if (askers === undefined) {
      askers = new Map()
      askersByLink.set(link, askers)
      link.onClosed.add(() => askersByLink.delete(link))
    }
    let asker = askers.get(protocol.id)
    if (asker === undefined) {
      asker = createAsker({
        openStream: (signal) => openStream(link, protocol, { bounds, signal }),
        bounds,
        name: nameOf(link.peer, link.hello?.capabilities.name),
        onBroken: (thrown) => links.cut(link, thrownToText(thrown)),
      })
      askers.set(protocol.id, asker)
    }
    return asker
  }

  async function* request<Request, Answer>(
    peer: PeerId,
    protocol: RequestProtocol<Request, Answer>,
    question: Request,
    signal?: AbortSignal,
  ): AsyncGenerator<Answer> {
    const link = links.greetedOf(peer)
    if (link === undefined) throw new MusterFailure(notConnected(peer))
    const bytes = withinFrame(protocol.encodeRequest(question), protocol)
    for await (const answer of askerOf(link, protocol).ask(bytes, signal))
      yield protocol.answerFromParts?.(answer) ?? protocol.decodeAnswer(joinParts(answer))
  }

  const serve: Requesting['serve'] = (protocol, handler) => {
    const onStream = async (stream: Stream, link: Link): Promise<void> => {
      if (!(await admitted(link))) return
      const frames = createFrameStream(stream, protocol.maxFrameBytes + kindBytes)
      async function* handle(bytes: Uint8Array, signal: AbortSignal): AsyncGenerator<FrameParts> {
        for await (const answer of handler(link.peer, protocol.decodeRequest(bytes), signal))
          yield partsOf(protocol, answer)
      }
      const where = { peer: link.peer, protocol: protocol.id }
      const onProblem = (thrown: unknown): void =>
        log.warn('a request could not be answered', { ...where, detail: thrownToText(thrown) })
      try {
        await answerRequests(frames, { bounds, handle, onProblem })
      } catch (thrown) {
        endBroken(links, link, frames, thrown)
      }
    }
    const most = bounds.openRequests + spareStreams
    const options = { maxInboundStreams: most, maxOutboundStreams: most }
    const onOpened: StreamHandler = (stream, connection) => onStream(stream, links.of(connection))
    void parts.registrar.handle(protocol.id, onOpened, options)
  }

  return { request, serve }
}

const openStream = async (
  link: Link,
  protocol: { id: string; maxFrameBytes: number },
  { bounds, signal }: { bounds: Bounds; signal: AbortSignal },
): Promise<FrameStream> => {
  const stream = await link.connection.newStream(protocol.id, {
    maxOutboundStreams: bounds.openRequests + spareStreams,
    signal,
  })
  return createFrameStream(stream, protocol.maxFrameBytes + kindBytes)
}

/** Only a broken framing costs the peer its connection; a lost stream is nobody's fault. */
const endBroken = (links: Links, link: Link, frames: FrameStream, thrown: unknown): void => {
  if (thrown instanceof MusterFailure && thrown.error.code === 'FrameTooLarge')
    links.cut(link, thrown.error.message)
  else frames.abort(thrownToText(thrown))
}

const partsOf = <Request, Answer>(
  protocol: RequestProtocol<Request, Answer>,
  answer: Answer,
): FrameParts =>
  partsWithinFrame(protocol.answerToParts?.(answer) ?? [protocol.encodeAnswer(answer)], protocol)

const withinFrame = (
  bytes: Uint8Array,
  protocol: { id: string; maxFrameBytes: number },
): Uint8Array => {
  partsWithinFrame([bytes], protocol)
  return bytes
}

const partsWithinFrame = (
  parts: FrameParts,
  protocol: { id: string; maxFrameBytes: number },
): FrameParts => {
  const length = lengthOf(parts)
  if (length <= protocol.maxFrameBytes) return parts
  throw new MusterFailure(
    musterError(
      'MessageInvalid',
      `A message of ${length} bytes is too long for ${protocol.id}, which allows ${protocol.maxFrameBytes}.`,
    ),
  )
}
