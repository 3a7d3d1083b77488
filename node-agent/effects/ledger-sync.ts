import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger, RecordsAdded } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Segment } from '#protocol/model/segment.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import { ledgerProtocol } from '#protocol/wire/ledger/protocol.ts'
import type { LedgerMessage } from '#protocol/wire/ledger/protocol.ts'
import { decodeSegment } from '#protocol/wire/ledger/segment.ts'

/**
 * Keeps the ledgers of connected members alike: vectors on connection and every now and then, missing
 * segments behind them, then live segments as they are added. Nothing here decides what is true: `ingest`
 * verifies, and segments of an origin that is not known as a member wait until its membership arrives.
 */
export interface LedgerSync extends Disposable {
  readonly peerConnected: (peer: PeerId) => void
  readonly peerDisconnected: (peer: PeerId) => void
  /** Membership changed: segments that were held back may be welcome now. */
  readonly membersChanged: () => void
  /** Takes segments that came another way, such as with a pairing or an acknowledgement. */
  readonly take: (segments: readonly Uint8Array[], from: PeerId) => Promise<void>
}

export interface LedgerSyncDeps {
  readonly ledger: Ledger
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** True for members, former members, and the writer of the genesis record. */
  readonly mayWrite: (segment: Segment) => boolean
}

/** What a connected peer is believed to hold, and whether a catch-up is being sent to it. */
interface Remote {
  readonly held: Map<string, number>
  told: boolean
  sending: boolean
  /** Something was added while a catch-up was under way: look once more before it ends. */
  again: boolean
}

const logKey = (origin: PeerId, incarnation: number): string => `${origin}/${incarnation}`

export const createLedgerSync = (deps: LedgerSyncDeps): LedgerSync => {
  const syncing: Syncing = {
    ...deps,
    remotes: new Map(),
    stopped: new AbortController(),
    heldBack: [],
    intake: Promise.resolve(),
  }
  const { transport, ledger, clock, remotes } = syncing
  transport.receive(ledgerProtocol, (peer, message) => hear(syncing, peer, message))
  const listening = ledger.onAdded((added) => forward(syncing, added))
  const telling = clock.every(limits.ledgerVectorMs, () => {
    for (const peer of remotes.keys()) tellVector(syncing, peer)
  })

  return {
    peerConnected: (peer) => {
      remotes.set(peer, { held: new Map(), told: false, sending: false, again: false })
      tellVector(syncing, peer)
    },
    peerDisconnected: (peer) => remotes.delete(peer),
    membersChanged: () => {
      const waiting = syncing.heldBack
      syncing.heldBack = []
      for (const { segment, from } of waiting) void take(syncing, [segment], from)
    },
    take: (segments, from) => take(syncing, segments, from),
    [Symbol.dispose]: () => {
      syncing.stopped.abort()
      listening[Symbol.dispose]()
      telling[Symbol.dispose]()
    },
  }
}

interface Syncing extends LedgerSyncDeps {
  readonly remotes: Map<PeerId, Remote>
  readonly stopped: AbortController
  heldBack: { segment: Uint8Array; from: PeerId }[]
  intake: Promise<void>
}

const tellVector = ({ transport, ledger }: Syncing, peer: PeerId): void => {
  transport.send(peer, ledgerProtocol, { kind: 'vector-told', vector: ledger.vector() })
}

const hear = (syncing: Syncing, peer: PeerId, message: LedgerMessage): void => {
  const remote = syncing.remotes.get(peer)
  if (remote === undefined) return
  if (message.kind === 'segments-sent') {
    void take(syncing, message.segments, peer)
    return
  }
  remote.told = true
  for (const { origin, incarnation, sequence } of message.vector)
    remote.held.set(logKey(origin, incarnation), sequence)
  void catchUp(syncing, peer, remote)
}

/** Sends all that the peer lacks, some at a time, and looks once more if something was added meanwhile. */
const catchUp = async (syncing: Syncing, peer: PeerId, remote: Remote): Promise<void> => {
  const { stopped, remotes, ledger, transport, clock, log } = syncing
  if (remote.sending) return
  remote.sending = true
  try {
    while (!stopped.signal.aborted && remotes.get(peer) === remote) {
      // Nearly always nothing is missing, and the store need not be woken to say so.
      const segments = lacksSome(remote, ledger.vector())
        ? await ledger.missingFrom(vectorOf(remote), limits.segmentBytes)
        : []
      if (segments.length === 0 && !remote.again) return
      remote.again = false
      if (segments.length === 0) continue
      const outcome = transport.send(peer, ledgerProtocol, { kind: 'segments-sent', segments })
      if (outcome === 'unreachable') return
      if (outcome === 'full') await clock.sleep(limits.reportMs, stopped.signal)
      else for (const segment of segments) noteSegment(remote, decodeSegment(segment))
    }
  } catch (thrown) {
    if (!stopped.signal.aborted) log.warn('catch-up ended early', { peer, thrown })
  } finally {
    remote.sending = false
  }
}

/** Hands a new segment on to everybody who lacks it. */
const forward = (syncing: Syncing, added: RecordsAdded): void => {
  const last = added.records.at(-1)
  if (last === undefined) return
  const { origin, incarnation, sequence } = last.header
  const key = logKey(origin, incarnation)
  for (const [peer, remote] of syncing.remotes) {
    if (remote.sending) remote.again = true
    if (!remote.told || remote.sending || (remote.held.get(key) ?? -1) >= sequence) continue
    const message: LedgerMessage = { kind: 'segments-sent', segments: [added.segment] }
    const outcome = syncing.transport.send(peer, ledgerProtocol, message)
    if (outcome === 'sent') remote.held.set(key, sequence)
    else void catchUp(syncing, peer, remote)
  }
}

/** One segment after the other: an origin's segments only fit in their order. */
const take = (syncing: Syncing, segments: readonly Uint8Array[], from: PeerId): Promise<void> => {
  syncing.intake = syncing.intake.then(async () => {
    for (const segment of segments) {
      if (syncing.stopped.signal.aborted) return
      try {
        await takeOne(syncing, segment, from)
      } catch (thrown) {
        const error = thrown instanceof MusterFailure ? thrown.error : thrownToText(thrown)
        syncing.log.warn('a segment could not be taken', { from, error })
      }
    }
  })
  return syncing.intake
}

const takeOne = async (syncing: Syncing, bytes: Uint8Array, from: PeerId): Promise<void> => {
  const segment = decodeSegment(bytes)
  if (!syncing.mayWrite(segment)) {
    syncing.heldBack.push({ segment: bytes, from })
    if (syncing.heldBack.length > limits.heldSegments) syncing.heldBack.shift()
    return
  }
  const remote = syncing.remotes.get(from)
  if (remote !== undefined) noteSegment(remote, segment)
  const outcome = await syncing.ledger.ingest(bytes)
  if (outcome.kind === 'gap') tellVector(syncing, from)
  if (outcome.kind === 'refused')
    syncing.log.warn('segment refused', { from, origin: segment.origin, error: outcome.error })
}

const noteSegment = (remote: Remote, segment: Segment): void => {
  const key = logKey(segment.origin, segment.incarnation)
  const last = segment.first + segment.entries.length - 1
  if ((remote.held.get(key) ?? -1) < last) remote.held.set(key, last)
}

const lacksSome = ({ held }: Remote, ours: VersionVector): boolean =>
  ours.some(
    ({ origin, incarnation, sequence }) => (held.get(logKey(origin, incarnation)) ?? -1) < sequence,
  )

const vectorOf = (remote: Remote): VersionVector =>
  [...remote.held].map(([key, sequence]) => {
    const [origin = '', incarnation = '0'] = key.split('/')
    return { origin: origin as PeerId, incarnation: Number(incarnation), sequence }
  })
