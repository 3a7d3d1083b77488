import type { AttemptReport, Lease, ReturnReason } from '../../model/attempt.ts'
import type { JobId, PeerId } from '../../model/ids.ts'
import type { LeaseToken, Term } from '../../model/term.ts'

/**
 * `/muster/lease/1.0.0`: between the head and a worker. Many leases or results a message; rows never
 * travel here. Messages are named by direction.
 */

/** First word of a worker in a term: what it can run and what it still holds. */
export interface WorkerHello {
  readonly kind: 'worker-hello'
  readonly slots: number
  /** Leases it holds, of this term or older ones; the head adopts those it can. */
  readonly held: readonly Lease[]
  /** Finished attempts without an acknowledgement. */
  readonly reports: readonly AttemptReport[]
}

/** These leases are no longer ahead: their mini-batches have begun to run. */
export interface LeasesStarted {
  readonly kind: 'leases-started'
  readonly tokens: readonly LeaseToken[]
}

/** Reports of attempts that ended. Those that are not settled come again in the next greeting. */
export interface AttemptsFinished {
  readonly kind: 'attempts-finished'
  readonly reports: readonly AttemptReport[]
}

/** Leases that the worker gives back, free of charge. */
export interface LeasesReturned {
  readonly kind: 'leases-returned'
  readonly tokens: readonly LeaseToken[]
  readonly reason: ReturnReason
  /** One sentence for people. */
  readonly message: string
}

/** A worker process of the job could not start there. */
export interface InitFailed {
  readonly kind: 'init-failed'
  readonly job: JobId
  readonly message: string
  /** Processes the peer uses for the job; the limit of failures is a multiple of it. */
  readonly processes: number
}

/** What a worker does for a job before it can run anything of it, for whoever asks why nothing runs there. */
export interface JobNoted {
  readonly kind: 'job-noted'
  readonly job: JobId
  /** One sentence; empty: nothing any more. */
  readonly message: string
}

/** How many slots the owner allows from now on, and why. */
export interface SlotsChanged {
  readonly kind: 'slots-changed'
  readonly slots: number
  readonly reason: string
}

/** What a worker tells the head. */
export type FromWorkerMessage =
  | WorkerHello
  | LeasesStarted
  | AttemptsFinished
  | LeasesReturned
  | InitFailed
  | JobNoted
  | SlotsChanged

/** Answer to a hello: the worker may now be granted leases in `term`. */
export interface HeadWelcome {
  readonly kind: 'head-welcome'
  readonly term: Term
}

/** Leases for the worker. */
export interface LeasesGranted {
  readonly kind: 'leases-granted'
  readonly term: Term
  readonly leases: readonly Lease[]
}

/** Leases that the head takes away. */
export interface LeasesRevoked {
  readonly kind: 'leases-revoked'
  readonly term: Term
  readonly tokens: readonly LeaseToken[]
  readonly reason: string
}

/**
 * The reports named are settled: recorded in `segments` (the head's signed segments, encoded, which
 * the worker keeps until the keeper has the rows), or dropped because another attempt counts.
 */
export interface ReportsSettled {
  readonly kind: 'reports-settled'
  readonly term: Term
  readonly tokens: readonly LeaseToken[]
  readonly segments: readonly Uint8Array[]
}

/** The speaker is not the head, or no longer; `head` is whom it believes in. */
export interface NotHead {
  readonly kind: 'not-head'
  readonly term: Term | null
  readonly head: PeerId | null
}

/** What the head tells a worker. */
export type ToWorkerMessage = HeadWelcome | LeasesGranted | LeasesRevoked | ReportsSettled | NotHead

/** All that travels by the lease protocol. */
export type LeaseMessage = FromWorkerMessage | ToWorkerMessage
