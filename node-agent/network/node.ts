import { isIP } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import type {
  AbortOptions,
  ComponentLogger,
  Connection,
  Listener,
  PrivateKey,
  StreamHandler,
  StreamHandlerOptions,
} from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { hostUnknown, portForbidden, portTaken } from './sentences.ts'

/** The parts of libp2p that we drive ourselves: listening starts late, and addresses are dialled side by side. */
export interface NodeParts {
  readonly transportManager: {
    readonly listen: (addresses: Multiaddr[]) => Promise<void>
    readonly dial: (address: Multiaddr, options: AbortOptions) => Promise<Connection>
    readonly getAddrs: () => Multiaddr[]
    readonly getListeners: () => Listener[]
  }
  readonly registrar: {
    readonly handle: (
      protocol: string,
      handler: StreamHandler,
      options: StreamHandlerOptions,
    ) => Promise<void>
  }
  readonly addressManager: MulticastDNSComponents['addressManager']
  readonly logger: ComponentLogger
}

export interface Node {
  readonly libp2p: Libp2p<{ parts: NodeParts }>
  readonly parts: NodeParts
}

export interface NodeOptions {
  readonly privateKey: PrivateKey
  /** Asked about every connection from outside, after the handshake has proven who it is. */
  readonly admits: (peer: PeerId) => boolean
}

/** A started libp2p node that listens nowhere yet. TCP, Noise and Yamux; nothing else is contacted. */
export const createNode = async ({ privateKey, admits }: NodeOptions): Promise<Node> => {
  const libp2p = await createLibp2p({
    privateKey,
    addresses: { listen: [] },
    transports: [tcp({ dialOpts: { noDelay: true, keepAlive: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        // Unread bytes of a paused stream may not pass libp2p's own 4 MiB, or the stream is reset.
        streamOptions: { maxStreamWindowSize: limits.streamWindowBytes },
      }),
    ],
    connectionManager: {
      maxConnections: limits.maxConnections,
      inboundConnectionThreshold: limits.inboundConnectionsPerSecond,
      maxIncomingPendingConnections: limits.pendingConnections,
      reconnectRetries: 0,
    },
    connectionGater: {
      denyInboundEncryptedConnection: (peer) => !admits(peer.toString() as PeerId),
    },
    services: {
      // A plain object: libp2p would start the components again if it met them whole.
      parts: ({ transportManager, addressManager, registrar, logger }: NodeParts): NodeParts => ({
        transportManager,
        addressManager,
        registrar,
        logger,
      }),
    },
  })
  return { libp2p, parts: libp2p.services.parts }
}

/** Binds every host; none stays bound if one fails. */
export const listenAt = async (
  { transportManager }: NodeParts,
  hosts: readonly string[],
  port: number,
): Promise<Result<void, MusterError>> => {
  for (const host of hosts) {
    const family = isIP(host)
    const failure = family === 0 ? 'not an IP address' : await listenOn(host, family, port)
    if (failure === undefined) continue
    await Promise.all(transportManager.getListeners().map((listener) => listener.close()))
    if (failure.includes('EADDRINUSE')) return err(portTaken(host, port, failure))
    if (failure.includes('EACCES')) return err(portForbidden(host, port, failure))
    return err(hostUnknown(host, failure))
  }
  return ok(undefined)

  async function listenOn(host: string, family: number, port: number): Promise<string | undefined> {
    try {
      await transportManager.listen([multiaddr(`/ip${family}/${host}/tcp/${port}`)])
      return undefined
    } catch (thrown) {
      return thrownToText(thrown)
    }
  }
}

/** Where others can dial us, in the order in which they should try: this network first, loopback last. */
export const dialableAddresses = ({ transportManager }: NodeParts, self: PeerId): string[] => {
  const addresses = transportManager.getAddrs().map((address) => address.toString())
  const local = (address: string): boolean => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address)
  return [...addresses.filter((a) => !local(a)), ...addresses.filter(local)]
    .slice(0, limits.peerAddresses)
    .map((address) => (address.includes('/p2p/') ? address : `${address}/p2p/${self}`))
}

/** The addresses of `peer` that we can dial at all; a word that is no multiaddr is left out. */
export const readAddresses = (peer: PeerId, addresses: readonly string[]): Multiaddr[] => {
  const read: Multiaddr[] = []
  for (const text of new Set(addresses.map((a) => a.replace(/\/p2p\/[^/]*$/, '')))) {
    try {
      if (/\/tcp\/\d+$/.test(text)) read.push(multiaddr(`${text}/p2p/${peer}`))
    } catch {
      // Not a multiaddr: the others are tried.
    }
  }
  return read.slice(0, limits.peerAddresses)
}

/**
 * Resolves to the first connection of `addresses`, each started a little later than the one before.
 * The signal given to libp2p stays tied to the socket, so a winner's signal must never fire: no
 * `AbortSignal.timeout`, no shared controller.
 */
export const dialFirst = async (
  parts: NodeParts,
  addresses: readonly Multiaddr[],
  bounds: { readonly dialMs: number; readonly dialStaggerMs: number },
  signal: AbortSignal,
): Promise<Connection> => {
  const attempts: Attempt[] = []
  const stopAll = (): void => {
    for (const attempt of attempts) attempt.stop()
  }
  signal.addEventListener('abort', stopAll, { once: true })
  try {
    for (const address of addresses) {
      signal.throwIfAborted()
      const attempt = startAttempt(parts, address, bounds.dialMs)
      attempts.push(attempt)
      await settledWithin(attempt, bounds.dialStaggerMs)
      if (attempts.some(({ isWinner }) => isWinner())) break
    }
    const winner = await Promise.any(attempts.map(({ connection }) => connection))
    dropLosers(attempts, winner)
    return winner
  } finally {
    signal.removeEventListener('abort', stopAll)
  }
}

interface Attempt {
  readonly connection: Promise<Connection>
  readonly isWinner: () => boolean
  /** Gives up unless connected. */
  readonly stop: () => void
}

const startAttempt = (
  { transportManager }: NodeParts,
  address: Multiaddr,
  dialMs: number,
): Attempt => {
  const controller = new AbortController()
  let connected = false
  const stop = (): void => {
    if (!connected) controller.abort(new Error('the address did not answer in time'))
  }
  const timer = setTimeout(stop, dialMs)
  const dial = async (): Promise<Connection> => {
    try {
      const connection = await transportManager.dial(address, { signal: controller.signal })
      connected = true
      return connection
    } finally {
      clearTimeout(timer)
    }
  }
  return { connection: dial(), isWinner: () => connected, stop }
}

const settledWithin = (attempt: Attempt, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, ms)
    attempt.connection.then(done, done)
  })

/** What comes later, or has come at the same moment, is closed. */
const dropLosers = (attempts: readonly Attempt[], winner: Connection): void => {
  for (const attempt of attempts) {
    attempt.stop()
    attempt.connection.then(
      (connection) => {
        if (connection !== winner) connection.abort(new Error('another address was faster'))
      },
      () => undefined,
    )
  }
}
