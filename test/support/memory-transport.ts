import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { MessageProtocol, RequestProtocol } from '#protocol/wire/codec.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'
import { pairProtocol } from '#protocol/wire/pair/protocol.ts'
import type { PairAnswer, PairRequest } from '#protocol/wire/pair/protocol.ts'
import { defaultBounds } from '#agent/network/bounds.ts'
import type { Bounds } from '#agent/network/bounds.ts'
import { createBus } from '#agent/network/bus.ts'
import type { Bus } from '#agent/network/bus.ts'
import { findMisfit, ourVersions } from '#agent/network/hello.ts'
import { createPlaces } from '#agent/network/places.ts'
import type { Places } from '#agent/network/places.ts'
import * as sentences from '#agent/network/sentences.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport, TransportIdentity } from '#agent/ports/transport.ts'

/** Transports of one process that pass the contract suite of the real one. Everything is encoded and decoded. */
export interface MemoryNetwork {
  readonly join: (member: MemberOptions) => Transport
  /** Ends the connection of two peers, as a pulled cable would. */
  readonly cut: (one: PeerId, other: PeerId) => void
}

export interface MemberOptions {
  readonly self: PeerId
  readonly identity: TransportIdentity
  readonly log: Log
  readonly bounds?: Partial<Bounds>
}

interface MessageHandler {
  readonly protocol: MessageProtocol<unknown>
  readonly handler: (peer: PeerId, message: unknown) => void
}
interface RequestHandler {
  readonly protocol: RequestProtocol<unknown, unknown>
  readonly handler: (peer: PeerId, request: unknown, signal: AbortSignal) => AsyncIterable<unknown>
}

interface Station extends MemberOptions {
  readonly limits: Bounds
  readonly bus: Bus
  readonly ports: Set<number>
  readonly messages: Map<string, MessageHandler>
  readonly requests: Map<string, RequestHandler>
  readonly links: Map<PeerId, Link>
  pairing?: (peer: PeerId, request: PairRequest) => Promise<PairAnswer>
  disposed: boolean
}

/** One end of a connection. */
interface Link {
  readonly from: Station
  readonly to: Station
  /** Encoded messages under way, and their bytes, by protocol. */
  readonly queues: Map<string, { frames: Uint8Array[]; bytes: number; scheduled: boolean }>
  readonly places: Map<string, Places>
  readonly ended: AbortController
  undecodable: number
}

const firstPort = 20_000

export const createMemoryNetwork = (): MemoryNetwork => {
  const stationByPort = new Map<number, Station>()
  let nextPort = firstPort

  const stationAt = (peer: PeerId, addresses: readonly string[]): Station | undefined =>
    addresses
      .map((address) => stationByPort.get(Number(/\/tcp\/(\d+)/.exec(address)?.[1])))
      .find((station) => station?.self === peer)

  const bind = (station: Station, port: number): MusterError | undefined => {
    if (port !== 0 && stationByPort.has(port))
      return sentences.portTaken('127.0.0.1', port, 'EADDRINUSE')
    const bound = port === 0 ? nextPort++ : port
    stationByPort.set(bound, station)
    station.ports.add(bound)
    return undefined
  }

  const join = (member: MemberOptions): Transport => {
    const station: Station = {
      ...member,
      limits: { ...defaultBounds, ...member.bounds },
      bus: createBus(member.log),
      ports: new Set(),
      messages: new Map(),
      requests: new Map(),
      links: new Map(),
      disposed: false,
    }
    return {
      self: station.self,
      listen: async ({ hosts, port }) => {
        for (const _ of hosts) {
          const error = bind(station, port)
          if (error !== undefined) return err(error)
        }
        return ok(undefined)
      },
      addresses: () => addressesOf(station),
      dial: async (peer, addresses) => {
        await turn()
        return connect(station, stationAt(peer, addresses), peer, addresses)
      },
      hangUp: async (peer) =>
        disconnect(station.links.get(peer), 'This machine closed the connection.'),
      connected: () => [...station.links.keys()],
      send: (peer, protocol, message) => send(station.links.get(peer), protocol, message, station),
      receive: (protocol, handler) =>
        void station.messages.set(protocol.id, { protocol, handler } as unknown as MessageHandler),
      request: (peer, protocol, request, signal) =>
        ask(station, peer, { protocol, request, signal }),
      serve: (protocol, handler) =>
        void station.requests.set(protocol.id, { protocol, handler } as unknown as RequestHandler),
      pair: (inviter, addresses, request) =>
        pair(station, stationAt(inviter, addresses), { inviter, addresses, request }),
      servePairing: (handler) => {
        station.pairing = handler
      },
      on: station.bus.on,
      [Symbol.asyncDispose]: async () => {
        station.disposed = true
        station.bus.clear()
        for (const port of station.ports) stationByPort.delete(port)
        station.ports.clear()
        await turn()
        for (const link of station.links.values()) disconnect(link, 'The other side left.')
      },
    }
  }

  const cut = (one: PeerId, other: PeerId): void => {
    for (const station of new Set(stationByPort.values()))
      if (station.self === one) disconnect(station.links.get(other), 'The connection was lost.')
  }

  return { join, cut }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const addressesOf = (station: Station): string[] =>
  [...station.ports].map((port) => `/ip4/127.0.0.1/tcp/${port}/p2p/${station.self}`)

const helloOf = ({ identity }: Station, addresses: readonly string[]): Hello | undefined => {
  const cluster = identity.cluster()
  if (cluster === null) return undefined
  const { startedAt } = identity
  return {
    kind: 'hello',
    ...ourVersions,
    cluster,
    capabilities: identity.capabilities(),
    startedAt,
    addresses,
  }
}

const connect = (
  from: Station,
  to: Station | undefined,
  peer: PeerId,
  addresses: readonly string[],
): ReturnType<typeof err<MusterError>> | ReturnType<typeof ok<void>> => {
  if (from.links.has(peer)) return ok(undefined)
  if (!from.identity.isMember(peer)) return err(sentences.strangerDialled(peer))
  const mine = helloOf(from, addressesOf(from))
  if (mine === undefined) return err(sentences.notInCluster())
  if (to === undefined || to.disposed) return err(sentences.cannotReach(peer, addresses))
  const theirs = helloOf(to, addressesOf(to))
  if (!to.identity.isMember(from.self) || theirs === undefined) {
    refuse(to, from.self, sentences.notAMember(from.self))
    return err(sentences.closedAtGreeting(peer))
  }
  const misfit = findMisfit(peer, mine, theirs)
  if (misfit !== undefined) {
    refuse(from, peer, misfit)
    refuse(to, from.self, findMisfit(from.self, theirs, mine) ?? misfit)
    return err(misfit)
  }
  const ended = new AbortController()
  from.links.set(peer, newLink(from, to, ended))
  to.links.set(from.self, newLink(to, from, ended))
  from.bus.emit({ kind: 'peer-connected', peer, hello: theirs })
  to.bus.emit({ kind: 'peer-connected', peer: from.self, hello: mine })
  return ok(undefined)
}

const newLink = (from: Station, to: Station, ended: AbortController): Link => ({
  from,
  to,
  queues: new Map(),
  places: new Map(),
  ended,
  undecodable: 0,
})

const refuse = (at: Station, peer: PeerId, error: MusterError): void => {
  at.log.warn(error.message)
  at.bus.emit({ kind: 'peer-refused', peer, error })
}

const disconnect = (link: Link | undefined, reason: string): void => {
  if (link === undefined || link.ended.signal.aborted) return
  link.ended.abort()
  for (const [at, peer] of [
    [link.from, link.to.self],
    [link.to, link.from.self],
  ] as const) {
    at.links.delete(peer)
    at.bus.emit({ kind: 'peer-disconnected', peer, reason })
  }
}

const send = <Message>(
  link: Link | undefined,
  protocol: MessageProtocol<Message>,
  message: Message,
  { log, limits }: Station,
) => {
  if (link === undefined) return 'unreachable'
  let bytes: Uint8Array
  try {
    bytes = protocol.encode(message)
  } catch (thrown) {
    log.error('a message could not be encoded and was dropped', { detail: thrownToText(thrown) })
    return 'full'
  }
  let queue = link.queues.get(protocol.id)
  if (queue === undefined) {
    queue = { frames: [], bytes: 0, scheduled: false }
    link.queues.set(protocol.id, queue)
  }
  const tooMany = queue.frames.length >= limits.outboxMessages
  if (tooMany || queue.bytes + bytes.length > limits.outboxBytes) return 'full'
  queue.frames.push(bytes)
  queue.bytes += bytes.length
  if (!queue.scheduled) {
    queue.scheduled = true
    setImmediate(() => deliver(link, protocol.id))
  }
  return 'sent'
}

const deliver = (link: Link, protocolId: string): void => {
  const queue = link.queues.get(protocolId)
  if (queue === undefined) return
  const { frames } = queue
  queue.frames = []
  queue.bytes = 0
  queue.scheduled = false
  for (const frame of frames) {
    if (link.ended.signal.aborted) return
    const { to, from } = link
    const entry = to.messages.get(protocolId)
    if (entry === undefined) return
    if (!to.identity.isMember(from.self)) return disconnect(link, 'It is not a member.')
    if (frame.length > entry.protocol.maxFrameBytes) return disconnect(link, 'frame too large')
    try {
      const message = entry.protocol.decode(frame)
      entry.handler(from.self, message)
    } catch (thrown) {
      to.log.warn('a message could not be read and was dropped', { detail: thrownToText(thrown) })
      if (++link.undecodable >= to.limits.undecodableMessages)
        return disconnect(link, 'too many of its messages could not be read')
    }
  }
}

interface Asked<Request, Answer> {
  readonly protocol: RequestProtocol<Request, Answer>
  readonly request: Request
  readonly signal: AbortSignal | undefined
}

async function* ask<Request, Answer>(
  station: Station,
  peer: PeerId,
  { protocol, request, signal }: Asked<Request, Answer>,
): AsyncGenerator<Answer> {
  const link = station.links.get(peer)
  const name = sentences.nameOf(peer)
  if (signal?.aborted === true) throw failure('Aborted', `A request to ${name} was given up.`)
  if (link === undefined) throw new MusterFailure(sentences.notConnected(peer))
  const places = placesOf(link, protocol.id, station.limits)
  await places.take(signal)
  const stop = new AbortController()
  const handlerSignal = AbortSignal.any([stop.signal, link.ended.signal])
  let iterator: AsyncIterator<unknown> | undefined
  try {
    const entry = link.to.requests.get(protocol.id)
    if (entry === undefined) throw new Error('nobody serves this')
    const bytes = protocol.encodeRequest(request)
    await turn()
    const asked = inWords(() => entry.protocol.decodeRequest(bytes), 'MessageInvalid')
    iterator = entry.handler(station.self, asked, handlerSignal)[Symbol.asyncIterator]()
    for (;;) {
      const step = await stepWithin(iterator, {
        link,
        signal,
        name,
        silenceMs: station.limits.frameSilenceMs,
      })
      if (step.done === true) return
      const answer = entry.protocol.encodeAnswer(step.value)
      yield inWords(() => protocol.decodeAnswer(answer), 'MessageInvalid')
    }
  } catch (thrown) {
    throw thrown instanceof MusterFailure
      ? thrown
      : failure('PeerUnreachable', `${name} could not answer a request: ${thrownToText(thrown)}`)
  } finally {
    stop.abort()
    iterator?.return?.().catch(() => undefined)
    places.give()
  }
}

const placesOf = (link: Link, protocolId: string, limits: Bounds): Places => {
  let places = link.places.get(protocolId)
  if (places === undefined) {
    places = createPlaces(limits.openRequests, limits.requestWaitMs, 'A request')
    link.places.set(protocolId, places)
  }
  return places
}

interface Step {
  readonly link: Link
  readonly signal: AbortSignal | undefined
  readonly name: string
  readonly silenceMs: number
}

const stepWithin = (
  iterator: AsyncIterator<unknown>,
  { link, signal, name, silenceMs }: Step,
): Promise<IteratorResult<unknown>> =>
  new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer)
      link.ended.signal.removeEventListener('abort', onEnd)
      signal?.removeEventListener('abort', onAbort)
    }
    const give = (thrown: MusterFailure): void => {
      leave()
      reject(thrown)
    }
    const onEnd = (): void =>
      give(failure('PeerUnreachable', `The connection to ${name} ended before its answer did.`))
    const onAbort = (): void => give(failure('Aborted', `A request to ${name} was given up.`))
    const onSilence = (): void => give(failure('TimedOut', `${name} stopped answering a request.`))
    const timer = setTimeout(onSilence, silenceMs)
    link.ended.signal.addEventListener('abort', onEnd, { once: true })
    signal?.addEventListener('abort', onAbort, { once: true })
    if (link.ended.signal.aborted) return onEnd()
    iterator.next().then(
      (step) => (leave(), resolve(step)),
      (thrown: unknown) => (leave(), reject(asFailure(thrown, name))),
    )
  })

const failure = (code: MusterError['code'], message: string): MusterFailure =>
  new MusterFailure(musterError(code, message, { retryable: code !== 'MessageInvalid' }))

const asFailure = (thrown: unknown, name: string): MusterFailure =>
  failure(
    'PeerUnreachable',
    `${name} could not answer a request: ${thrown instanceof MusterFailure ? thrown.error.message : thrownToText(thrown)}`,
  )

const inWords = <T>(run: () => T, code: MusterError['code']): T => {
  try {
    return run()
  } catch (thrown) {
    throw failure(code, `A message could not be read (${thrownToText(thrown)}).`)
  }
}

interface PairTry {
  readonly inviter: PeerId
  readonly addresses: readonly string[]
  readonly request: PairRequest
}

const pair = async (
  from: Station,
  to: Station | undefined,
  { inviter, addresses, request }: PairTry,
) => {
  await turn()
  if (to === undefined || to.disposed) return err(sentences.cannotReach(inviter, addresses))
  if (!to.identity.pairingOpen() || to.pairing === undefined) {
    refuse(to, from.self, sentences.notAMember(from.self))
    return err(sentences.noNewcomers(inviter))
  }
  try {
    const shown = pairProtocol.decodeRequest(pairProtocol.encodeRequest(request))
    const answer = await to.pairing(from.self, shown)
    return ok(pairProtocol.decodeAnswer(pairProtocol.encodeAnswer(answer)))
  } catch (thrown) {
    return err(sentences.noNewcomers(inviter, thrownToText(thrown)))
  }
}
