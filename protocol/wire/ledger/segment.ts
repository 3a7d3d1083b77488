import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { RecordHeader, Segment } from '../../model/segment.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import { bytes, clusterId, count, peerId, previousHash } from '../fields.ts'

/** A segment's bytes are kept and forwarded as they came. */
const segment: z.ZodType<Segment> = z.object({
  cluster: clusterId,
  origin: peerId,
  incarnation: count,
  first: count,
  previous: previousHash,
  entries: z
    .array(
      z.object({
        kind: z.string().min(1).max(64),
        bodyHash: z.string().length(64),
        body: bytes.nullable(),
      }),
    )
    .min(1)
    .max(limits.segmentRecords),
  signature: bytes.refine((value) => value.length === 64),
})

/** The bytes of a segment, as they travel and are stored. */
export const encodeSegment = (value: Segment): Uint8Array => encodeCbor(value)

/** @throws MusterFailure `MessageInvalid` */
export const decodeSegment = (data: Uint8Array): Segment => decodeCbor(data, segment, 'segment')

/** The bytes whose SHA-256 is the header's hash. */
export const encodeHeader = (header: RecordHeader): Uint8Array =>
  encodeCbor([
    header.origin,
    header.incarnation,
    header.sequence,
    header.kind,
    header.bodyHash,
    header.previous,
  ])

/**
 * The bytes that are signed: a fixed word (so that a signature cannot be used elsewhere), the cluster,
 * and the hash of the last header, which by its chain covers every record before it.
 */
export const encodeSegmentSeal = (
  value: Omit<Segment, 'signature'>,
  lastHeaderHash: string,
): Uint8Array =>
  encodeCbor([
    'muster-segment-1',
    value.cluster,
    value.origin,
    value.incarnation,
    value.first,
    value.entries.length,
    lastHeaderHash,
  ])
