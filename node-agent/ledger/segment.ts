import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ClusterId, PeerId, RecordHash } from '#protocol/model/ids.ts'
import { asRecordHash } from '#protocol/model/ids.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type {
  RecordHeader,
  Segment,
  SegmentEntry,
  VerifiedRecord,
} from '#protocol/model/segment.ts'
import type {
  EncodedBody,
  HeldLog,
  LogEnd,
  SealedSegment,
  SegmentVerdict,
} from '#protocol/wire/ledger/segment-rules.ts'
import { decodeRecordBody, encodeRecordBody } from '#protocol/wire/ledger/records.ts'
import {
  decodeSegment,
  encodeHeader,
  encodeSegment,
  encodeSegmentSeal,
} from '#protocol/wire/ledger/segment.ts'

/** What this room needs of the agent's key; it has no cryptography of its own. */
export interface SegmentKeys {
  readonly self: PeerId
  readonly sign: (bytes: Uint8Array) => Uint8Array
  readonly verify: (peer: PeerId, bytes: Uint8Array, signature: Uint8Array) => boolean
  /** 64 lower-case hex digits. */
  readonly sha256: (bytes: Uint8Array) => string
}

/**
 * Encodes a body of this agent and reads it back as others will. A body that others could not read would
 * end this log for good, since they refuse or skip it: it fails here with `Internal`.
 */
export const encodeBody = (body: RecordBody): Result<EncodedBody, MusterError> => {
  try {
    const bytes = encodeRecordBody(body)
    const read = decodeRecordBody(body.kind, bytes)
    if (read !== undefined && bytes.length <= limits.recordBytes) return ok({ bytes, body: read })
    return err(unfit(body.kind, `${bytes.length} bytes`))
  } catch (thrown) {
    return err(unfit(body.kind, detailOf(thrown)))
  }
}

/**
 * Seals consecutive bodies behind `end` into as few segments as the limits allow, each signed once.
 * @param bodies at least one
 */
export const sealSegments = (
  keys: SegmentKeys,
  cluster: ClusterId,
  end: LogEnd,
  bodies: readonly EncodedBody[],
): readonly SealedSegment[] => {
  const segments: SealedSegment[] = []
  let at = end
  for (const part of splitBodies(bodies)) {
    const sealed = sealOne(keys, cluster, at, part)
    segments.push(sealed)
    at = { incarnation: end.incarnation, sequence: sealed.last, hash: sealed.lastHash }
  }
  return segments
}

/**
 * Checks a segment against what is held of its log: cluster, chain, signature, body hashes, in the order
 * of cost. Overlap with held records is fine while the hashes agree; a held record under another hash is
 * a fork and is refused in words.
 */
export const checkSegment = (
  keys: SegmentKeys,
  cluster: ClusterId,
  held: HeldLog,
  input: { readonly bytes: Uint8Array; readonly segment: Segment },
): SegmentVerdict => {
  const { segment } = input
  if (segment.cluster !== cluster) return refused('OtherCluster', wrongCluster(segment))
  const last = segment.first + segment.entries.length - 1
  if (segment.first > held.sequence + 1) return { kind: 'gap', origin: segment.origin }
  const headers = chainOf(keys, segment)
  const lastHash = headers.at(-1)?.hash
  if (lastHash === undefined) return refused('MessageInvalid', `${segmentOf(segment)} is empty.`)
  // What is held and ends where the segment ends needs no second look: its chain covers all before it.
  const heldHash = last === held.sequence ? held.hash : held.hashAt(last)
  if (last <= held.sequence && heldHash === lastHash) return { kind: 'known' }
  if (!keys.verify(segment.origin, encodeSegmentSeal(segment, lastHash), segment.signature)) {
    return refused('MessageInvalid', `${segmentOf(segment)} was refused: its signature is wrong.`)
  }
  const joint = hashBefore(segment, headers, held.sequence)
  if (last <= held.sequence || joint !== held.hash) return refused('MessageInvalid', fork(segment))
  const records = readEntries(keys, segment, headers)
  if (!records.ok) return { kind: 'refused', error: records.error }
  const fresh = records.value.slice(held.sequence + 1 - segment.first)
  return { kind: 'fresh', segment: sealedOf(input.bytes, segment, { last, lastHash }, fresh) }
}

/** Decodes a segment that came over the wire. */
export const readSegment = (bytes: Uint8Array): Result<Segment, MusterError> => {
  if (bytes.length > limits.segmentBytes) {
    return err(
      musterError('FrameTooLarge', 'A ledger segment was refused: it is longer than allowed.', {
        detail: `${bytes.length} bytes`,
      }),
    )
  }
  try {
    return ok(decodeSegment(bytes))
  } catch (thrown) {
    return err(thrown instanceof MusterFailure ? thrown.error : unfit('segment', detailOf(thrown)))
  }
}

/**
 * Records of a segment that was checked when it was stored: hashes are checked again (a disk can rot),
 * the signature is not. `wanted` spares the reading of bodies nobody asked for.
 */
export const recordsOfStored = (
  keys: SegmentKeys,
  bytes: Uint8Array,
  wanted: (kind: string, sequence: number) => boolean,
): Result<readonly VerifiedRecord[], MusterError> => {
  const segment = readSegment(bytes)
  if (!segment.ok) return segment
  const headers = chainOf(keys, segment.value)
  return readEntries(keys, segment.value, headers, wanted)
}

// --- details -----------------------------------------------------------------------------------

interface ChainedHeader {
  readonly header: RecordHeader
  readonly hash: RecordHash
}

/** What a segment costs beside its bodies: names, signature, and per entry its kind and hashes. */
const entryBytes = 192

const splitBodies = (bodies: readonly EncodedBody[]): readonly (readonly EncodedBody[])[] => {
  const parts: EncodedBody[][] = []
  let part: EncodedBody[] = []
  let size = 0
  for (const body of bodies) {
    const more = body.bytes.length + entryBytes
    const isFull = part.length === limits.segmentRecords || size + more > limits.ownSegmentBytes
    if (part.length > 0 && isFull) {
      parts.push(part)
      part = []
      size = 0
    }
    part.push(body)
    size += more
  }
  if (part.length > 0) parts.push(part)
  return parts
}

const sealOne = (
  keys: SegmentKeys,
  cluster: ClusterId,
  end: LogEnd,
  bodies: readonly EncodedBody[],
): SealedSegment => {
  const draft = {
    cluster,
    origin: keys.self,
    incarnation: end.incarnation,
    first: end.sequence + 1,
    previous: end.hash,
    entries: bodies.map(({ bytes, body }) => ({
      kind: body.kind,
      bodyHash: keys.sha256(bytes),
      body: bytes,
    })),
  }
  const headers = chainOf(keys, draft)
  const lastHash = headers.at(-1)?.hash ?? asRecordHash('')
  const signature = keys.sign(encodeSegmentSeal(draft, lastHash))
  const segment: Segment = { ...draft, signature }
  const records = headers.map((chained, index) => brand(chained, bodies[index]?.body))
  const last = draft.first + bodies.length - 1
  return sealedOf(encodeSegment(segment), segment, { last, lastHash }, records)
}

const sealedOf = (
  bytes: Uint8Array,
  segment: Segment,
  end: { readonly last: number; readonly lastHash: RecordHash },
  records: readonly VerifiedRecord[],
): SealedSegment => ({
  origin: segment.origin,
  incarnation: segment.incarnation,
  first: segment.first,
  last: end.last,
  lastHash: end.lastHash,
  bytes,
  records,
})

const chainOf = (
  keys: SegmentKeys,
  segment: Omit<Segment, 'signature'>,
): readonly ChainedHeader[] => {
  let previous = segment.previous
  return segment.entries.map((entry, index) => {
    const header: RecordHeader = {
      origin: segment.origin,
      incarnation: segment.incarnation,
      sequence: segment.first + index,
      kind: entry.kind,
      bodyHash: entry.bodyHash,
      previous,
    }
    const hash = asRecordHash(keys.sha256(encodeHeader(header)))
    previous = hash
    return { header, hash }
  })
}

/** The hash that the segment gives the record `sequence`, which is the one before it or one inside. */
const hashBefore = (
  segment: Segment,
  headers: readonly ChainedHeader[],
  sequence: number,
): RecordHash | '' | undefined =>
  sequence < segment.first ? segment.previous : headers[sequence - segment.first]?.hash

const readEntries = (
  keys: SegmentKeys,
  segment: Segment,
  headers: readonly ChainedHeader[],
  wanted: (kind: string, sequence: number) => boolean = () => true,
): Result<readonly VerifiedRecord[], MusterError> => {
  const records: VerifiedRecord[] = []
  for (const [index, entry] of segment.entries.entries()) {
    const chained = headers[index]
    if (chained === undefined || !wanted(entry.kind, chained.header.sequence)) continue
    const problem = entryProblem(keys, segment.cluster, entry)
    if (problem !== '') {
      return err(musterError('MessageInvalid', `${segmentOf(segment)} was refused: ${problem}`))
    }
    records.push(brand(chained, readBody(entry)))
  }
  return ok(records)
}

const entryProblem = (keys: SegmentKeys, cluster: ClusterId, entry: SegmentEntry): string => {
  if (entry.kind === 'cluster-created' && entry.bodyHash !== (cluster as string)) {
    return 'it founds another cluster.'
  }
  if (entry.body === null) return ''
  if (entry.body.length > limits.recordBytes) return 'one of its records is longer than allowed.'
  return keys.sha256(entry.body) === entry.bodyHash
    ? ''
    : 'a record does not have the hash it names.'
}

/**
 * A known kind that does not fit its schema counts as unknown: a newer agent may have widened it, and a
 * refusal would end the log of that member here.
 */
const readBody = (entry: SegmentEntry): RecordBody | undefined => {
  if (entry.body === null) return undefined
  try {
    return decodeRecordBody(entry.kind, entry.body)
  } catch {
    return undefined
  }
}

/** The only place where a record is called verified. */
const brand = ({ header, hash }: ChainedHeader, body: RecordBody | undefined): VerifiedRecord =>
  ({ header, hash, body }) as VerifiedRecord

const refused = (code: MusterError['code'], message: string): SegmentVerdict => ({
  kind: 'refused',
  error: musterError(code, message),
})

const segmentOf = (segment: Segment): string =>
  `A ledger segment of ${segment.origin} (records ${segment.first} to ${segment.first + segment.entries.length - 1})`

const wrongCluster = (segment: Segment): string =>
  `${segmentOf(segment)} was refused: it belongs to another cluster.`

const fork = (segment: Segment): string =>
  `${segmentOf(segment)} was refused: it contradicts records of the same place that are held already, ` +
  'as after a home was copied; remove that machine from the cluster and let it join again.'

const unfit = (kind: string, detail: string): MusterError =>
  musterError('Internal', `A ${kind} record could not be written, which is a mistake in Muster.`, {
    detail,
  })

const detailOf = (thrown: unknown): string =>
  thrown instanceof MusterFailure
    ? `${thrown.error.message} ${thrown.error.detail ?? ''}`
    : thrownToText(thrown)
