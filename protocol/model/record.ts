import type { AttemptRun, ChargeCause } from './attempt.ts'
import type { BlobHash, ItemIndex, JobId, MiniBatchIndex, Millis, PeerId } from './ids.ts'
import type { EndState, Job } from './job.ts'
import type { JobForgotten } from './forgotten.ts'
import type { Halving } from './half.ts'
import type { Capabilities, Role } from './member.ts'
import type { Model } from './model.ts'
import type {
  PipelineCancelRequested,
  PipelineEnded,
  PipelinePauseChanged,
  PipelineStepSkipped,
  PipelineSubmitted,
  SchedulePauseChanged,
  ScheduleRemoved,
  ScheduleSet,
} from './pipeline-records.ts'
import type { MiniBatchRun } from './plan.ts'
import type { Dataset, Datastore } from './registry.ts'
import type { PoolRemoved, PoolSet } from './pool.ts'
import type { Term } from './term.ts'
import type { VersionVector } from './log-position.ts'

/**
 * Record bodies: the closed list of what the ledger can say. Unknown kinds are stored and forwarded,
 * not folded, so a newer agent may add one. Fields are only ever added, never given another meaning.
 */

/** Genesis. Its body's SHA-256 is the cluster's id. */
export interface ClusterCreated {
  readonly kind: 'cluster-created'
  readonly name: string
  readonly creator: PeerId
  readonly creatorName: string
  readonly at: Millis
  /** 16 random bytes, hex: two clusters of the same name and second still differ. */
  readonly nonce: string
  /** Public key (32 bytes, hex) that belongs to the recovery code shown once at creation. */
  readonly recoveryKey: string
}

/**
 * `clock` of a membership record is one more than the highest its author knew: membership is folded in the
 * order (clock, origin, sequence), which is the same on every member whatever the order of arrival.
 */
export interface MemberAdded {
  readonly kind: 'member-added'
  readonly peer: PeerId
  readonly name: string
  readonly roles: readonly Role[]
  readonly clock: number
  readonly at: Millis
}

/** A member is cut off; what it wrote up to `lastSequence` goes on to count. */
export interface MemberRemoved {
  readonly kind: 'member-removed'
  readonly peer: PeerId
  /** Last record of the removed member that counts; -1 and '' if it never wrote one. */
  readonly lastSequence: number
  readonly lastHash: string
  readonly clock: number
  readonly at: Millis
}

/** From here on a member has these roles and no others. */
export interface RolesChanged {
  readonly kind: 'roles-changed'
  readonly peer: PeerId
  readonly roles: readonly Role[]
  readonly clock: number
  readonly at: Millis
}

/** Written and fsynced before the head uses the term. */
export interface TermTaken {
  readonly kind: 'term-taken'
  readonly term: Term
  readonly at: Millis
}

/** A member says what its machine is. */
export interface PeerDescribed {
  readonly kind: 'peer-described'
  readonly capabilities: Capabilities
  readonly at: Millis
}

/** A version of a model; its files are blobs. */
export interface ModelRegistered {
  readonly kind: 'model-registered'
  readonly model: Model
}

/** A version of a datastore; the highest one counts. */
export interface DatastoreRegistered {
  readonly kind: 'datastore-registered'
  readonly datastore: Datastore
}

/** From now on there is no datastore of this name up to this version. */
export interface DatastoreRemoved {
  readonly kind: 'datastore-removed'
  readonly name: string
  readonly version: number
  readonly at: Millis
}

/** A version of a dataset. */
export interface DatasetRegistered {
  readonly kind: 'dataset-registered'
  readonly dataset: Dataset
}

/** A job, in the words of its submitter. */
export interface JobSubmitted {
  readonly kind: 'job-submitted'
  readonly job: Job
}

/** A part of the plan is a blob; the head learns the mini-batches from `runs` alone. */
export interface PlanChunkWritten {
  readonly kind: 'plan-chunk-written'
  readonly job: JobId
  readonly chunk: number
  /** The item list, as a blob at the data's peer. */
  readonly blob: BlobHash
  readonly firstItem: ItemIndex
  readonly items: number
  readonly firstMiniBatch: MiniBatchIndex
  readonly miniBatches: number
  readonly runs: readonly MiniBatchRun[]
  readonly last: boolean
  /** Mini-batches of this chunk whose rows were taken over from an earlier job; undefined: none. */
  readonly taken?: TakenOver
  /** What became of reuse in the whole job, one sentence; on one chunk at most. */
  readonly reuse?: string
}

/** How many mini-batches came from which job. */
export interface TakenOver {
  readonly from: JobId
  readonly miniBatches: number
}

/** Planning failed after the job was submitted, for example because the folder vanished. */
export interface PlanFailed {
  readonly kind: 'plan-failed'
  readonly job: JobId
  readonly message: string
  readonly at: Millis
}

/**
 * Commits of one result chunk, in columns: entry i says that attempt `attempts[i]` of `miniBatches[i]`
 * counts, and that its rows are entry `positions[i]` of the chunk.
 */
export interface CommitGroup {
  readonly peer: PeerId
  readonly chunk: BlobHash
  readonly miniBatches: readonly MiniBatchIndex[]
  readonly attempts: readonly number[]
  readonly positions: readonly number[]
  readonly succeeded: readonly number[]
  readonly failed: readonly number[]
  readonly rows: readonly number[]
}

/** Many commits, one record. */
export interface Committed {
  readonly kind: 'committed'
  readonly job: JobId
  readonly term: Term
  readonly groups: readonly CommitGroup[]
  readonly at: Millis
}

/** An attempt that cost. */
export interface Charge {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  readonly cause: ChargeCause
  readonly message: string
  /** True on the charge that used up the last try: the mini-batch failed for good. */
  readonly final: boolean
  /** Left out where it never began to run, or its worker did not say. */
  readonly ran?: AttemptRun
}

/** Many charges, one record. */
export interface Charged {
  readonly kind: 'charged'
  readonly job: JobId
  readonly term: Term
  readonly charges: readonly Charge[]
  readonly at: Millis
}

/**
 * The head's word that these mini-batches run in halves from here on: it accepts no result of a parent any
 * more. Where heads disagree, a commit of the whole counts before those of its parts.
 */
export interface MiniBatchesHalved {
  readonly kind: 'mini-batches-halved'
  readonly job: JobId
  readonly term: Term
  readonly halvings: readonly Halving[]
  readonly at: Millis
}

/**
 * Somebody paused a job or let it go on. `clock` is one more than the highest its author knew of the job:
 * the last word by (clock, origin, sequence) holds.
 */
export interface JobPauseChanged {
  readonly kind: 'job-pause-changed'
  readonly job: JobId
  readonly paused: boolean
  readonly clock: number
  readonly at: Millis
}

/** Somebody wants a job canceled: what is open ends, what is committed stays. */
export interface JobCancelRequested {
  readonly kind: 'job-cancel-requested'
  readonly job: JobId
  readonly at: Millis
}

/** Why the head will grant nothing more of a job. */
export type JobOutcome = 'finished' | 'aborted' | 'canceled'

/** The head's last word on a job: all mini-batches are terminal. The keeper may write and seal. */
export interface JobClosed {
  readonly kind: 'job-closed'
  readonly job: JobId
  readonly term: Term
  readonly outcome: JobOutcome
  /** One sentence for people; empty when all went well. */
  readonly reason: string
  readonly at: Millis
}

/** Files of scripts as they stand on the keeper's machine. */
export interface CollectedFiles {
  /** Absolute folder that holds them and nothing else. */
  readonly folder: string
  readonly count: number
  readonly bytes: number
}

/** The keeper's final word. After it nothing of the job changes. */
export interface JobSealed {
  readonly kind: 'job-sealed'
  readonly job: JobId
  readonly state: EndState
  /** First cause in one sentence; empty when completed without failures. */
  readonly headline: string
  /** SHA-256 over the map mini-batch -> (chunk, position), hex. */
  readonly mapHash: string
  readonly miniBatches: number
  readonly rows: number
  readonly succeeded: number
  readonly failed: number
  /** Absolute path of the file with the rows, on the keeper; empty if none was written. */
  readonly output: string
  /** What scripts wrote to their output directories; left out if there was nothing. */
  readonly outputFiles?: CollectedFiles
  /**
   * How far the keeper had read the logs that speak of this job when it chose: a commit or charge behind
   * these positions (or of a log not named) never counts, so that every member finds the same choice from
   * the same records. Comes from `SealFacts`. Left out: the lowest commit counts, also later.
   */
  readonly upTo?: VersionVector
  readonly at: Millis
}

/** What a record can say. */
export type RecordBody =
  | ClusterCreated
  | MemberAdded
  | MemberRemoved
  | RolesChanged
  | TermTaken
  | PeerDescribed
  | ModelRegistered
  | DatastoreRegistered
  | DatastoreRemoved
  | DatasetRegistered
  | JobSubmitted
  | PlanChunkWritten
  | PlanFailed
  | Committed
  | Charged
  | MiniBatchesHalved
  | JobPauseChanged
  | PoolSet
  | PoolRemoved
  | JobCancelRequested
  | JobClosed
  | JobSealed
  | JobForgotten
  | PipelineSubmitted
  | PipelineStepSkipped
  | PipelineCancelRequested
  | PipelinePauseChanged
  | PipelineEnded
  | ScheduleSet
  | ScheduleRemoved
  | SchedulePauseChanged

/** The kinds that this version knows. */
export type RecordKind = RecordBody['kind']
