import type { Connection, Stream } from '@libp2p/interface'
import { thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId, PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { helloProtocol } from '#protocol/wire/hello/protocol.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'
import type { TransportIdentity } from '#agent/ports/transport.ts'
import type { Bounds } from './bounds.ts'
import { createFrameStream } from './frame-stream.ts'
import type { FrameStream } from './frame-stream.ts'
import { greet, ourVersions } from './hello.ts'
import type { GreetDeps, Greeting } from './hello.ts'
import type { Link, Links } from './links.ts'
import { dialFirst, readAddresses } from './node.ts'
import type { NodeParts } from './node.ts'
import { cannotReach, closedAtGreeting, notInCluster, strangerDialled } from './sentences.ts'

/** Makes links out of connections: dials, says hello on both sides, drops what is doubled. */
export interface Greeter {
  readonly dial: (
    peer: PeerId,
    addresses: readonly string[],
    signal?: AbortSignal,
  ) => Promise<Result<void, MusterError>>
  /** Answers a hello on a connection that the peer dialled. */
  readonly answer: (stream: Stream, link: Link) => Promise<void>
}

export interface GreeterDeps {
  readonly self: PeerId
  readonly parts: NodeParts
  readonly identity: TransportIdentity
  readonly links: Links
  readonly bounds: Bounds
  readonly addresses: () => readonly string[]
  readonly onRefused: (peer: PeerId, error: MusterError) => void
  /** Aborts at the end of the transport. */
  readonly stopping: AbortSignal
}

export const createGreeter = (deps: GreeterDeps): Greeter => {
  const { identity, links, stopping } = deps
  const dialByPeer = new Map<PeerId, Promise<Result<void, MusterError>>>()

  const dial: Greeter['dial'] = (peer, addresses, signal) => {
    if (links.greetedOf(peer) !== undefined) return Promise.resolve(ok(undefined))
    if (!identity.isMember(peer)) return Promise.resolve(err(strangerDialled(peer)))
    const running = dialByPeer.get(peer)
    if (running !== undefined) return running
    const stop = signal === undefined ? stopping : AbortSignal.any([stopping, signal])
    const dialling = dialNow(deps, peer, addresses, stop).finally(() => dialByPeer.delete(peer))
    dialByPeer.set(peer, dialling)
    return dialling
  }

  return { dial, answer: (stream, link) => answerHello(deps, stream, link) }
}

const dialNow = async (
  deps: GreeterDeps,
  peer: PeerId,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Result<void, MusterError>> => {
  const cluster = deps.identity.cluster()
  if (cluster === null) return err(notInCluster())
  const dialable = readAddresses(peer, addresses)
  if (dialable.length === 0) return err(cannotReach(peer, addresses))
  let connection: Connection
  try {
    connection = await dialFirst(deps.parts, dialable, deps.bounds, signal)
  } catch (thrown) {
    return err(cannotReach(peer, addresses, wordsOf(thrown)))
  }
  const link = deps.links.of(connection)
  if (deps.links.greetedOf(peer) === undefined) return greetDialled(deps, link, cluster)
  deps.links.cut(link, 'There was a connection already.')
  return ok(undefined)
}

const greetDialled = async (
  deps: GreeterDeps,
  link: Link,
  cluster: ClusterId,
): Promise<Result<void, MusterError>> => {
  const { links, bounds, onRefused } = deps
  let stream: FrameStream
  try {
    const limit = AbortSignal.timeout(bounds.answerMs)
    const opened = await link.connection.newStream(helloProtocol.id, { signal: limit })
    stream = createFrameStream(opened, helloProtocol.maxFrameBytes)
  } catch (thrown) {
    // A denied dial resolves, and only its first stream fails.
    links.cut(link, 'The hello could not be said.')
    return err(closedAtGreeting(link.peer, thrown))
  }
  const greeting = await greet(stream, greetDeps(deps, link, cluster))
  if (!greeting.ok) {
    onRefused(link.peer, greeting.error)
    links.cut(link, greeting.error.message)
    return greeting
  }
  stream.end()
  if (conclude(deps, link, greeting.value)) return ok(undefined)
  return (await otherGreeted(links, link.peer))
    ? ok(undefined)
    : err(cannotReach(link.peer, [link.connection.remoteAddr.toString()], 'doubled'))
}

const answerHello = async (deps: GreeterDeps, stream: Stream, link: Link): Promise<void> => {
  const cluster = deps.identity.cluster()
  if (cluster === null || link.dialled || link.answering) {
    stream.abort(new Error('no hello is expected here'))
    return
  }
  link.answering = true
  const frames = createFrameStream(stream, helloProtocol.maxFrameBytes)
  const greeting = await greet(frames, greetDeps(deps, link, cluster))
  frames.end()
  if (greeting.ok) {
    conclude(deps, link, greeting.value)
    return
  }
  if (!link.closed) deps.onRefused(link.peer, greeting.error)
  cutSoon(deps, link, greeting.error.message)
}

/** False if the other of two connections is the one. */
const conclude = (deps: GreeterDeps, link: Link, { hello, verdict }: Greeting): boolean => {
  if (verdict === 'kept') {
    deps.links.markGreeted(link, hello)
    return true
  }
  // Who said the verdict lets it arrive; who heard it hangs up.
  if (deps.self < link.peer) cutSoon(deps, link, 'The connection was doubled.')
  else deps.links.cut(link, 'The connection was doubled.')
  return false
}

const cutSoon = ({ links, bounds }: GreeterDeps, link: Link, reason: string): void => {
  const timer = setTimeout(() => links.cut(link, reason), bounds.closeMs)
  link.onClosed.add(() => clearTimeout(timer))
}

/** Whether another connection of the peer is greeted, now or as soon as its hello is done. */
const otherGreeted = async (links: Links, peer: PeerId): Promise<boolean> => {
  const rivals = links.all().filter((link) => link.peer === peer)
  await Promise.race(rivals.map((link) => link.greeted))
  return links.greetedOf(peer) !== undefined
}

const greetDeps = (deps: GreeterDeps, link: Link, cluster: ClusterId): GreetDeps => ({
  self: deps.self,
  peer: link.peer,
  dialled: link.dialled,
  mine: ourHello(deps, cluster),
  decide: (hello) => deps.links.judge(link, hello),
  answerMs: deps.bounds.answerMs,
})

const ourHello = ({ identity, addresses }: GreeterDeps, cluster: ClusterId): Hello => ({
  kind: 'hello',
  ...ourVersions,
  cluster,
  capabilities: identity.capabilities(),
  startedAt: identity.startedAt,
  addresses: addresses(),
})

const wordsOf = (thrown: unknown): string =>
  thrown instanceof AggregateError
    ? [...new Set(thrown.errors.map(thrownToText))].join('; ')
    : thrownToText(thrown)
