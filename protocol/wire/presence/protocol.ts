import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { JobId, PeerId } from '../../model/ids.ts'
import type { Capabilities } from '../../model/member.ts'
import type { Term } from '../../model/term.ts'
import { messageProtocol } from '../codec.ts'
import { capabilities, count, jobId, peerId, sentence, term } from '../fields.ts'

/** `/muster/presence/1.0.0`: signs of life, and what a member should know without asking. */

/** What the head knows of a running job and the ledger does not say. */
export interface JobDigest {
  readonly job: JobId
  readonly leased: number
  /** Leases that ended with a lost peer in this term. */
  readonly leasesLost: number
  /** Why nothing runs, in one sentence; empty while something does. */
  readonly waits: string
}

/** A sign of life. */
export interface Heartbeat {
  readonly kind: 'heartbeat'
  /** The newest term the speaker knows; null before the first. */
  readonly term: Term | null
  readonly sentAt: number
  /** Worker processes running a mini-batch now. */
  readonly busySlots: number
  readonly slots: number
  /** Share of all cores in use by anybody, 0 to 1. */
  readonly load: number
  /** Why the owner's limits allow no or fewer slots; empty otherwise. */
  readonly reason: string
  /** Only from the head. */
  readonly digest: readonly JobDigest[]
}

/** Sent when they change; the first set travels in the hello. */
export interface CapabilitiesChanged {
  readonly kind: 'capabilities-changed'
  readonly capabilities: Capabilities
}

/** Where other members can be dialled, as the speaker knows it: a cluster works with multicast blocked. */
export interface AddressesTold {
  readonly kind: 'addresses-told'
  readonly peers: readonly { readonly peer: PeerId; readonly addresses: readonly string[] }[]
}

/** What members tell each other unasked. */
export type PresenceMessage = Heartbeat | CapabilitiesChanged | AddressesTold

const message: z.ZodType<PresenceMessage> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('heartbeat'),
    term: term.nullable(),
    sentAt: count,
    busySlots: count,
    slots: count,
    load: z.number().min(0).max(1),
    reason: sentence,
    digest: z
      .array(z.object({ job: jobId, leased: count, leasesLost: count, waits: sentence }))
      .max(1_000),
  }),
  z.object({ kind: z.literal('capabilities-changed'), capabilities }),
  z.object({
    kind: z.literal('addresses-told'),
    peers: z
      .array(z.object({ peer: peerId, addresses: z.array(z.string().max(256)).max(16) }))
      .max(limits.members),
  }),
])

/** See docs/wire/presence-v1.md. */
export const presenceProtocol = messageProtocol(
  '/muster/presence/1.0.0',
  limits.controlFrameBytes,
  message,
)
