import type { LedgerSync } from '#agent/effects/ledger-sync.ts'
import { createLoop } from '#agent/effects/loop.ts'
import type { Loop } from '#agent/effects/loop.ts'
import type { MachineBook } from '#agent/effects/control/machine-views.ts'
import type { ReachBook } from '#agent/effects/inputs/reach-book.ts'
import type { Clock } from '#agent/ports/clock.ts'
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
import type { RecordKind } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
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
  readonly learnAddresses: (peer: PeerId, addresses: readonly string[]) => void
  readonly isMember: (peer: PeerId) => boolean
  readonly members: () => readonly Member[]
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  readonly liveness: (peer: PeerId) => Liveness
  readonly addressesOf: (peer: PeerId) => readonly string[]
  readonly head: () => Term | null
}

export interface MemberRoleDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly transport: Transport
  readonly sync: () => LedgerSync
  readonly book: MachineBook
  readonly reach: ReachBook
  readonly state: MembershipState
  /** What this agent says of itself now. */
  readonly heartbeat: () => Heartbeat
  readonly alive: (peer: PeerId) => void
  readonly suspected: (peer: PeerId) => void
  readonly lost: (peer: PeerId) => void
  readonly headChanged: (term: Term | null) => void
  readonly membersChanged: () => void
  readonly heard: (peer: PeerId, heartbeat: Heartbeat) => void
  /** A member told what it is. */
  readonly described: () => void
  readonly connected: (peer: PeerId) => void
  readonly disconnected: (peer: PeerId) => void
}

export const createMemberRole = (deps: MemberRoleDeps): MemberRole => {
  const { self, clock, transport, state } = deps
  const loop: Loop<MembershipFact> = createLoop<MembershipFact, MembershipEffect>({
    clock,
    transition: (event) => transition(state, event),
    run: (effect) => runEffect(belonging, effect),
  })
  const belonging: Belonging = { ...deps, tell: loop.tell }
  transport.receive(presenceProtocol, (peer, message) => hear(belonging, peer, message))
  const listening = transport.on((event) => hearTransport(belonging, event))
  const beating = clock.every(limits.heartbeatMs, () => {
    beat(belonging)
    loop.tell({ kind: 'tick' })
  })

  return {
    recordsAdded: (records) => loop.tell({ kind: 'recordsAdded', records }),
    learnAddresses: (peer, addresses) => loop.tell({ kind: 'addressesLearned', peer, addresses }),
    isMember: (peer) => isMember(state, peer),
    members: () => members(state),
    rolesOf: (peer) => rolesOf(state, peer),
    liveness: (peer) => (peer === self ? 'self' : liveness(state, peer)),
    addressesOf: (peer) => addressesOf(state, peer),
    head: () => head(state),
    [Symbol.dispose]: () => {
      beating[Symbol.dispose]()
      listening[Symbol.dispose]()
    },
  }
}

interface Belonging extends MemberRoleDeps {
  readonly tell: (fact: MembershipFact) => void
}

const runEffect = (belonging: Belonging, effect: MembershipEffect): void => {
  switch (effect.kind) {
    case 'dialPeer':
      return void dial(belonging, effect.peer, effect.addresses)
    case 'hangUp':
      return void belonging.transport.hangUp(effect.peer)
    case 'announceAlive':
      return belonging.alive(effect.peer)
    case 'announceSuspect':
      return belonging.suspected(effect.peer)
    case 'announceLost':
      // A connection that is open but silent would be believed again without a greeting.
      void belonging.transport.hangUp(effect.peer)
      return belonging.lost(effect.peer)
    case 'announceMembers':
      belonging.sync().membersChanged()
      return belonging.membersChanged()
    case 'announceHead':
      return belonging.headChanged(effect.term)
    default:
      return assertNever(effect)
  }
}

const dial = async (
  { transport, log, tell, reach, clock }: Belonging,
  peer: PeerId,
  addresses: readonly string[],
): Promise<void> => {
  const dialled = await transport.dial(peer, addresses)
  const error = dialled.ok ? undefined : dialled.error
  reach.dialled(peer, addresses, { at: clock.now(), error })
  if (dialled.ok) return
  log.debug('dial failed', { peer, error: dialled.error })
  tell({ kind: 'dialFailed', peer })
}

const hear = (belonging: Belonging, peer: PeerId, message: PresenceMessage): void => {
  const { self, book, clock, tell } = belonging
  switch (message.kind) {
    case 'heartbeat':
      book.heard(peer, message, clock.now())
      belonging.heard(peer, message)
      return tell({ kind: 'peerHeard', peer, term: message.term })
    case 'capabilities-changed':
      book.describe(peer, message.capabilities)
      belonging.described()
      return belonging.membersChanged()
    case 'addresses-told':
      for (const told of message.peers)
        if (told.peer !== self) tell({ ...told, kind: 'addressesLearned' })
      return
    default:
      return assertNever(message)
  }
}

const hearTransport = (belonging: Belonging, event: TransportEvent): void => {
  const { state, book, transport, log, tell, reach, clock } = belonging
  const { peer } = event
  switch (event.kind) {
    case 'peer-connected':
      book.describe(peer, event.hello.capabilities)
      belonging.described()
      reach.connected(peer, clock.now())
      tell({ kind: 'peerConnected', peer, addresses: event.hello.addresses })
      belonging.sync().peerConnected(peer)
      belonging.connected(peer)
      transport.send(peer, presenceProtocol, belonging.heartbeat())
      return tellAddresses(belonging)
    case 'peer-disconnected':
      log.info('peer disconnected', { peer, reason: event.reason })
      belonging.sync().peerDisconnected(peer)
      tell({ kind: 'peerDisconnected', peer })
      return belonging.disconnected(peer)
    case 'peer-discovered':
      reach.discovered(peer)
      if (isMember(state, peer)) tell({ ...event, kind: 'addressesLearned' })
      return
    case 'peer-refused':
      reach.refused(peer, event.error, clock.now())
      return log.info('peer refused', { peer, error: event.error })
    default:
      return assertNever(event)
  }
}

/** Tells every connected member where the others are: a cluster works with multicast blocked. */
const tellAddresses = ({ self, state, transport }: Belonging): void => {
  const peers = members(state)
    .map(({ peer }) => ({
      peer,
      addresses: peer === self ? transport.addresses() : addressesOf(state, peer),
    }))
    .filter(({ addresses }) => addresses.length > 0)
  for (const peer of transport.connected())
    transport.send(peer, presenceProtocol, { kind: 'addresses-told', peers })
}

/** A sign of life to everybody, and to this machine's own card. */
const beat = ({ self, book, clock, heard, heartbeat, transport }: Belonging): void => {
  const now = heartbeat()
  book.heard(self, now, clock.now())
  heard(self, now)
  for (const peer of transport.connected()) transport.send(peer, presenceProtocol, now)
}
