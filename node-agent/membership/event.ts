import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import type { Term } from '#protocol/model/term.ts'

/** Every event names itself, what caused it, and when it happened; the machine has no clock. */
export interface Envelope {
  readonly id: number
  readonly causeId: number
  readonly now: Millis
}

export type MembershipFact =
  /** Records of kinds cluster-created, member-added, member-removed, roles-changed, term-taken; others are ignored. */
  | { readonly kind: 'recordsAdded'; readonly records: readonly VerifiedRecord[] }
  | { readonly kind: 'peerConnected'; readonly peer: PeerId; readonly addresses: readonly string[] }
  | { readonly kind: 'peerDisconnected'; readonly peer: PeerId }
  /** Addresses from mDNS, the store or a person's hand. */
  | {
      readonly kind: 'addressesLearned'
      readonly peer: PeerId
      readonly addresses: readonly string[]
    }
  | { readonly kind: 'peerHeard'; readonly peer: PeerId; readonly term: Term | null }
  | { readonly kind: 'dialFailed'; readonly peer: PeerId }
  | { readonly kind: 'tick' }

export type MembershipEvent = MembershipFact & Envelope

/** What the machine wants done. */
export type MembershipEffect =
  | { readonly kind: 'dialPeer'; readonly peer: PeerId; readonly addresses: readonly string[] }
  | { readonly kind: 'hangUp'; readonly peer: PeerId }
  | { readonly kind: 'announceAlive'; readonly peer: PeerId }
  | { readonly kind: 'announceSuspect'; readonly peer: PeerId }
  | { readonly kind: 'announceLost'; readonly peer: PeerId }
  /** Members, roles or addresses are not what they were: show and remember them. */
  | { readonly kind: 'announceMembers' }
  /** Whom to follow. Null: nobody is known. */
  | { readonly kind: 'announceHead'; readonly term: Term | null }
