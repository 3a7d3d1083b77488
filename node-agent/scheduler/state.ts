import type { Lease } from '#protocol/model/attempt.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { Charge, JobOutcome } from '#protocol/model/record.ts'
import type { Term } from '#protocol/model/term.ts'
import { createTokenMap, type TokenMap } from '#protocol/model/token-map.ts'
import { createColumns, type Columns } from './columns.ts'
import type { SchedulerFact } from './event.ts'
import { createStoryLog, type StoryLog } from './story-log.ts'

/**
 * The head's machine. `transition` changes it in place; nobody else writes. Jobs and ledger facts are
 * folded whether or not this agent is head; leases exist only in its own term.
 */
export interface SchedulerState {
  readonly self: PeerId
  /** Largest `now` of all events: durations never run backwards. */
  now: Millis
  /** Time of the last tick; null before the first. */
  tickedAt: Millis | null
  /** The term this agent reigns in; null while it is not the head. */
  term: Term | null
  /** The newest term heard of. */
  newestTerm: Term | null
  termTakenAt: Millis
  nextLeaseId: number
  /** In the order their first fact arrived. */
  readonly jobs: Map<JobId, JobEntry>
  /** Jobs that may be granted from, oldest first. */
  readonly open: JobEntry[]
  readonly peers: Map<PeerId, PeerEntry>
  readonly pools: Map<string, PoolEntry>
  readonly leases: TokenMap<LiveLease>
  /** Slots of all workers that may be granted to. */
  slots: number
  readonly counters: SchedulerCounters
  readonly stories: StoryLog
}

/** A lease this head believes in. */
export interface LiveLease extends Lease {
  readonly peer: PeerId
  readonly grantedAt: Millis
  /** True if another attempt was already running when it was granted. */
  readonly copy: boolean
  startedAt: Millis | null
}

export type PlanChunkFact = Extract<SchedulerFact, { kind: 'planChunkAdded' }>
export type RestoredCommit = Extract<SchedulerFact, { kind: 'commitsRestored' }>['commits'][number]

/** A job, or what is known of it before its own record arrives (`job` is null then). */
export interface JobEntry {
  readonly id: JobId
  job: Job | null
  columns: Columns
  readonly halves: HalfColumns
  /** Plan chunks are taken in order; later ones wait in `earlyChunks`. */
  nextChunk: number
  readonly earlyChunks: Map<number, PlanChunkFact>
  readonly earlyCommits: Map<MiniBatchIndex, RestoredCommit>
  earlyCharges: Charge[]
  /** Halved mini-batches that the plan known so far does not have. */
  earlyHalvings: MiniBatchIndex[]
  planComplete: boolean
  planFailure: string | null
  /** Mini-batches and items by state, indexed by `cell`. */
  readonly miniBatchesIn: number[]
  readonly itemsIn: number[]
  /** Next mini-batch of the plan that was never queued. */
  cursor: number
  /** Mini-batches that came back, first in first out from `requeuedHead`. */
  requeued: MiniBatchIndex[]
  requeuedHead: number
  readonly liveByMiniBatch: Map<MiniBatchIndex, LiveLease[]>
  live: number
  readonly peersUsed: Set<PeerId>
  /** Failed items inside committed mini-batches; by mini-batch only where there are any. */
  readonly failedItemsOf: Map<MiniBatchIndex, number>
  failedItems: number
  /** Charges already counted: they may be told twice. */
  readonly chargeKeys: Set<string>
  firstFailure: string
  firstInitFailure: string
  cancelRequested: boolean
  /** The last word on whether it is paused; null before the first. */
  pause: PauseWord | null
  /** Set once the head said its last word, or the ledger holds one. */
  closed: JobOutcome | 'ended' | null
  closeReason: string
  /** True once the columns of an ended job were given up. */
  forgotten: boolean
  /** True once the ledger told of commits or charges: its leases may live on other machines. */
  begun: boolean
  /** Time in this term in which its input could be listed, while no mini-batch of it is known. */
  listingMs: Millis
  /** Time in this term since machines at work on it ended an attempt; 0 while none is at work. */
  stalledMs: Millis
  copies: number
  duplicates: number
  /** Leases of this term whose holder was lost, or came back without them. */
  leasesLost: number
  /** Ring of milliseconds per item of recent runs. */
  readonly speeds: number[]
  speedsSeen: number
}

/** Halves as columns, and the place of each in them, in the order they came up. */
export interface HalfColumns {
  columns: Columns
  readonly places: Map<MiniBatchIndex, number>
}

/** Of two words the one with the higher clock holds, then the one of the higher PeerId. */
export interface PauseWord {
  readonly paused: boolean
  readonly clock: number
  readonly by: PeerId
}

/** A pool as far as the schedule needs it. */
export interface PoolEntry {
  readonly name: string
  readonly minPeers: number
  readonly maxPeers: number | null
  /** Machines that fit its filter. */
  readonly members: ReadonlySet<PeerId>
  /** Of these, how many could work now; kept by `countSlots`. */
  working: number
  /** Those that its jobs may use now: all that could work, or the first `maxPeers` by PeerId. */
  allowed: ReadonlySet<PeerId>
}

export type Liveness = 'unseen' | 'alive' | 'suspect' | 'lost'

export interface PeerEntry {
  readonly peer: PeerId
  liveness: Liveness
  /** Greeted in this term, and not lost since. */
  greeted: boolean
  slots: number
  readonly leases: Set<LiveLease>
  readonly jobs: Map<JobId, PeerJob>
  failuresInRow: number
  /** Length of the next time aside. */
  setAsideMs: Millis
  setAsideUntil: Millis
}

export type BackoffReason =
  'input-unreachable' | 'model-unreachable' | 'unknown-job' | 'out-of-reach'

/** One job on one peer. */
export interface PeerJob {
  live: number
  /** Of `live`, those not started. */
  ahead: number
  /** Measured time of one `run`, smoothed; null before the first. */
  runMs: Millis | null
  initFailures: number
  /** The last error of a start. */
  initMessage: string
  /** First error, once the peer is set aside for this job. */
  setAsideBy: string | null
  backoffUntil: Millis
  backoffReason: BackoffReason
  /** The peer's own words for it. */
  backoffMessage: string
  /** What it does for the job before it can run anything of it; empty: nothing. */
  note: string
}

export interface SchedulerCounters {
  grants: number
  commits: number
  /** Successes that came when another attempt already counted. */
  duplicates: number
  /** Reports of leases this head did not know, or for jobs that are closed. */
  stale: number
  charges: number
  /** Leases that ended without cost, for whatever reason. */
  freed: number
  adopted: number
  copies: number
  takenBack: number
  halvings: number
}

/** An agent that is not head and knows nothing yet. */
export const createScheduler = (self: PeerId): SchedulerState => ({
  self,
  now: 0,
  tickedAt: null,
  term: null,
  newestTerm: null,
  termTakenAt: 0,
  nextLeaseId: 1,
  jobs: new Map(),
  open: [],
  peers: new Map(),
  pools: new Map(),
  leases: createTokenMap(),
  slots: 0,
  counters: {
    grants: 0,
    commits: 0,
    duplicates: 0,
    stale: 0,
    charges: 0,
    freed: 0,
    adopted: 0,
    copies: 0,
    takenBack: 0,
    halvings: 0,
  },
  stories: createStoryLog(),
})

export const createJobEntry = (id: JobId): JobEntry => ({
  id,
  job: null,
  columns: createColumns(),
  halves: { columns: createColumns(), places: new Map() },
  nextChunk: 0,
  earlyChunks: new Map(),
  earlyCommits: new Map(),
  earlyCharges: [],
  earlyHalvings: [],
  planComplete: false,
  planFailure: null,
  miniBatchesIn: [0, 0, 0, 0, 0, 0, 0],
  itemsIn: [0, 0, 0, 0, 0, 0, 0],
  cursor: 0,
  requeued: [],
  requeuedHead: 0,
  liveByMiniBatch: new Map(),
  live: 0,
  peersUsed: new Set(),
  failedItemsOf: new Map(),
  failedItems: 0,
  chargeKeys: new Set(),
  firstFailure: '',
  firstInitFailure: '',
  cancelRequested: false,
  pause: null,
  closed: null,
  closeReason: '',
  forgotten: false,
  begun: false,
  listingMs: 0,
  stalledMs: 0,
  copies: 0,
  duplicates: 0,
  leasesLost: 0,
  speeds: [],
  speedsSeen: 0,
})
