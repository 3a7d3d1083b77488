import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { ok } from '#protocol/model/result.ts'
import { helloProtocol } from '#protocol/wire/hello/protocol.ts'
import type { Log } from '#agent/ports/log.ts'
import type { ListenOptions, Transport, TransportIdentity } from '#agent/ports/transport.ts'
import { defaultBounds } from './bounds.ts'
import type { Bounds } from './bounds.ts'
import { createBus } from './bus.ts'
import type { Bus } from './bus.ts'
import { startDiscovery } from './discovery.ts'
import type { Discovery } from './discovery.ts'
import { createGate } from './gate.ts'
import type { Gate } from './gate.ts'
import { createGreeter } from './greeting.ts'
import type { Greeter } from './greeting.ts'
import { createLinks } from './links.ts'
import type { Links } from './links.ts'
import { createMessaging } from './messaging.ts'
import type { Messaging } from './messaging.ts'
import { createNode, dialableAddresses, listenAt } from './node.ts'
import type { Node } from './node.ts'
import { createPairing } from './pairing.ts'
import { createRequesting } from './requesting.ts'

export interface TransportDeps {
  readonly privateKey: PrivateKey
  readonly identity: TransportIdentity
  readonly log: Log
  /** For tests that cannot wait. */
  readonly bounds?: Partial<Bounds>
}

/** Members' connections over libp2p: TCP, Noise, Yamux, mDNS. It listens nowhere before `listen`. */
export const createTransport = async (deps: TransportDeps): Promise<Transport> => {
  const { privateKey, identity, log } = deps
  const bounds: Bounds = { ...defaultBounds, ...deps.bounds }
  const stopping = new AbortController()
  const bus = createBus(log)
  const links = createLinks({
    now: () => performance.now(),
    answerMs: bounds.answerMs,
    onGreeted: (link, hello) => bus.emit({ kind: 'peer-connected', peer: link.peer, hello }),
    onLost: (link, reason) => bus.emit({ kind: 'peer-disconnected', peer: link.peer, reason }),
  })
  const onRefused = (peer: PeerId, error: MusterError): void => {
    log.warn(error.message, { code: error.code, peer, detail: error.detail })
    bus.emit({ kind: 'peer-refused', peer, error })
  }
  const common = { identity, bounds, links, onRefused, stopping: stopping.signal }
  const gate = createGate(common)
  const node = await createNode({ privateKey, admits: gate.admits })
  const { parts } = node
  const self = node.libp2p.peerId.toString() as PeerId
  const addresses = (): readonly string[] => dialableAddresses(parts, self)
  const greeter = createGreeter({ ...common, self, parts, addresses })
  const room = { parts, links, bounds, log, admitted: gate.admitted }
  const messaging = createMessaging(room)
  const requesting = createRequesting(room)
  const pairingOpen = identity.pairingOpen
  const pairing = createPairing({ ...room, pairingOpen, stopping: stopping.signal })
  await welcome({ node, identity, links, gate, greeter })
  const listening = createListening({ node, self, bus, log })

  return {
    self,
    listen: listening.listen,
    addresses,
    dial: greeter.dial,
    hangUp: async (peer) => {
      for (const link of links.all())
        if (link.peer === peer) links.cut(link, 'This machine closed the connection.')
    },
    connected: links.greetedPeers,
    ...messaging,
    ...requesting,
    ...pairing,
    on: bus.on,
    [Symbol.asyncDispose]: async () => {
      if (stopping.signal.aborted) return
      stopping.abort(new Error('the transport is closing'))
      bus.clear()
      await listening.stop()
      await closeAll({ node, links, messaging, closeMs: bounds.closeMs })
    },
  }
}

interface Welcoming {
  readonly node: Node
  readonly identity: TransportIdentity
  readonly links: Links
  readonly gate: Gate
  readonly greeter: Greeter
}

/** Watches connections from outside and answers their hello. */
const welcome = async (deps: Welcoming): Promise<void> => {
  const { node, identity, links, gate, greeter } = deps
  node.libp2p.addEventListener('connection:open', (event: CustomEvent<Connection>) =>
    gate.watch(event.detail),
  )
  const onHello = async (stream: Stream, connection: Connection): Promise<void> => {
    const link = links.of(connection)
    if (identity.isMember(link.peer)) await greeter.answer(stream, link)
    else await gate.admitted(link)
  }
  await node.parts.registrar.handle(helloProtocol.id, onHello, { maxInboundStreams: 1 })
}

interface Listening {
  readonly node: Node
  readonly self: PeerId
  readonly bus: Bus
  readonly log: Log
}

const createListening = ({ node, self, bus, log }: Listening) => {
  let discovery: Discovery | undefined

  const listen = async ({ hosts, port, mdnsTag }: ListenOptions) => {
    const bound = await listenAt(node.parts, hosts, port)
    if (!bound.ok || mdnsTag === undefined) return bound
    const onPeer = (peer: PeerId, found: readonly string[]): void => {
      if (peer !== self) bus.emit({ kind: 'peer-discovered', peer, addresses: found })
    }
    discovery = await startDiscovery(node.parts, mdnsTag, onPeer, log)
    return ok(undefined)
  }
  const stop = async (): Promise<void> => {
    await discovery?.stop()
  }
  return { listen, stop }
}

interface Closing {
  readonly node: Node
  readonly links: Links
  readonly messaging: Messaging
  readonly closeMs: number
}

/** Lets what was sent leave, then closes; within about `closeMs` in all, whatever the others do. */
const closeAll = async ({ node, links, messaging, closeMs }: Closing): Promise<void> => {
  const half = AbortSignal.timeout(closeMs / 2)
  await Promise.race([messaging.finish(half), aborted(half)])
  const whole = AbortSignal.timeout(closeMs / 2)
  await Promise.all(
    links.all().map(async (link) => {
      const closing = link.connection.close({ signal: whole }).catch(() => undefined)
      await Promise.race([closing, aborted(whole)])
      links.cut(link, 'This machine left.')
    }),
  )
  await node.libp2p.stop()
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
