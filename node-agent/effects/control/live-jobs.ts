import type { Clock } from '#agent/ports/clock.ts'
import type { Views } from '#agent/ports/views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, Millis, PeerId } from '#protocol/model/ids.ts'
import { keepNewest } from '#protocol/model/keep-newest.ts'
import type { JobState } from '#protocol/model/job.ts'
import type { JobDigest } from '#protocol/wire/presence/protocol.ts'
import { jobToView, overallRate } from './job-views.ts'

/** Jobs as people see them now: the ledger's word, the head's latest digest, speed and time left. */
export interface LiveJobs extends Disposable {
  /** Something changed about a job; a delta follows within `limits.deltaMs`. */
  readonly touched: (job: JobId) => void
  /** The head's word on running jobs. */
  readonly digested: (digest: readonly JobDigest[]) => void
  readonly toView: (fold: JobFold) => JobView
}

export interface LiveJobsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly views: Views
  readonly nameOf: (peer: PeerId) => string
  /** A sentence with machines' names instead of PeerIds. */
  readonly withNames: (sentence: string) => string
  readonly headKnown: () => boolean
  /** Peers whose chunks the keeper here waits for. */
  readonly waitsFor: (job: JobId) => readonly PeerId[]
  /** Why this machine could not write yet what it has to write for the job; empty if there is no trouble. */
  readonly outputProblem: (job: JobId) => string
  readonly publish: (job: JobView) => void
  /** Rules of `job/`, handed in by the composition root. */
  readonly rules: {
    readonly jobState: (
      fold: JobFold,
      around: {
        readonly leased: number
        readonly waits: string
        readonly headKnown: boolean
        readonly keeperHere: boolean
        readonly keeperName: string
        readonly chunkHolders: readonly string[]
        readonly outputProblem: string
      },
    ) => { readonly state: JobState; readonly reason: string }
    readonly createProgress: () => ProgressMeter
  }
}

interface ProgressMeter {
  readonly note: (now: Millis, done: number) => void
  readonly itemsPerSecond: (now: Millis) => number | null
  readonly secondsLeft: (now: Millis, left: number) => [number, number] | null
}

export const createLiveJobs = (deps: LiveJobsDeps): LiveJobs => {
  const known: Known = { digests: new Map(), lost: new Map(), meters: new Map() }
  const dirty = new Set<JobId>()
  let timer: Disposable | undefined
  let stopped = false

  const flush = async (): Promise<void> => {
    timer = undefined
    const jobs = [...dirty]
    dirty.clear()
    for (const id of jobs) {
      const fold = await deps.views.job(id)
      if (fold === undefined || stopped) continue
      noteProgress(deps, known, fold)
      deps.publish(viewNow(deps, known, fold))
    }
  }

  const touched = (job: JobId): void => {
    if (stopped) return
    dirty.add(job)
    timer ??= deps.clock.after(limits.deltaMs, () => {
      // The store is closing: nobody is left to tell.
      flush().catch(() => undefined)
    })
  }

  return {
    touched,
    toView: (fold) => viewNow(deps, known, fold),
    digested: (digest) => {
      for (const job of takeDigest(known, digest)) touched(job)
    },
    [Symbol.dispose]: () => {
      stopped = true
      timer?.[Symbol.dispose]()
    },
  }
}

/** What is known of jobs beside the ledger. */
interface Known {
  readonly digests: Map<JobId, JobDigest>
  /** Leases lost; kept after the digest is gone, since a finished job is asked about too. */
  readonly lost: Map<JobId, number>
  readonly meters: Map<JobId, ProgressMeter>
}

/** Replaces the digests and names the jobs that look different now. */
const takeDigest = ({ digests, lost }: Known, digest: readonly JobDigest[]): readonly JobId[] => {
  const changed: JobId[] = []
  const named = new Set(digest.map((one) => one.job))
  for (const job of digests.keys()) if (!named.has(job)) changed.push(job)
  for (const job of changed) digests.delete(job)
  for (const one of digest) {
    const before = digests.get(one.job)
    digests.set(one.job, one)
    const leasesLost = Math.max(lost.get(one.job) ?? 0, one.leasesLost)
    lost.delete(one.job)
    lost.set(one.job, leasesLost)
    if (before?.leased !== one.leased || before.waits !== one.waits) changed.push(one.job)
  }
  keepNewest(lost, limits.endedJobs)
  return changed
}

const noteProgress = (deps: LiveJobsDeps, { meters }: Known, fold: JobFold): void => {
  const { id } = fold.job
  if (fold.sealed !== null) {
    meters.delete(id)
    return
  }
  const meter = meters.get(id) ?? deps.rules.createProgress()
  meters.set(id, meter)
  meter.note(deps.clock.now(), fold.itemsSucceeded + fold.itemsFailed)
}

const viewNow = (deps: LiveJobsDeps, known: Known, fold: JobFold): JobView => {
  const { job } = fold
  const digest = known.digests.get(job.id)
  const leased = digest?.leased ?? 0
  const { state, reason: why } = deps.rules.jobState(fold, {
    leased,
    waits: digest?.waits ?? '',
    headKnown: deps.headKnown(),
    keeperHere: job.keeper === deps.self,
    keeperName: deps.nameOf(job.keeper),
    chunkHolders: deps.waitsFor(job.id).map(deps.nameOf),
    outputProblem: deps.outputProblem(job.id),
  })
  const reason = forgottenText(fold, deps.nameOf) ?? why
  const isOver = fold.sealed !== null || fold.closed !== null
  const meter = known.meters.get(job.id)
  const now = deps.clock.now()
  const left = fold.items - fold.itemsSucceeded - fold.itemsFailed
  const itemsPerSecond = isOver ? overallRate(fold) : (meter?.itemsPerSecond(now) ?? null)
  const isTold = !isOver && fold.planComplete
  const secondsLeft = isTold ? (meter?.secondsLeft(now, left) ?? null) : null
  const leasesLost = known.lost.get(job.id) ?? 0
  const live = { state, reason, leased, leasesLost, itemsPerSecond, secondsLeft }
  const view = jobToView(fold, live, deps.nameOf)
  return { ...view, headline: deps.withNames(view.headline) }
}

const forgottenText = (
  { forgotten }: JobFold,
  nameOf: (peer: PeerId) => string,
): string | undefined =>
  forgotten === undefined
    ? undefined
    : `It was forgotten by ${nameOf(forgotten.by)} at ${new Date(forgotten.at).toISOString()}: its rows, its logs and the names of its items are gone.`
