import type { Connection, Stream } from '@libp2p/interface'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import { pairProtocol } from '#protocol/wire/pair/protocol.ts'
import type { PairAnswer, PairRequest } from '#protocol/wire/pair/protocol.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { answerRequests } from './answering.ts'
import { createAsker } from './asking.ts'
import type { Bounds } from './bounds.ts'
import { createFrameStream } from './frame-stream.ts'
import { joinParts } from './frames.ts'
import type { FrameParts } from './frames.ts'
import type { Link, Links } from './links.ts'
import { dialFirst, readAddresses } from './node.ts'
import type { NodeParts } from './node.ts'
import { cannotReach, nameOf, noNewcomers } from './sentences.ts'

/** The one protocol of strangers, on connections of its own that end with it. */
export interface Pairing {
  readonly pair: Transport['pair']
  readonly servePairing: Transport['servePairing']
}

export interface PairingDeps {
  readonly parts: NodeParts
  readonly links: Links
  readonly bounds: Bounds
  readonly log: Log
  readonly pairingOpen: () => boolean
  readonly stopping: AbortSignal
}

const frameBytes = pairProtocol.maxFrameBytes + 1

export const createPairing = (deps: PairingDeps): Pairing => {
  const { parts, links, bounds, pairingOpen, stopping } = deps

  const pair: Pairing['pair'] = async (inviter, addresses, request, signal) => {
    const stop = signal === undefined ? stopping : AbortSignal.any([stopping, signal])
    const dialable = readAddresses(inviter, addresses)
    if (dialable.length === 0) return err(cannotReach(inviter, addresses))
    let connection: Connection
    try {
      connection = await dialFirst(parts, dialable, bounds, stop)
    } catch (thrown) {
      return err(cannotReach(inviter, addresses, thrownToText(thrown)))
    }
    const link = links.of(connection)
    try {
      return ok(await askToPair(link, bounds, request, stop))
    } catch (thrown) {
      const known = thrown instanceof MusterFailure ? thrown.error : undefined
      // The inviter cuts a stranger after the handshake unless an invitation is open.
      return err(
        known === undefined || known.code === 'PeerUnreachable'
          ? noNewcomers(inviter, known?.detail ?? thrownToText(thrown))
          : known,
      )
    } finally {
      links.cut(link, 'The pairing has ended.')
    }
  }

  const servePairing: Pairing['servePairing'] = (handler) => {
    const onStream = async (stream: Stream, link: Link): Promise<void> => {
      if (pairingOpen() && !link.dialled) await answerPairing(deps, stream, link, handler)
      else links.cut(link, 'No invitation is open.')
    }
    void parts.registrar.handle(
      pairProtocol.id,
      (stream, connection) => onStream(stream, links.of(connection)),
      { maxInboundStreams: 1 },
    )
  }

  return { pair, servePairing }
}

const askToPair = async (
  link: Link,
  bounds: Bounds,
  request: PairRequest,
  signal: AbortSignal,
): Promise<PairAnswer> => {
  const asker = createAsker({
    openStream: async (limit) =>
      createFrameStream(
        await link.connection.newStream(pairProtocol.id, { signal: limit }),
        frameBytes,
      ),
    bounds: { ...bounds, frameSilenceMs: bounds.answerMs },
    name: nameOf(link.peer),
    onBroken: () => undefined,
  })
  for await (const answer of asker.ask(pairProtocol.encodeRequest(request), signal))
    return pairProtocol.decodeAnswer(joinParts(answer))
  throw new Error('the inviter gave no answer')
}

const answerPairing = async (
  { bounds, log }: PairingDeps,
  stream: Stream,
  link: Link,
  handler: (peer: PeerId, request: PairRequest) => Promise<PairAnswer>,
): Promise<void> => {
  async function* handle(bytes: Uint8Array): AsyncGenerator<FrameParts> {
    const request = pairProtocol.decodeRequest(bytes)
    yield [pairProtocol.encodeAnswer(await handler(link.peer, request))]
  }
  const onProblem = (thrown: unknown): void =>
    log.warn('a pairing request could not be answered', {
      peer: link.peer,
      detail: thrownToText(thrown),
    })
  const frames = createFrameStream(stream, frameBytes)
  await answerRequests(frames, { bounds, handle, onProblem }).catch((thrown: unknown) =>
    frames.abort(thrownToText(thrown)),
  )
}
