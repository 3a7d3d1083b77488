import type { BlobHash, ItemIndex, JobId, Millis, MiniBatchIndex } from './ids.ts'
import type { LeaseToken } from './term.ts'

/** Why an attempt was charged. `not-loaded`: its items took longer to come than the job allows. */
export const chargeCauses = ['threw', 'timed-out', 'process-died', 'not-loaded'] as const
/** Why an attempt was charged. */
export type ChargeCause = (typeof chargeCauses)[number]

/** Why a lease came back without cost. */
export type ReturnReason =
  | 'owner'
  | 'draining'
  | 'unknown-job'
  | 'input-unreachable'
  | 'model-unreachable'
  /** The job's inputs cannot be had here in the way it asks for; that changes seldom. */
  | 'out-of-reach'
  | 'init-failed'
  | 'revoked'
  | 'process-replaced'

/** A lease as the worker gets it. */
export interface Lease {
  readonly token: LeaseToken
  readonly job: JobId
  readonly miniBatch: MiniBatchIndex
  /** Number of this grant of the mini-batch, from 1. */
  readonly attempt: number
  readonly firstItem: ItemIndex
  readonly items: number
}

/** Where the rows of one attempt are: entry `position` of result chunk `chunk`. */
export interface ResultLocation {
  readonly chunk: BlobHash
  readonly position: number
}

/** An attempt that ran to its end. Rows are in the chunk, never in messages to the head. */
export interface AttemptSucceeded extends ResultLocation {
  readonly kind: 'succeeded'
  /** Items for which `run` returned an element. */
  readonly succeeded: number
  readonly failed: number
  /** Rows returned; more rows than items is allowed. */
  readonly rows: number
  /** Time in `run`, milliseconds. */
  readonly runMs: number
}

/** An attempt that is charged. */
export interface AttemptFailed {
  readonly kind: 'failed'
  readonly cause: ChargeCause
  /** One sentence. */
  readonly message: string
  /** Left out where it never began to run. */
  readonly ran?: AttemptRun
}

/** When and where an attempt ran, in whole numbers. */
export interface AttemptRun {
  /** By the clock of its machine. */
  readonly startedAt: Millis
  /** Time in `run`, milliseconds. */
  readonly runMs: number
  /** Number of the process among those of its job on its machine, from 0. */
  readonly process: number
}

/** How an attempt ended that was not given back. */
export type AttemptOutcome = AttemptSucceeded | AttemptFailed

/** What a worker reports of one lease. */
export interface AttemptReport {
  readonly token: LeaseToken
  readonly job: JobId
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly outcome: AttemptOutcome
}
