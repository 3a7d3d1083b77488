import type { MusterError } from '#protocol/errors.ts'
import type { ClusterId, PeerId, RecordHash } from '#protocol/model/ids.ts'
import type { ClusterCreated, RecordBody, RecordKind } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import type { Result } from '#protocol/model/result.ts'

/** Records that became part of this agent's ledger, own or foreign, durable. */
export interface RecordsAdded {
  readonly records: readonly VerifiedRecord[]
  /** The encoded segment they came in, to be forwarded as it is. */
  readonly segment: Uint8Array
  readonly origin: PeerId
}

/** What became of a segment that another member sent. */
export type IngestOutcome =
  | { readonly kind: 'stored'; readonly added: RecordsAdded }
  /** All of it was here already. */
  | { readonly kind: 'known' }
  /** It does not follow on what is here: ask for what lies between. */
  | { readonly kind: 'gap'; readonly origin: PeerId }
  /** Signature, hash, chain or cluster is wrong, or it contradicts what is here. */
  | { readonly kind: 'refused'; readonly error: MusterError }

/**
 * The append-only signed log of this agent and the verified logs of others. Whatever `append` or
 * `ingest` resolved with is fsynced, and folded into the views in the same transaction.
 */
export interface Ledger extends AsyncDisposable {
  /** Null before a cluster was created or joined. */
  readonly cluster: () => ClusterId | null
  /** Founds a cluster: appends the genesis record; its hash is the cluster's id. */
  readonly found: (genesis: ClusterCreated) => Promise<Result<ClusterId, MusterError>>
  /** Takes the cluster a newcomer was admitted to. */
  readonly adopt: (cluster: ClusterId) => Promise<void>
  /**
   * Appends own records in one segment (or more, by the limits), in the order of the calls. Calls that
   * come while one is being written share the next segment: each gets its own records back, with the
   * whole segment's bytes. Listeners are told before it resolves. Fails with `DiskFull`, `StoreBroken`,
   * `NotInCluster`, `Aborted` (closing), or `Internal` for a body that others could not read; then
   * nothing of it is in the ledger.
   */
  readonly append: (
    bodies: readonly RecordBody[],
  ) => Promise<Result<readonly RecordsAdded[], MusterError>>
  /** Verifies and stores one encoded segment of another origin. Order-free and idempotent. */
  readonly ingest: (segment: Uint8Array) => Promise<IngestOutcome>
  /** What is held, of every origin. */
  readonly vector: () => VersionVector
  /** The last record held of an origin's newest incarnation: -1 and '' if there is none. */
  readonly lastOf: (origin: PeerId) => {
    readonly sequence: number
    readonly hash: RecordHash | ''
  }
  /** Encoded segments that `theirs` lacks, in order within each origin, at most about `bytes` of them. */
  readonly missingFrom: (theirs: VersionVector, bytes: number) => Promise<readonly Uint8Array[]>
  /** Replays stored records of the given kinds in order of storing. */
  readonly replay: (kinds: readonly RecordKind[]) => AsyncIterable<VerifiedRecord>
  /** Called after every append and ingest, in order of storing. */
  readonly onAdded: (listener: (added: RecordsAdded) => void) => Disposable
}
