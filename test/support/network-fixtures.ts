import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { z } from 'zod'
import { asClusterId } from '#protocol/model/ids.ts'
import type { ClusterId, PeerId } from '#protocol/model/ids.ts'
import type { Capabilities } from '#protocol/model/member.ts'
import { messageProtocol, requestProtocol } from '#protocol/wire/codec.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport, TransportEvent, TransportIdentity } from '#agent/ports/transport.ts'

/** What the tests of the transport share: identities whose answers a test changes, and small protocols. */

export const clusterA: ClusterId = asClusterId('a'.repeat(64))
export const clusterB: ClusterId = asClusterId('b'.repeat(64))

export const capabilitiesOf = (name: string): Capabilities => ({
  name,
  agentVersion: '0.1.0',
  platform: 'linux-x64',
  cores: 4,
  memoryBytes: 2 ** 30,
  slots: 2,
  devices: ['cpu'],
})

/** An identity that a test turns while it runs. */
export interface Turnable extends TransportIdentity {
  readonly state: {
    cluster: ClusterId | null
    members: Set<PeerId>
    pairingOpen: boolean
    capabilities: Capabilities
  }
}

export const turnableIdentity = (name: string, startedAt = Date.now()): Turnable => {
  const state: Turnable['state'] = {
    cluster: clusterA,
    members: new Set<PeerId>(),
    pairingOpen: false,
    capabilities: capabilitiesOf(name),
  }
  return {
    state,
    startedAt,
    cluster: () => state.cluster,
    capabilities: () => state.capabilities,
    isMember: (peer) => state.members.has(peer),
    pairingOpen: () => state.pairingOpen,
  }
}

export interface TestKey {
  readonly privateKey: Ed25519PrivateKey
  readonly peer: PeerId
}

export const newKey = async (): Promise<TestKey> => {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, peer: peerIdFromPrivateKey(privateKey).toString() as PeerId }
}

/** Keys in the order of their PeerIds: the lower one decides about doubled connections. */
export const newKeys = async (count: number): Promise<TestKey[]> => {
  const keys = await Promise.all(Array.from({ length: count }, newKey))
  return keys.sort((one, other) => (one.peer < other.peer ? -1 : 1))
}

export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quietLog,
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: object | undefined
}

export const recordingLog = (): Log & { readonly lines: LogLine[] } => {
  const lines: LogLine[] = []
  const at =
    (level: LogLine['level']) =>
    (message: string, fields?: object): void => {
      lines.push({ level, message, fields })
    }
  const log = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return log
}

export interface NumberMessage {
  readonly number: number
  readonly padding: Uint8Array
}
const numberMessage: z.ZodType<NumberMessage> = z.object({
  number: z.int(),
  padding: z.instanceof(Uint8Array),
})
/** One-way messages of a test. */
export const numbers = messageProtocol('/muster/test-numbers/1.0.0', 1024 * 1024, numberMessage)
/** A second one, so that streams of two protocols run beside each other. */
export const beats = messageProtocol('/muster/test-beats/1.0.0', 64 * 1024, numberMessage)
/** The same id as `numbers`, other contents: what it sends cannot be decoded there. */
export const rubbish = messageProtocol(
  '/muster/test-numbers/1.0.0',
  2 * 1024 * 1024,
  z.object({ rubbish: z.string() }),
)

export interface Question {
  readonly what: string
  readonly count: number
}
export interface Reply {
  readonly index: number
  readonly data: Uint8Array
}
/** Asks for `count` frames. */
export const frames = requestProtocol<Question, Reply>(
  '/muster/test-frames/1.0.0',
  512 * 1024,
  z.object({ what: z.string(), count: z.int() }),
  z.object({ index: z.int(), data: z.instanceof(Uint8Array) }),
)

export const message = (number: number, bytes = 0): NumberMessage => ({
  number,
  padding: new Uint8Array(bytes),
})

/** Remembers the events of a transport and waits for those that are to come. */
export interface Recorder {
  readonly events: TransportEvent[]
  /** Resolves with the first event, past or to come, that `fits`. */
  readonly until: (
    fits: (event: TransportEvent) => boolean,
    withinMs?: number,
  ) => Promise<TransportEvent>
  readonly kinds: () => string[]
}

export const record = (transport: Transport): Recorder => {
  const events: TransportEvent[] = []
  const waiting = new Set<() => void>()
  transport.on((event) => {
    events.push(event)
    for (const look of waiting) look()
  })
  const until: Recorder['until'] = (fits, withinMs = 10_000) =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = events.find(fits)
        if (found === undefined) return
        waiting.delete(look)
        clearTimeout(timer)
        resolve(found)
      }
      const timer = setTimeout(() => {
        waiting.delete(look)
        reject(
          new Error(`no such event within ${withinMs} ms; there were ${JSON.stringify(events)}`),
        )
      }, withinMs)
      waiting.add(look)
      look()
    })
  return { events, until, kinds: () => events.map((event) => event.kind) }
}

/** Waits until `holds`, looking whenever the loop is free. */
export const waitFor = async (holds: () => boolean, withinMs = 10_000): Promise<void> => {
  const end = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > end)
      throw new Error(`did not hold within ${withinMs} ms: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
