import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId, PeerId } from '#protocol/model/ids.ts'
import type { Capabilities } from '#protocol/model/member.ts'
import type { Result } from '#protocol/model/result.ts'
import type { MessageProtocol, RequestProtocol } from '#protocol/wire/codec.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'
import type { PairAnswer, PairRequest } from '#protocol/wire/pair/protocol.ts'

/** What became of a message: it is on its way, there is no connection, or the outbox is full (dropped). */
export type SendOutcome = 'sent' | 'unreachable' | 'full'

/** A member is connected, and its hello fits. */
export interface PeerConnected {
  readonly kind: 'peer-connected'
  readonly peer: PeerId
  readonly hello: Hello
}
/** The connection to a member is gone. */
export interface PeerDisconnected {
  readonly kind: 'peer-disconnected'
  readonly peer: PeerId
  /** One sentence. */
  readonly reason: string
}
/** mDNS saw an agent of our service tag. Whether it is a member is the caller's business. */
export interface PeerDiscovered {
  readonly kind: 'peer-discovered'
  readonly peer: PeerId
  readonly addresses: readonly string[]
}
/** A connection was refused or a hello failed; for `doctor` and the log. */
export interface PeerRefused {
  readonly kind: 'peer-refused'
  readonly peer: PeerId
  readonly error: MusterError
}
/** What the transport tells without being asked. */
export type TransportEvent = PeerConnected | PeerDisconnected | PeerDiscovered | PeerRefused

/** What the transport must know of its owner; functions, since the answers change. */
export interface TransportIdentity {
  /** Null before pairing: then nothing listens and only pairing is dialled. */
  readonly cluster: () => ClusterId | null
  readonly capabilities: () => Capabilities
  readonly startedAt: number
  /** A connection of a peer for which this is false is closed after the handshake, pairing aside. */
  readonly isMember: (peer: PeerId) => boolean
  /** True while an invitation is open: strangers may then speak the pairing protocol, and it only. */
  readonly pairingOpen: () => boolean
}

/**
 * Authenticated, encrypted connections between members. One long-lived stream a peer and message
 * protocol; messages of one protocol arrive in order and at most once per connection; a lost connection
 * loses what was under way. The in-memory twin passes the same contract suite.
 */
export interface Transport extends AsyncDisposable {
  readonly self: PeerId
  /** Starts to listen (and mDNS, if asked). `PortTaken` in words. May be called once. */
  readonly listen: (options: ListenOptions) => Promise<Result<void, MusterError>>
  /** Multiaddrs others can dial, with `/p2p/<self>`; empty before `listen`. */
  readonly addresses: () => readonly string[]
  /** Connects and greets; resolves when the hello is done. An existing connection is fine. */
  readonly dial: (
    peer: PeerId,
    addresses: readonly string[],
    signal?: AbortSignal,
  ) => Promise<Result<void, MusterError>>
  /** Closes the connection to a peer, for example a removed member. */
  readonly hangUp: (peer: PeerId) => Promise<void>
  readonly connected: () => readonly PeerId[]
  /** Never throws and never waits. */
  readonly send: <Message>(
    peer: PeerId,
    protocol: MessageProtocol<Message>,
    message: Message,
  ) => SendOutcome
  /** Handles messages of a protocol; one handler a protocol. A message that cannot be decoded is dropped and logged. */
  readonly receive: <Message>(
    protocol: MessageProtocol<Message>,
    handler: (peer: PeerId, message: Message) => void,
  ) => void
  /** Asks a member; ends when the answer does, throws MusterFailure `PeerUnreachable`, `TimedOut` or `MessageInvalid`. */
  readonly request: <Request, Answer>(
    peer: PeerId,
    protocol: RequestProtocol<Request, Answer>,
    request: Request,
    signal?: AbortSignal,
  ) => AsyncIterable<Answer>
  /** Answers requests of members; an abandoned request aborts `signal`. */
  readonly serve: <Request, Answer>(
    protocol: RequestProtocol<Request, Answer>,
    handler: (peer: PeerId, request: Request, signal: AbortSignal) => AsyncIterable<Answer>,
  ) => void
  /** Shows an invitation's secret to the inviter, which the dialled PeerId authenticates. */
  readonly pair: (
    inviter: PeerId,
    addresses: readonly string[],
    request: PairRequest,
    signal?: AbortSignal,
  ) => Promise<Result<PairAnswer, MusterError>>
  /** Answers pairing requests of strangers. */
  readonly servePairing: (
    handler: (peer: PeerId, request: PairRequest) => Promise<PairAnswer>,
  ) => void
  readonly on: (listener: (event: TransportEvent) => void) => Disposable
}

/** Where the transport listens once there is a cluster. */
export interface ListenOptions {
  /** Addresses to bind, for example `0.0.0.0` or `127.0.0.1`. */
  readonly hosts: readonly string[]
  /** 0: any free port. */
  readonly port: number
  /** mDNS service tag of the cluster; undefined: no mDNS. */
  readonly mdnsTag?: string
}
