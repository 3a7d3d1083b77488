import { noise } from '@chainsafe/libp2p-noise'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import type { PeerId } from '#protocol/model/ids.ts'
import { helloProtocol } from '#protocol/wire/hello/protocol.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'
import { createFrameStream } from '#agent/network/frame-stream.ts'
import { greet, ourVersions } from '#agent/network/hello.ts'
import type { Verdict } from '#agent/network/hello.ts'
import { capabilitiesOf, clusterA } from './network-fixtures.ts'
import type { TestKey } from './network-fixtures.ts'

/** A bare libp2p node that speaks our protocols as wrongly as a test wants. */
export interface HostilePeer extends AsyncDisposable {
  readonly node: Libp2p
  readonly peer: PeerId
  readonly address: string
  readonly connect: (addresses: readonly string[]) => Promise<Connection>
  /** Says a proper hello on a connection that it dialled; kept, it is then a greeted member. */
  readonly greetProperly: (
    connection: Connection,
    to: PeerId,
    startedAt?: number,
  ) => Promise<Verdict>
}

export const createHostilePeer = async (key: TestKey): Promise<HostilePeer> => {
  const node = await createLibp2p({
    privateKey: key.privateKey,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  return {
    node,
    peer: key.peer,
    address: node.getMultiaddrs()[0]?.toString() ?? '',
    connect: (addresses) =>
      node.dial(
        addresses.map((address) => multiaddr(address)),
        { force: true },
      ),
    greetProperly: async (connection, to, startedAt = 1) => {
      const stream = createFrameStream(
        await connection.newStream(helloProtocol.id),
        helloProtocol.maxFrameBytes,
      )
      const greeting = await greet(stream, {
        self: key.peer,
        peer: to,
        dialled: true,
        mine: helloWith({ startedAt }),
        decide: () => 'kept',
        answerMs: 5_000,
      })
      if (!greeting.ok) throw new Error(greeting.error.message)
      return greeting.value.verdict
    },
    [Symbol.asyncDispose]: async () => {
      await node.stop()
    },
  }
}

export const helloWith = (changes: Partial<Hello>): Hello => ({
  kind: 'hello',
  ...ourVersions,
  cluster: clusterA,
  capabilities: capabilitiesOf('hostile'),
  startedAt: 1,
  addresses: [],
  ...changes,
})

/** A length of four bytes, big-endian, and the bytes behind it. */
export const frameOf = (length: number, body: Uint8Array = new Uint8Array()): Uint8Array => {
  const bytes = new Uint8Array(4 + body.length)
  new DataView(bytes.buffer).setUint32(0, length)
  bytes.set(body, 4)
  return bytes
}

/** Resolves when the other side has closed the connection. */
export const closed = (connection: Connection, withinMs = 5_000): Promise<void> =>
  new Promise((resolve, reject) => {
    if (connection.status !== 'open') return resolve()
    const timer = setTimeout(
      () => reject(new Error(`the connection was still open after ${withinMs} ms`)),
      withinMs,
    )
    connection.addEventListener('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** Sends and does not care whether the stream still lives. */
export const throwAt = (stream: Stream, bytes: Uint8Array): void => {
  try {
    stream.send(bytes)
  } catch {
    // It was cut already.
  }
}
