import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { VersionVector } from '../../model/log-position.ts'
import { messageProtocol } from '../codec.ts'
import { bytes, count, peerId } from '../fields.ts'

/** `/muster/ledger/1.0.0`: what each side holds, then what the other lacks, then live segments. */

/** Sent on connection and every now and then: an answer is the segments missing behind it. */
export interface VectorTold {
  readonly kind: 'vector-told'
  readonly vector: VersionVector
}

/** Encoded segments, of any origin, in order within each origin. */
export interface SegmentsSent {
  readonly kind: 'segments-sent'
  readonly segments: readonly Uint8Array[]
}

/** What members say to each other about their logs. */
export type LedgerMessage = VectorTold | SegmentsSent

const message: z.ZodType<LedgerMessage> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('vector-told'),
    vector: z
      .array(z.object({ origin: peerId, incarnation: count, sequence: z.int().min(-1) }))
      .max(4 * limits.members),
  }),
  z.object({ kind: z.literal('segments-sent'), segments: z.array(bytes).max(4_096) }),
])

/** See docs/wire/ledger-v1.md. */
export const ledgerProtocol = messageProtocol(
  '/muster/ledger/1.0.0',
  limits.controlFrameBytes,
  message,
)
