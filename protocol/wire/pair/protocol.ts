import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { ClusterId, PeerId } from '../../model/ids.ts'
import type { Capabilities, Role } from '../../model/member.ts'
import { requestProtocol } from '../codec.ts'
import { bytes, capabilities, clusterId, name, peerId, roleList } from '../fields.ts'

/** `/muster/pair/1.0.0`: the only protocol a non-member may speak, and only while an invitation is open. */
export interface PairRequest {
  /** The invitation's one-time secret, 16 bytes. */
  readonly secret: Uint8Array
  readonly capabilities: Capabilities
  /** Where the newcomer will listen once it is a member. */
  readonly addresses: readonly string[]
}

/** Why a newcomer was not let in. */
export type PairRefusal = 'unknown' | 'used' | 'expired'

/** What the inviting machine answers. */
export type PairAnswer =
  | {
      readonly kind: 'admitted'
      readonly cluster: ClusterId
      readonly clusterName: string
      readonly creator: PeerId
      readonly roles: readonly Role[]
      /** Encoded segments that prove the membership, genesis first; the rest comes over the ledger protocol. */
      readonly segments: readonly Uint8Array[]
    }
  | { readonly kind: 'refused'; readonly why: PairRefusal }

const request: z.ZodType<PairRequest> = z.object({
  secret: bytes,
  capabilities,
  addresses: z.array(z.string().max(256)).max(16),
})

const answer: z.ZodType<PairAnswer> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('admitted'),
    cluster: clusterId,
    clusterName: name,
    creator: peerId,
    roles: roleList,
    segments: z.array(bytes).max(1_000),
  }),
  z.object({ kind: z.literal('refused'), why: z.enum(['unknown', 'used', 'expired']) }),
])

/** See docs/wire/pair-v1.md. */
export const pairProtocol = requestProtocol(
  '/muster/pair/1.0.0',
  limits.controlFrameBytes,
  request,
  answer,
)
