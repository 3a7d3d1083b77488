import type { AttemptReport, Lease } from '#protocol/model/attempt.ts'
import type { JobId, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { LeaseToken, Term } from '#protocol/model/term.ts'
import { createTokenMap, type TokenMap } from '#protocol/model/token-map.ts'
import type { ProcessNumber, WorkerFact } from './event.ts'
import { createFifo, type Fifo } from './fifo.ts'

/**
 * The worker's machine: which leases it holds, how far each is, and which worker processes run. Only
 * `transition` writes.
 */
export interface WorkerState {
  readonly self: PeerId
  /** Largest `now` of all events. */
  now: Millis
  /** The newest term heard of; words of older ones are ignored. */
  term: Term | null
  link: 'none' | 'greeting' | 'welcomed'
  greetedAt: Millis
  /** Worker processes the owner allows. */
  slots: number
  slotsReason: string
  /** The agent stops: nothing new is taken. */
  draining: boolean
  nextProcess: ProcessNumber
  readonly jobs: Map<JobId, WorkerJob>
  /** Jobs that have ended, the newest last: a late grant of one is dropped. */
  readonly ended: Set<JobId>
  readonly leases: TokenMap<HeldLease>
  readonly processes: Map<ProcessNumber, WorkerProcess>
  /** Finished attempts the head has not settled. */
  readonly reports: TokenMap<AttemptReport>
  /** What leaves with the next flush. */
  started: LeaseToken[]
  unsent: AttemptReport[]
  flushedAt: Millis
  /** Inputs asked for and not here. */
  fetching: number
  /** Bytes of inputs that are here and not handed to a process. */
  inputBytes: number
}

/**
 * waiting (for its job or its turn to be fetched) -> fetching -> ready -> queued in a process -> running
 * -> ran (rows wait for a chunk) -> packing -> gone (reported, or dropped on the way).
 */
export type Stage =
  'waiting' | 'fetching' | 'ready' | 'queued' | 'running' | 'ran' | 'packing' | 'gone'

export type RunSucceeded = Extract<
  Extract<WorkerFact, { kind: 'attemptRan' }>['outcome'],
  { kind: 'succeeded' }
>

export interface HeldLease {
  readonly lease: Lease
  stage: Stage
  /** Size of its input while `ready`, else 0. */
  bytes: number
  /** When its input was last asked for. */
  fetchingSince: Millis
  /** When it became the oldest in its process. */
  runningSince: Millis
  /** Set once its result no longer counts; it stays only until its process lets go of it. */
  unwantedSince: Millis | null
  outcome: RunSucceeded | null
  /** Those that share one `run()` with it, itself included; null: it runs by itself. */
  joined: readonly HeldLease[] | null
  /** A `run()` that it shared failed: it is run by itself, so that only the one to blame is charged. */
  alone: boolean
}

export interface WorkerJob {
  readonly id: JobId
  /** Null until its record is here. */
  job: Job | null
  refused: string | null
  /** When the first lease came while the record was not here. */
  unknownSince: Millis
  /** Leases before `ran`, in the order of their grants. */
  readonly unfinished: Set<HeldLease>
  /**
   * Inputs that the job wants to have here as a whole before anything of it runs: here (most jobs want none),
   * wanted, or being gathered.
   */
  inputs: 'here' | 'wanted' | 'gathering'
  readonly toFetch: Fifo<HeldLease>
  readonly ready: Fifo<HeldLease>
  fetching: number
  readyCount: number
  /** When an input of it last came, or was given up for taking too long. */
  loadedAt: Millis
  /** Usual size of one input, smoothed; null before the first. */
  inputBytes: number | null
  /** Leases whose rows wait for a chunk, in the order they ran. */
  rows: HeldLease[]
  rowBytes: number
  rowsSince: Millis
  /** Usual time of one run, smoothed; null before the first. */
  runMs: Millis | null
  /** Processes to start before the first lease is here; 0 from then on. */
  ahead: number
  /** No process is started before this time: the last start failed. */
  retryAt: Millis
  /** Since when it has leases but no process; null otherwise. */
  waitsSince: Millis | null
  /** What the head was told last on what keeps it from running here; empty: nothing. Null: told to another head. */
  noted: string | null
  /** Whether several of its mini-batches may share one `run()`; false once that was found not to work. */
  mayJoin: boolean
  /** Shared runs that failed. */
  brokenJoins: number
  /** Processes at once that this machine's memory has room for; null: it never ran out. */
  memoryFits: number | null
}

export interface WorkerProcess {
  readonly number: ProcessNumber
  readonly job: JobId
  phase: 'starting' | 'ready' | 'stopping'
  /** What it was given, oldest first; the first one runs. */
  queue: HeldLease[]
  readonly startedAt: Millis
  /** Its number among those of its job here; 0 until it has started. */
  index: number
  /** Gets nothing new: another job waits for its slot. */
  retiring: boolean
  /** The lease whose run limit was passed, if that is why it is stopping. */
  timedOut: HeldLease | null
}

/** A worker without slots: `slotsChanged` gives it some. */
export const createWorker = (self: PeerId): WorkerState => ({
  self,
  now: 0,
  term: null,
  link: 'none',
  greetedAt: 0,
  slots: 0,
  slotsReason: '',
  draining: false,
  nextProcess: 1,
  jobs: new Map(),
  ended: new Set(),
  leases: createTokenMap(),
  processes: new Map(),
  reports: createTokenMap(),
  started: [],
  unsent: [],
  flushedAt: 0,
  fetching: 0,
  inputBytes: 0,
})

/** The entry of a job, made with the first word of it. */
export const workerJob = (state: WorkerState, id: JobId): WorkerJob => {
  let entry = state.jobs.get(id)
  if (entry === undefined) {
    entry = {
      id,
      job: null,
      refused: null,
      unknownSince: state.now,
      unfinished: new Set(),
      inputs: 'here',
      toFetch: createFifo(),
      ready: createFifo(),
      fetching: 0,
      readyCount: 0,
      loadedAt: 0,
      inputBytes: null,
      rows: [],
      rowBytes: 0,
      rowsSince: 0,
      runMs: null,
      ahead: 0,
      retryAt: 0,
      waitsSince: null,
      noted: '',
      mayJoin: true,
      brokenJoins: 0,
      memoryFits: null,
    }
    state.jobs.set(id, entry)
  }
  return entry
}

/** Worker processes a job may have here at once. */
export const slotsFor = (state: WorkerState, entry: WorkerJob): number =>
  Math.min(
    state.slots,
    entry.job?.spec.processesPerPeer ?? state.slots,
    entry.memoryFits ?? state.slots,
  )

/** Whether a job wants inputs here as a whole before anything of it runs. */
export const wantsInputs = ({ job }: WorkerJob): boolean =>
  job?.spec.inputs.some(({ mode }) => mode !== undefined) ?? false

export const processesOf = (state: WorkerState, job: JobId): readonly WorkerProcess[] =>
  [...state.processes.values()].filter((process) => process.job === job)
