import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId, PeerId, RecordHash } from '#protocol/model/ids.ts'
import type { RecordBody, Segment, VerifiedRecord } from '#protocol/model/record.ts'
import type { Result } from '#protocol/model/result.ts'

/**
 * The rules of the ledger, given from outside: this room stores and asks, it does not judge. The shapes
 * are those of the room `ledger`.
 */
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
    held: LogEnd & { readonly hashAt: (sequence: number) => RecordHash | undefined },
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

export interface EncodedBody {
  readonly bytes: Uint8Array
  readonly body: RecordBody
}

/** The last record of a log; sequence -1 and '' while it has none. */
export interface LogEnd {
  readonly incarnation: number
  readonly sequence: number
  readonly hash: RecordHash | ''
}

export interface SealedSegment {
  readonly origin: PeerId
  readonly incarnation: number
  readonly first: number
  readonly last: number
  readonly lastHash: RecordHash
  readonly bytes: Uint8Array
  readonly records: readonly VerifiedRecord[]
}

export type SegmentVerdict =
  | { readonly kind: 'fresh'; readonly segment: SealedSegment }
  | { readonly kind: 'known' }
  | { readonly kind: 'gap'; readonly origin: PeerId }
  | { readonly kind: 'refused'; readonly error: MusterError }
