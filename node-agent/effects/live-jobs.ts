import type { Clock } from '#agent/ports/clock.ts'
import type { Views } from '#agent/ports/views.ts'
import type { JobView } from '#protocol/control/views.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, Millis, PeerId } from '#protocol/model/ids.ts'
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
  readonly headKnown: () => boolean
  /** Peers whose chunks the keeper here waits for. */
  readonly waitsFor: (job: JobId) => readonly PeerId[]
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
  const { clock, views } = deps
  const digests = new Map<JobId, JobDigest>()
  /** Kept after the digest is gone, since a finished job is asked about too. */
  const lost = new Map<JobId, number>()
  const meters = new Map<JobId, ProgressMeter>()
  const dirty = new Set<JobId>()
  let timer: Disposable | undefined
  let stopped = false

  const toView = (fold: JobFold): JobView => {
    const { job } = fold
    const digest = digests.get(job.id)
    const { state, reason } = deps.rules.jobState(fold, {
      leased: digest?.leased ?? 0,
      waits: digest?.waits ?? '',
      headKnown: deps.headKnown(),
      keeperHere: job.keeper === deps.self,
      keeperName: deps.nameOf(job.keeper),
      chunkHolders: deps.waitsFor(job.id).map(deps.nameOf),
    })
    const isOver = fold.sealed !== null || fold.closed !== null
    const meter = meters.get(job.id)
    const now = clock.now()
    const done = fold.itemsSucceeded + fold.itemsFailed
    const leased = digest?.leased ?? 0
    const itemsPerSecond = isOver ? overallRate(fold) : (meter?.itemsPerSecond(now) ?? null)
    const secondsLeft =
      isOver || !fold.planComplete ? null : (meter?.secondsLeft(now, fold.items - done) ?? null)
    const leasesLost = lost.get(job.id) ?? 0
    const live = { state, reason, leased, leasesLost, itemsPerSecond, secondsLeft }
    return jobToView(fold, live, deps.nameOf)
  }

  const flush = async (): Promise<void> => {
    timer = undefined
    const jobs = [...dirty]
    dirty.clear()
    for (const id of jobs) {
      const fold = await views.job(id)
      if (fold === undefined || stopped) continue
      if (fold.sealed === null) {
        let meter = meters.get(id)
        if (meter === undefined) meters.set(id, (meter = deps.rules.createProgress()))
        meter.note(clock.now(), fold.itemsSucceeded + fold.itemsFailed)
      } else meters.delete(id)
      deps.publish(toView(fold))
    }
  }

  const touched = (job: JobId): void => {
    if (stopped) return
    dirty.add(job)
    timer ??= clock.after(limits.deltaMs, () => {
      flush().catch(() => undefined)
    })
  }

  return {
    touched,
    toView,
    digested: (digest) => {
      const named = new Set(digest.map((one) => one.job))
      for (const job of digests.keys()) {
        if (named.has(job)) continue
        digests.delete(job)
        touched(job)
      }
      for (const one of digest) {
        const before = digests.get(one.job)
        digests.set(one.job, one)
        lost.set(one.job, Math.max(lost.get(one.job) ?? 0, one.leasesLost))
        if (before?.leased !== one.leased || before.waits !== one.waits) touched(one.job)
      }
    },
    [Symbol.dispose]: () => {
      stopped = true
      timer?.[Symbol.dispose]()
    },
  }
}
