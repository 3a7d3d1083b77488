import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger, RecordsAdded } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Segment, VersionVector } from '#protocol/model/record.ts'
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
  const { ledger, transport, clock, log } = deps
  const remotes = new Map<PeerId, Remote>()
  const stopped = new AbortController()
  let heldBack: { segment: Uint8Array; from: PeerId }[] = []
  let intake: Promise<void> = Promise.resolve()

  const tellVector = (peer: PeerId): void => {
    transport.send(peer, ledgerProtocol, { kind: 'vector-told', vector: ledger.vector() })
  }

  const catchUp = async (peer: PeerId, remote: Remote): Promise<void> => {
    if (remote.sending) return
    remote.sending = true
    try {
      while (!stopped.signal.aborted && remotes.get(peer) === remote) {
        const segments = await ledger.missingFrom(vectorOf(remote), limits.segmentBytes)
        if (segments.length === 0 && !remote.again) return
        remote.again = false
        if (segments.length === 0) continue
        const message: LedgerMessage = { kind: 'segments-sent', segments }
        const outcome = transport.send(peer, ledgerProtocol, message)
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

  const forward = (added: RecordsAdded): void => {
    const last = added.records.at(-1)
    if (last === undefined) return
    const { origin, incarnation, sequence } = last.header
    const key = logKey(origin, incarnation)
    for (const [peer, remote] of remotes) {
      if (remote.sending) remote.again = true
      if (!remote.told || remote.sending || (remote.held.get(key) ?? -1) >= sequence) continue
      const message: LedgerMessage = { kind: 'segments-sent', segments: [added.segment] }
      if (transport.send(peer, ledgerProtocol, message) === 'sent') remote.held.set(key, sequence)
      else void catchUp(peer, remote)
    }
  }

  const takeOne = async (bytes: Uint8Array, from: PeerId): Promise<void> => {
    const segment = decodeSegment(bytes)
    if (!deps.mayWrite(segment)) {
      heldBack.push({ segment: bytes, from })
      if (heldBack.length > limits.heldSegments) heldBack.shift()
      return
    }
    const remote = remotes.get(from)
    if (remote !== undefined) noteSegment(remote, segment)
    const outcome = await ledger.ingest(bytes)
    if (outcome.kind === 'gap') tellVector(from)
    if (outcome.kind === 'refused')
      log.warn('segment refused', { from, origin: segment.origin, error: outcome.error })
  }

  /** One segment after the other: an origin's segments only fit in their order. */
  const take = (segments: readonly Uint8Array[], from: PeerId): Promise<void> => {
    intake = intake.then(async () => {
      for (const segment of segments) {
        if (stopped.signal.aborted) return
        try {
          await takeOne(segment, from)
        } catch (thrown) {
          if (!(thrown instanceof MusterFailure)) throw thrown
          log.warn('segment could not be read', { from, error: thrown.error })
        }
      }
    })
    return intake
  }

  transport.receive(ledgerProtocol, (peer, message) => {
    const remote = remotes.get(peer)
    if (remote === undefined) return
    if (message.kind === 'segments-sent') {
      void take(message.segments, peer)
      return
    }
    remote.told = true
    for (const { origin, incarnation, sequence } of message.vector) {
      const key = logKey(origin, incarnation)
      remote.held.set(key, sequence)
    }
    void catchUp(peer, remote)
  })

  const listening = ledger.onAdded(forward)
  const telling = clock.every(limits.ledgerVectorMs, () => {
    for (const peer of remotes.keys()) tellVector(peer)
  })

  return {
    peerConnected: (peer) => {
      remotes.set(peer, { held: new Map(), told: false, sending: false, again: false })
      tellVector(peer)
    },
    peerDisconnected: (peer) => remotes.delete(peer),
    membersChanged: () => {
      const waiting = heldBack
      heldBack = []
      for (const { segment, from } of waiting) void take([segment], from)
    },
    take,
    [Symbol.dispose]: () => {
      stopped.abort()
      listening[Symbol.dispose]()
      telling[Symbol.dispose]()
    },
  }
}

const noteSegment = (remote: Remote, segment: Segment): void => {
  const key = logKey(segment.origin, segment.incarnation)
  const last = segment.first + segment.entries.length - 1
  if ((remote.held.get(key) ?? -1) < last) remote.held.set(key, last)
}

const vectorOf = (remote: Remote): VersionVector =>
  [...remote.held].map(([key, sequence]) => {
    const [origin = '', incarnation = '0'] = key.split('/')
    return { origin: origin as PeerId, incarnation: Number(incarnation), sequence }
  })
