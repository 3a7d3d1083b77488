import type { Lease } from '#protocol/model/attempt.ts'
import type { Halving } from '#protocol/model/half.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Charge, CommitGroup, JobOutcome } from '#protocol/model/record.ts'
import type { LeaseToken } from '#protocol/model/term.ts'

/** Reports that may be acknowledged once the record named beside them is durable. */
export interface Settlement {
  readonly peer: PeerId
  readonly tokens: readonly LeaseToken[]
}

/** What the head's machine wants done. Imperative; carried out in order. */
export type SchedulerEffect =
  | { readonly kind: 'welcomeWorker'; readonly peer: PeerId }
  | { readonly kind: 'grantLeases'; readonly peer: PeerId; readonly leases: readonly Lease[] }
  | {
      readonly kind: 'revokeLeases'
      readonly peer: PeerId
      readonly tokens: readonly LeaseToken[]
      readonly reason: string
    }
  /** Append a `committed` record, then settle. */
  | {
      readonly kind: 'recordCommits'
      readonly job: JobId
      readonly groups: readonly CommitGroup[]
      readonly settlements: readonly Settlement[]
    }
  /** Append a `charged` record, and a `mini-batches-halved` one if there are any; then settle. */
  | {
      readonly kind: 'recordCharges'
      readonly job: JobId
      readonly charges: readonly Charge[]
      readonly halvings: readonly Halving[]
      readonly settlements: readonly Settlement[]
    }
  /** Reports that came too late or twice: nothing to record. */
  | { readonly kind: 'settleReports'; readonly settlement: Settlement }
  /** Append a `job-closed` record. */
  | {
      readonly kind: 'closeJob'
      readonly job: JobId
      readonly outcome: JobOutcome
      readonly reason: string
    }
