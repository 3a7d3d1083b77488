import type { AttemptReport, Lease, ReturnReason } from '#protocol/model/attempt.ts'
import type { ItemIndex, JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { MiniBatchRun } from '#protocol/model/plan.ts'
import type { Charge } from '#protocol/model/record.ts'
import type { LeaseToken, Term } from '#protocol/model/term.ts'

/** Every event names itself, what caused it, and when it happened; the machine has no clock. */
export interface Envelope {
  readonly id: number
  readonly causeId: number
  readonly now: Millis
}

/** What the head's machine is told. Past tense: it happened, the machine only decides what follows. */
export type SchedulerFact =
  /** This agent became head; the record is durable. Leases of older terms may still be offered. */
  | { readonly kind: 'termTaken'; readonly term: Term }
  /** Another agent holds a newer term: grant nothing from here on. */
  | { readonly kind: 'termLost'; readonly term: Term }
  | { readonly kind: 'jobSubmitted'; readonly job: Job }
  | {
      readonly kind: 'planChunkAdded'
      readonly job: JobId
      readonly chunk: number
      readonly firstItem: ItemIndex
      readonly firstMiniBatch: MiniBatchIndex
      readonly runs: readonly MiniBatchRun[]
      readonly last: boolean
    }
  | { readonly kind: 'planFailed'; readonly job: JobId; readonly message: string }
  /** Commits that stand in the ledger: at the start of a term, or merged in from another head. */
  | {
      readonly kind: 'commitsRestored'
      readonly job: JobId
      readonly commits: readonly {
        readonly miniBatch: MiniBatchIndex
        readonly attempt: number
        readonly succeeded: number
        readonly failed: number
      }[]
    }
  | { readonly kind: 'chargesRestored'; readonly job: JobId; readonly charges: readonly Charge[] }
  /** Mini-batches that the ledger says were halved. */
  | {
      readonly kind: 'halvingsRestored'
      readonly job: JobId
      readonly parents: readonly MiniBatchIndex[]
    }
  | { readonly kind: 'cancelRequested'; readonly job: JobId }
  /** A word on whether a job is paused; of several the one with the highest clock holds. */
  | {
      readonly kind: 'pauseChanged'
      readonly job: JobId
      readonly paused: boolean
      readonly clock: number
      readonly by: PeerId
    }
  /** All pools there are, each with the machines that fit its filter. */
  | {
      readonly kind: 'poolsChanged'
      readonly pools: readonly {
        readonly name: string
        readonly minPeers: number
        readonly maxPeers: number | null
        readonly members: readonly PeerId[]
      }[]
    }
  /** The job is closed or sealed in the ledger. */
  | { readonly kind: 'jobEnded'; readonly job: JobId }
  /** A member is seen alive; its data can be reached. */
  | { readonly kind: 'peerAlive'; readonly peer: PeerId }
  /** Silent for a while: keeps its leases, gets no new ones. */
  | { readonly kind: 'peerSuspected'; readonly peer: PeerId }
  | { readonly kind: 'peerLost'; readonly peer: PeerId }
  /** What a worker does for a job before it can run anything of it; empty: nothing any more. */
  | {
      readonly kind: 'jobNoted'
      readonly peer: PeerId
      readonly job: JobId
      readonly message: string
    }
  | {
      readonly kind: 'workerGreeted'
      readonly peer: PeerId
      readonly slots: number
      readonly held: readonly Lease[]
      readonly reports: readonly AttemptReport[]
    }
  | { readonly kind: 'slotsChanged'; readonly peer: PeerId; readonly slots: number }
  | {
      readonly kind: 'leasesStarted'
      readonly peer: PeerId
      readonly tokens: readonly LeaseToken[]
    }
  | {
      readonly kind: 'attemptsFinished'
      readonly peer: PeerId
      readonly reports: readonly AttemptReport[]
    }
  | {
      readonly kind: 'leasesReturned'
      readonly peer: PeerId
      readonly tokens: readonly LeaseToken[]
      readonly reason: ReturnReason
      readonly message: string
    }
  | {
      readonly kind: 'initFailed'
      readonly peer: PeerId
      readonly job: JobId
      readonly message: string
      readonly processes: number
    }
  | { readonly kind: 'tick' }

export type SchedulerEvent = SchedulerFact & Envelope
