import type { MusterError } from '#protocol/errors.ts'
import type { ProcessedMiniBatch } from '#protocol/model/attempt-log.ts'
import type {
  CountedCommit,
  JobFold,
  PipelineFold,
  ScheduleFold,
  SealFacts,
} from '#protocol/model/fold.ts'
import type {
  BlobHash,
  ItemIndex,
  JobId,
  MiniBatchIndex,
  PeerId,
  PipelineId,
} from '#protocol/model/ids.ts'
import type { Model } from '#protocol/model/model.ts'
import type { PoolRule } from '#protocol/model/pool.ts'
import type { Charge, PlanChunkWritten } from '#protocol/model/record.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import type { Result } from '#protocol/model/result.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'

export type { CountedCommit, JobFold, SealFacts }

/**
 * Tables folded from records, and the rows. Every rule is order-free: the views of two agents with the
 * same records are equal, whatever the order of arrival. Until a job is sealed the commit with the lowest
 * (term, sequence) of a mini-batch counts; then the lowest of those the keeper had read. All of it rejects
 * with MusterFailure when the disk or the file fails. Rules: docs/ledger.md.
 */
export interface Views {
  /** Newest first. */
  readonly jobs: (limit: number) => Promise<readonly JobFold[]>
  readonly job: (job: JobId) => Promise<JobFold | undefined>
  /** Ids that start with `prefix`, at most 2. */
  readonly findJobs: (prefix: string) => Promise<readonly JobId[]>
  /** Jobs without a seal. */
  readonly openJobs: () => Promise<readonly JobFold[]>
  readonly planChunks: (job: JobId) => Promise<readonly PlanChunkWritten[]>
  /** Counted commits of a job in mini-batch order. */
  readonly commits: (job: JobId) => Promise<readonly CountedCommit[]>
  /** Counted commits of the mini-batches `from` up to `to`, as runs of one peer in their order. */
  readonly commitRuns: (job: JobId, from: number, to: number) => Promise<readonly CommitRun[]>
  readonly charges: (job: JobId) => Promise<readonly Charge[]>
  /** Mini-batches that run in halves, ascending; those whose whole counts after all are left out. */
  readonly halved: (job: JobId) => Promise<readonly MiniBatchIndex[]>
  /** Committed mini-batches, items and run time of each peer. */
  readonly shares: (job: JobId) => Promise<readonly PeerShare[]>
  /** Counted commits whose rows are not in this store, grouped by chunk. */
  readonly missingRows: (job: JobId) => Promise<readonly MissingChunk[]>
  /**
   * Unpacks a result chunk and inserts the rows of counted commits. An error is about the chunk itself:
   * it cannot be read. Entries that do not count are left out, and so are rows of items
   * outside their mini-batch. When a commit stops counting its rows go, and `missingRows` names those of
   * the one that counts instead. Idempotent; durable when it resolves.
   */
  readonly keepRows: (rows: RowsToKeep) => Promise<Result<void, MusterError>>
  /**
   * Packs of counted commits whose rows are here, at most `limit`, in the order in which they came, those
   * that came after the one with the id `after`.
   */
  readonly packs: (job: JobId, after: number, limit: number) => Promise<readonly KeptPack[]>
  /** Counted commits and charges by mini-batch and attempt. */
  readonly attempts: (query: AttemptQuery) => Promise<AttemptPage>
  readonly rows: (query: RowQuery) => Promise<RowPage>
  /** About how many bytes the rows of each job take here, newest job first; jobs without rows are left out. */
  readonly rowSizes: () => Promise<readonly { readonly job: JobId; readonly bytes: number }[]>
  /** Drops the rows of a job here; they count as missing from then on. */
  readonly dropRows: (job: JobId) => Promise<void>
  /** Forgotten jobs of which something is left on this machine beside this store. */
  readonly toRemove: () => Promise<readonly JobRemains[]>
  /** All of it is gone. */
  readonly removed: (job: JobId) => Promise<void>
  /** Those of the blobs that no job which is not forgotten, and no model, names. */
  readonly unnamed: (blobs: readonly BlobHash[]) => Promise<readonly BlobHash[]>
  /** SHA-256 over the map mini-batch -> (chunk, position) of the counted commits, hex, and their sums. */
  readonly sealFacts: (job: JobId) => Promise<SealFacts>
  readonly failureGroups: (job: JobId, limit: number) => Promise<readonly FailureGroup[]>
  /** Newest version first. */
  readonly models: () => Promise<readonly Model[]>
  readonly model: (name: string, version?: number) => Promise<Model | undefined>
  /** The version of each that counts, by name, without the default one. */
  readonly datastores: () => Promise<readonly Datastore[]>
  /** By name, newest version first. */
  readonly datasets: () => Promise<readonly Dataset[]>
  readonly dataset: (name: string, version?: number) => Promise<Dataset | undefined>
  /** The highest version that a name was ever given, also if it was removed; 0 if none. */
  readonly highestVersion: (kind: 'datastore' | 'dataset', name: string) => Promise<number>
  /** By name; removed ones are left out. */
  readonly pools: () => Promise<readonly PoolRule[]>
  /** Highest `clock` of a pool's records, also of a removed one; 0: there never was one of that name. */
  readonly poolClock: (name: string) => Promise<number>
  /** Newest first. */
  readonly pipelines: (query: PipelineQuery) => Promise<readonly PipelineFold[]>
  readonly pipeline: (pipeline: PipelineId) => Promise<PipelineFold | undefined>
  /** Ids that start with `prefix`, at most 2. */
  readonly findPipelines: (prefix: string) => Promise<readonly PipelineId[]>
  /** Jobs whose rows are computed from the same things, newest first, at most 16. */
  readonly jobsWithKey: (key: string) => Promise<readonly JobId[]>
  /** Jobs that have rows of this one too, since one took them over from the other, directly or through others. */
  readonly sharedRows: (job: JobId) => Promise<readonly NamedJob[]>
  /** Jobs of this step in runs of this name, newest first, at most 16. */
  readonly jobsOfStep: (run: string, step: string) => Promise<readonly JobId[]>
  /** Schedules that were not removed, by name. */
  readonly schedules: () => Promise<readonly ScheduleFold[]>
  /**
   * Rows of the items from `first` up to but without `last`, in plan order; failed items have none. A
   * page of whole mini-batches, as few as fill it: the rest is asked for with its `next`.
   */
  readonly rowsOfItems: (job: JobId, first: ItemIndex, last: ItemIndex) => Promise<TakenPage>
  /** Hashes of what was read for the mini-batches `from` up to but without `to`, where they are known here. */
  readonly contents: (
    job: JobId,
    from: MiniBatchIndex,
    to: MiniBatchIndex,
  ) => Promise<readonly MiniBatchContents[]>
  /** Small values of this agent alone: ports, remembered addresses, ... JSON. */
  readonly setting: (name: string) => Promise<unknown>
  readonly setSetting: (name: string, value: unknown) => Promise<void>
  /** Drops all folded tables and folds the ledger again; equal hash before and after is the promise. */
  readonly rebuild: () => Promise<void>
  /** SHA-256 of an ordered dump of the folded tables, hex. */
  readonly digest: () => Promise<string>
}

/** A job and its name. */
export interface NamedJob {
  readonly id: JobId
  readonly name: string
}

/** What a forgotten job left: blobs that its records named, as plan or as rows. */
export interface JobRemains {
  readonly job: JobId
  readonly blobs: readonly BlobHash[]
}

/** Which pipeline runs are wanted: at most `limit`, the newest first. */
export interface PipelineQuery {
  readonly limit: number
  /** Only runs of this experiment. */
  readonly experiment?: string
  /** Only runs that have not ended. */
  readonly only?: 'open'
}

/** Mini-batches `from` up to `to` that one peer committed. */
export interface CommitRun {
  readonly from: MiniBatchIndex
  readonly to: MiniBatchIndex
  readonly peer: PeerId
}

/** What of a job was committed from one peer. */
export interface PeerShare {
  readonly peer: PeerId
  readonly miniBatches: number
  readonly items: number
}

/** A result chunk with entries that count and are not here: their positions, and who made it. */
export interface MissingChunk {
  readonly chunk: BlobHash
  readonly peer: PeerId
  readonly positions: readonly number[]
}

/** Some of the rows of one result chunk. */
export interface RowsToKeep {
  readonly chunk: BlobHash
  readonly job: JobId
  /** Who made the chunk, as its commits say. */
  readonly peer: PeerId
  readonly positions: readonly number[]
  /** The chunk's compressed bytes. They go to the store's thread as they are. */
  readonly packed: Uint8Array
}

/** A blob with the files of one attempt that counts. */
export interface KeptPack {
  /** Grows with every arrival. */
  readonly id: number
  readonly pack: BlobHash
  /** Who made it. */
  readonly peer: PeerId
}

/** Which processed mini-batches of a job are wanted: at most `limit`, in order. */
export interface AttemptQuery {
  readonly job: JobId
  /** Attempts after this key: see `AttemptPage.next`. */
  readonly after?: string
  readonly limit: number
}

/** Some processed mini-batches; `next` is the key behind them, null at the end. */
export interface AttemptPage {
  readonly attempts: readonly ProcessedMiniBatch[]
  readonly next: string | null
}

/** Which rows and failed items of a job are wanted: at most `limit`, in plan order. */
export interface RowQuery {
  readonly job: JobId
  /** Rows after this key: see `RowPage.next`. */
  readonly after?: string
  /** Rows to skip, instead of `after`. */
  readonly offset?: number
  readonly limit: number
  readonly search?: string
  /** Only rows whose field (of an object) or whole value (`field` empty) is this text or number. */
  readonly where?: { readonly field: string; readonly equals: string }
  readonly only?: 'rows' | 'failures'
}

/** Some rows; `total` counts all that fit the query, `next` is the key behind these, null at the end. */
export interface RowPage {
  readonly rows: readonly StoredRow[]
  readonly total: number
  readonly next: string | null
}

/** A row, or a failed item. */
export interface StoredRow {
  readonly item: ItemIndex
  readonly name: string
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  /** JSON text; null for a failed item. */
  readonly value: string | null
  readonly failure: string
}

/** All rows of some neighbouring mini-batches. */
export interface TakenPage {
  /** In plan order; those without rows are left out. */
  readonly miniBatches: readonly TakenRows[]
  /** The first item that was not looked at; behind the last that was asked for if there is none. */
  readonly next: ItemIndex
}

/** Rows of one mini-batch that another job may take over, in columns as an attempt's. */
export type TakenRows = Pick<AttemptRows, 'miniBatch' | 'items' | 'names' | 'lines'>

/** What was in a mini-batch's items when they were read: see `protocol/model/content.ts`. */
export interface MiniBatchContents {
  readonly miniBatch: MiniBatchIndex
  readonly contents: Uint8Array
}

/** Failures of one cause: their sentences are the same but for names of items, paths and numbers. */
export interface FailureGroup {
  /** That of the first. */
  readonly message: string
  /** The longest part that the sentences of all of them have. */
  readonly common: string
  readonly cause: string
  readonly count: number
  readonly first: {
    readonly item: string
    readonly miniBatch: MiniBatchIndex
    readonly attempt: number
    readonly peer: PeerId
  }
}
