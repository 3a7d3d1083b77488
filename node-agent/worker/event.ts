import type { Lease } from '#protocol/model/attempt.ts'
import type { BlobHash, JobId, Millis } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { LeaseToken, Term } from '#protocol/model/term.ts'

/** Every event names itself, what caused it, and when it happened; the machine has no clock. */
export interface Envelope {
  readonly id: number
  readonly causeId: number
  readonly now: Millis
}

/** Number the machine gives a worker process when it asks for one; never used twice. */
export type ProcessNumber = number

/** What the worker's machine is told. */
export type WorkerFact =
  /** A head is reachable: greet it. `term` is the newest known. */
  | { readonly kind: 'headFound'; readonly term: Term }
  /** No connection to the head. Held leases go on; results wait. */
  | { readonly kind: 'headLost' }
  | { readonly kind: 'welcomed'; readonly term: Term }
  | { readonly kind: 'leasesGranted'; readonly term: Term; readonly leases: readonly Lease[] }
  | {
      readonly kind: 'leasesRevoked'
      readonly tokens: readonly LeaseToken[]
      readonly reason: string
    }
  | { readonly kind: 'reportsSettled'; readonly tokens: readonly LeaseToken[] }
  /** The job's record is here and its signature, role and submitter were checked. */
  | {
      readonly kind: 'jobKnown'
      readonly job: Job
      /** Processes at once that this machine's memory had room for when jobs of its kind ran; left out: unknown. */
      readonly memoryFits?: number
    }
  /** The record is here but must not be run by this agent. */
  | { readonly kind: 'jobRefused'; readonly job: JobId; readonly message: string }
  /** Canceled, closed or sealed: stop all that concerns it. */
  | { readonly kind: 'jobEnded'; readonly job: JobId }
  | { readonly kind: 'inputArrived'; readonly token: LeaseToken; readonly bytes: number }
  | { readonly kind: 'inputFailed'; readonly token: LeaseToken; readonly message: string }
  /** A sentence on how far the job's inputs are here, as a whole. */
  | { readonly kind: 'inputsProgressed'; readonly job: JobId; readonly message: string }
  /** What the job wants to have here as a whole is here. */
  | { readonly kind: 'inputsGathered'; readonly job: JobId }
  /** `lasting`: the machine itself stands against it, by its disk or its owner's settings. */
  | {
      readonly kind: 'inputsNotGathered'
      readonly job: JobId
      readonly lasting: boolean
      readonly message: string
    }
  /** `index`: its number among those of its job here, from 0, as its logs have it. */
  | {
      readonly kind: 'processStarted'
      readonly process: ProcessNumber
      readonly index: number
    }
  /** `reach`: the model's bytes could not be fetched; `init`: they could not be loaded. */
  | {
      readonly kind: 'processFailed'
      readonly process: ProcessNumber
      readonly why: 'reach' | 'init'
      readonly message: string
    }
  | {
      readonly kind: 'processExited'
      readonly process: ProcessNumber
      readonly how: 'stopped' | 'killed' | 'crashed' | 'out-of-memory'
      readonly message: string
    }
  | {
      readonly kind: 'attemptRan'
      readonly process: ProcessNumber
      readonly token: LeaseToken
      readonly outcome:
        | {
            readonly kind: 'succeeded'
            readonly succeeded: number
            readonly failed: number
            readonly rows: number
            /** Size of the rows' text. */
            readonly bytes: number
            readonly runMs: number
          }
        | { readonly kind: 'threw'; readonly message: string }
    }
  /**
   * A `run()` of several mini-batches gave nothing that could be told apart. `threw`: it failed; `unsure`: it is not
   * known which row belongs to which of them.
   */
  | {
      readonly kind: 'joinedFellApart'
      readonly process: ProcessNumber
      readonly tokens: readonly LeaseToken[]
      readonly why: 'threw' | 'unsure'
    }
  /** The rows of `tokens` are durable: token i is entry i of the chunk. */
  | {
      readonly kind: 'chunkPacked'
      readonly job: JobId
      readonly chunk: BlobHash
      readonly tokens: readonly LeaseToken[]
    }
  | {
      readonly kind: 'chunkFailed'
      readonly job: JobId
      readonly tokens: readonly LeaseToken[]
      readonly message: string
    }
  | { readonly kind: 'slotsChanged'; readonly slots: number; readonly reason: string }
  /** The agent stops: take nothing new, give back what has not started. */
  | { readonly kind: 'drainRequested' }
  | { readonly kind: 'tick' }

export type WorkerEvent = WorkerFact & Envelope
