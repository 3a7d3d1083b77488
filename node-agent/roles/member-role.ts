import type { LedgerSync } from '#agent/effects/ledger-sync.ts'
import { createLoop } from '#agent/effects/loop.ts'
import type { MachineBook } from '#agent/effects/machine-views.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Transport, TransportEvent } from '#agent/ports/transport.ts'
import type { MembershipEffect, MembershipFact } from '#agent/membership/event.ts'
import {
  addressesOf,
  head,
  isMember,
  liveness,
  members,
  rolesOf,
} from '#agent/membership/queries.ts'
import type { MembershipState } from '#agent/membership/state.ts'
import { transition } from '#agent/membership/transition.ts'
import { limits } from '#protocol/limits.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Liveness, Member, Role } from '#protocol/model/member.ts'
import type { RecordKind, VerifiedRecord } from '#protocol/model/record.ts'
import type { Term } from '#protocol/model/term.ts'
import { presenceProtocol } from '#protocol/wire/presence/protocol.ts'
import type { Heartbeat, PresenceMessage } from '#protocol/wire/presence/protocol.ts'

/** Record kinds that say who belongs and who is head. */
export const membershipKinds: readonly RecordKind[] = [
  'cluster-created',
  'member-added',
  'member-removed',
  'roles-changed',
  'term-taken',
]

/** Who belongs, who is alive, who is head: the membership machine with heartbeats and dialling. */
export interface MemberRole extends Disposable {
  readonly recordsAdded: (records: readonly VerifiedRecord[]) => void
  readonly transportEvent: (event: TransportEvent) => void
  readonly learnAddresses: (peer: PeerId, addresses: readonly string[]) => void
  readonly isMember: (peer: PeerId) => boolean
  readonly members: () => readonly Member[]
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  readonly liveness: (peer: PeerId) => Liveness
  readonly addressesOf: (peer: PeerId) => readonly string[]
  readonly head: () => Term | null
  /** Tells every connected member where the others are. */
  readonly tellAddresses: () => void
}

export interface MemberRoleDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly transport: Transport
  readonly ledger: Ledger
  readonly sync: () => LedgerSync
  readonly book: MachineBook
  readonly state: MembershipState
  /** What this agent says of itself now. */
  readonly heartbeat: () => Heartbeat
  readonly alive: (peer: PeerId) => void
  readonly suspected: (peer: PeerId) => void
  readonly lost: (peer: PeerId) => void
  readonly headChanged: (term: Term | null) => void
  readonly membersChanged: () => void
  readonly heard: (peer: PeerId, heartbeat: Heartbeat) => void
  readonly connected: (peer: PeerId) => void
  readonly disconnected: (peer: PeerId) => void
}

export const createMemberRole = (deps: MemberRoleDeps): MemberRole => {
  const { self, clock, log, transport, book, state } = deps

  const dial = async (peer: PeerId, addresses: readonly string[]): Promise<void> => {
    const dialled = await transport.dial(peer, addresses)
    if (dialled.ok) return
    log.debug('dial failed', { peer, error: dialled.error })
    loop.tell({ kind: 'dialFailed', peer })
  }

  const run = (effect: MembershipEffect): void => {
    switch (effect.kind) {
      case 'dialPeer':
        return void dial(effect.peer, effect.addresses)
      case 'hangUp':
        return void transport.hangUp(effect.peer)
      case 'announceAlive':
        return deps.alive(effect.peer)
      case 'announceSuspect':
        return deps.suspected(effect.peer)
      case 'announceLost':
        return deps.lost(effect.peer)
      case 'announceMembers':
        deps.sync().membersChanged()
        return deps.membersChanged()
      case 'announceHead':
        return deps.headChanged(effect.term)
      default:
        return assertNever(effect)
    }
  }

  const loop = createLoop<MembershipFact, MembershipEffect>({
    clock,
    transition: (event) => transition(state, event),
    run,
  })

  const knownAddresses = () =>
    members(state)
      .map(({ peer }) => ({
        peer,
        addresses: peer === self ? transport.addresses() : addressesOf(state, peer),
      }))
      .filter(({ addresses }) => addresses.length > 0)

  const tellAddresses = (): void => {
    const message: PresenceMessage = { kind: 'addresses-told', peers: knownAddresses() }
    for (const peer of transport.connected()) transport.send(peer, presenceProtocol, message)
  }

  transport.receive(presenceProtocol, (peer, message) => {
    switch (message.kind) {
      case 'heartbeat':
        book.heard(peer, message, clock.now())
        deps.heard(peer, message)
        return loop.tell({ kind: 'peerHeard', peer, term: message.term })
      case 'capabilities-changed':
        book.describe(peer, message.capabilities)
        return deps.membersChanged()
      case 'addresses-told':
        for (const told of message.peers)
          if (told.peer !== self) loop.tell({ kind: 'addressesLearned', ...told })
        return
      default:
        return assertNever(message)
    }
  })

  const beat = (): void => {
    const heartbeat = deps.heartbeat()
    book.heard(self, heartbeat, clock.now())
    deps.heard(self, heartbeat)
    for (const peer of transport.connected()) transport.send(peer, presenceProtocol, heartbeat)
  }
  const beating = clock.every(limits.heartbeatMs, () => {
    beat()
    loop.tell({ kind: 'tick' })
  })

  const transportEvent = (event: TransportEvent): void => {
    const { peer } = event
    switch (event.kind) {
      case 'peer-connected':
        book.describe(peer, event.hello.capabilities)
        loop.tell({ kind: 'peerConnected', peer, addresses: event.hello.addresses })
        deps.sync().peerConnected(peer)
        deps.connected(peer)
        transport.send(peer, presenceProtocol, deps.heartbeat())
        return tellAddresses()
      case 'peer-disconnected':
        log.info('peer disconnected', { peer, reason: event.reason })
        deps.sync().peerDisconnected(peer)
        loop.tell({ kind: 'peerDisconnected', peer })
        return deps.disconnected(peer)
      case 'peer-discovered':
        if (isMember(state, peer))
          loop.tell({ kind: 'addressesLearned', peer, addresses: event.addresses })
        return
      case 'peer-refused':
        return log.info('peer refused', { peer, error: event.error })
      default:
        return assertNever(event)
    }
  }
  const listening = transport.on(transportEvent)

  return {
    recordsAdded: (records) => loop.tell({ kind: 'recordsAdded', records }),
    transportEvent,
    learnAddresses: (peer, addresses) => loop.tell({ kind: 'addressesLearned', peer, addresses }),
    isMember: (peer) => isMember(state, peer),
    members: () => members(state),
    rolesOf: (peer) => rolesOf(state, peer),
    liveness: (peer) => (peer === self ? 'self' : liveness(state, peer)),
    addressesOf: (peer) => addressesOf(state, peer),
    head: () => head(state),
    tellAddresses,
    [Symbol.dispose]: () => {
      beating[Symbol.dispose]()
      listening[Symbol.dispose]()
    },
  }
}
