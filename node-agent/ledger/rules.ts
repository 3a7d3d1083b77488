import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId } from '#protocol/model/ids.ts'
import type { RecordBody, Segment, VerifiedRecord } from '#protocol/model/record.ts'
import type { Result } from '#protocol/model/result.ts'
import { checkSegment, encodeBody, readSegment, recordsOfStored, sealSegments } from './segment.ts'
import type {
  EncodedBody,
  HeldLog,
  LogEnd,
  SealedSegment,
  SegmentKeys,
  SegmentVerdict,
} from './segment.ts'

/** The rules of the ledger for one key, as the store is given them. */
export interface LedgerRules {
  readonly encode: (body: RecordBody) => Result<EncodedBody, MusterError>
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
  readonly stored: (
    bytes: Uint8Array,
    wanted: (kind: string, sequence: number) => boolean,
  ) => Result<readonly VerifiedRecord[], MusterError>
  /** 64 lower-case hex digits. */
  readonly sha256: (bytes: Uint8Array) => string
}

/** Binds the rules to the agent's key. */
export const createLedgerRules = (keys: SegmentKeys): LedgerRules => ({
  encode: encodeBody,
  seal: (cluster, end, bodies) => sealSegments(keys, cluster, end, bodies),
  open: readSegment,
  check: (cluster, held, input) => checkSegment(keys, cluster, held, input),
  stored: (bytes, wanted) => recordsOfStored(keys, bytes, wanted),
  sha256: keys.sha256,
})
