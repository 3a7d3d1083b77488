import type { MusterError } from '../../errors.ts'
import type { ClusterId, PeerId, RecordHash } from '../../model/ids.ts'
import type { RecordBody } from '../../model/record.ts'
import type { Segment, VerifiedRecord } from '../../model/segment.ts'
import type { Result } from '../../model/result.ts'

/** The rules of the ledger for one key: the room `ledger` makes them, the store is given them and does not judge. */
export interface SegmentRules {
  /** A body as it will stand in the log; fails for one that others could not read. */
  readonly encode: (body: RecordBody) => Result<EncodedBody, MusterError>
  /** Chains and signs own bodies behind `end`. */
  readonly seal: (
    cluster: ClusterId,
    end: LogEnd,
    bodies: readonly EncodedBody[],
  ) => readonly SealedSegment[]
  readonly open: (bytes: Uint8Array) => Result<Segment, MusterError>
  readonly check: (
    cluster: ClusterId,
    held: HeldLog,
    input: { readonly bytes: Uint8Array; readonly segment: Segment },
  ) => SegmentVerdict
  /** The wanted records of a segment that is stored here. */
  readonly stored: (
    bytes: Uint8Array,
    wanted: (kind: string, sequence: number) => boolean,
  ) => Result<readonly VerifiedRecord[], MusterError>
  /** 64 lower-case hex digits. */
  readonly sha256: (bytes: Uint8Array) => string
}

/** The end of a log: its last record, or sequence -1 and '' while it has none. */
export interface LogEnd {
  readonly incarnation: number
  readonly sequence: number
  readonly hash: RecordHash | ''
}

/** What is held of the log that a segment belongs to. */
export interface HeldLog extends LogEnd {
  /** Hash of a held record; asked only for the last record of a segment that ends before `sequence`. */
  readonly hashAt: (sequence: number) => RecordHash | undefined
}

/** A body as it will stand in the log: its bytes, and what everybody will read from them. */
export interface EncodedBody {
  readonly bytes: Uint8Array
  readonly body: RecordBody
}

/** A segment with its records, ready to be stored and sent. */
export interface SealedSegment {
  readonly origin: PeerId
  readonly incarnation: number
  readonly first: number
  /** Sequence and hash of the last record. */
  readonly last: number
  readonly lastHash: RecordHash
  readonly bytes: Uint8Array
  readonly records: readonly VerifiedRecord[]
}

/** What a segment turned out to be. `segment.records` of a fresh one leaves out what was held already. */
export type SegmentVerdict =
  | { readonly kind: 'fresh'; readonly segment: SealedSegment }
  | { readonly kind: 'known' }
  | { readonly kind: 'gap'; readonly origin: PeerId }
  | { readonly kind: 'refused'; readonly error: MusterError }
