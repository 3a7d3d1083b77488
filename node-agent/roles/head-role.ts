import { createHeadEffects } from '#agent/effects/head/head-effects.ts'
import { createLoop } from '#agent/effects/loop.ts'
import type { Loop } from '#agent/effects/loop.ts'
import { startTicking } from '#agent/effects/ticking.ts'
import type { Ticking } from '#agent/effects/ticking.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Views } from '#agent/ports/views.ts'
import type { SchedulerFact } from '#agent/scheduler/event.ts'
import { explain, jobDigests, miniBatchStates } from '#agent/scheduler/explain.ts'
import { createScheduler } from '#agent/scheduler/state.ts'
import type { SchedulerState } from '#agent/scheduler/state.ts'
import { story } from '#agent/scheduler/story.ts'
import { holders, timeline } from '#agent/scheduler/timeline.ts'
import type { Timeline } from '#agent/scheduler/timeline.ts'
import { transition } from '#agent/scheduler/transition.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { JobId, Millis, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import type { Term } from '#protocol/model/term.ts'
import type { FromWorkerMessage } from '#protocol/wire/lease/messages.ts'
import type { JobDigest } from '#protocol/wire/presence/protocol.ts'
import type { LeaseLink } from './lease-link.ts'

/** The head's part of an agent: the scheduler's machine, fed from the ledger, the peers and the workers. */
export interface HeadRole extends Disposable {
  /** The term this agent holds; undefined while another is head. */
  readonly term: () => Term | undefined
  /** Takes a term and rebuilds the schedule from the ledger. */
  readonly takeTerm: (after: number) => Promise<MusterError | undefined>
  readonly lostTo: (term: Term) => void
  readonly recordAdded: (record: VerifiedRecord) => void
  readonly peerAlive: (peer: PeerId) => void
  readonly peerSuspected: (peer: PeerId) => void
  readonly peerLost: (peer: PeerId) => void
  /** Pools, or what machines tell of themselves, changed: the schedule is told who is in which pool. */
  readonly poolsChanged: () => void
  readonly digests: () => readonly JobDigest[]
  readonly explain: (job: JobId, miniBatch?: MiniBatchIndex) => readonly string[] | undefined
  readonly states: (job: JobId, from: MiniBatchIndex, count: number) => string | undefined
  /** Undefined while another is head. */
  readonly timeline: (job: JobId, since: Millis) => Timeline | undefined
  /** Who holds leases of mini-batches `from` up to `to`; nobody known while another is head. */
  readonly holders: (
    job: JobId,
    from: MiniBatchIndex,
    to: MiniBatchIndex,
  ) => ReadonlyMap<MiniBatchIndex, PeerId>
}

export interface HeadRoleDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly ledger: Ledger
  readonly views: Views
  readonly link: LeaseLink
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  readonly headNow: () => Term | null
  readonly alivePeers: () => readonly PeerId[]
  readonly pools: () => Promise<Extract<SchedulerFact, { kind: 'poolsChanged' }>['pools']>
  readonly failed: (error: MusterError) => void
}

export const createHeadRole = (deps: HeadRoleDeps): HeadRole => {
  const { self, clock, link } = deps
  const state = createScheduler(self)
  const effects = createHeadEffects({
    ...deps,
    term: () => heldTerm(leading),
    sendToWorker: link.toWorker,
  })
  const leading: Leading = {
    ...deps,
    loop: createLoop<SchedulerFact, Parameters<typeof effects.run>[0]>({
      clock,
      transition: (event) => transition(state, event),
      run: effects.run,
    }),
    dataPeers: new Map(),
    held: undefined,
    waiting: undefined,
    wake: () => ticking.wake(),
  }
  link.onFromWorker((peer, message) => hearWorker(leading, peer, message))
  const ticking = tickHead(leading, state)

  return {
    term: () => leading.held,
    takeTerm: (after) => takeTerm(leading, after),
    lostTo: (term) => {
      tell(leading, { kind: 'termLost', term })
      leading.held = undefined
    },
    recordAdded: (record) => hearRecord(leading, record),
    peerAlive: (peer) => tell(leading, { kind: 'peerAlive', peer }),
    peerSuspected: (peer) => tell(leading, { kind: 'peerSuspected', peer }),
    peerLost: (peer) => tell(leading, { kind: 'peerLost', peer }),
    poolsChanged: () => {
      // The store is closing: nobody is left to be granted anything.
      tellPools(leading).catch(() => undefined)
    },
    digests: () => (leading.held === undefined ? [] : jobDigests(state)),
    explain: (job, miniBatch) => {
      if (leading.held === undefined) return undefined
      return miniBatch === undefined ? explain(state, job) : story(state, job, miniBatch)
    },
    states: (job, from, count) =>
      leading.held === undefined ? undefined : miniBatchStates(state, job, from, count),
    timeline: (job, since) =>
      leading.held === undefined ? undefined : timeline(state, job, since),
    holders: (job, from, to) =>
      leading.held === undefined ? new Map() : holders(state, job, from, to),
    [Symbol.dispose]: () => ticking[Symbol.dispose](),
  }
}

const tickHead = (leading: Leading, state: SchedulerState): Ticking =>
  startTicking({
    clock: leading.clock,
    busyMs: limits.schedulerTickMs,
    quietMs: limits.quietTickMs,
    isQuiet: () => leading.held === undefined || state.open.length === 0,
    tick: () => {
      if (leading.held !== undefined) leading.loop.tell({ kind: 'tick' })
    },
  })

interface Leading extends HeadRoleDeps {
  readonly loop: Loop<SchedulerFact>
  /** Only a job's data peer may write its plan. */
  readonly dataPeers: Map<JobId, PeerId>
  held: Term | undefined
  /** Words of workers that came while the schedule was being rebuilt: it must know the jobs first. */
  waiting: (() => void)[] | undefined
  /** Ticks come often again. */
  readonly wake: () => void
}

const heldTerm = ({ held }: Leading): Term => {
  if (held === undefined) throw new Error('the head machine spoke without a term')
  return held
}

const tell = (leading: Leading, fact: SchedulerFact): void => {
  if (leading.held === undefined) return
  if (fact.kind === 'jobSubmitted') leading.dataPeers.set(fact.job.id, fact.job.dataPeer)
  leading.loop.tell(fact)
  leading.wake()
  if (fact.kind === 'jobEnded') leading.dataPeers.delete(fact.job)
}

const takeTerm = async (leading: Leading, after: number): Promise<MusterError | undefined> => {
  const { ledger, clock, self, views } = leading
  const term: Term = { number: after + 1, head: self }
  const added = await ledger.append([{ kind: 'term-taken', term, at: clock.now() }])
  if (!added.ok) return added.error
  leading.held = term
  leading.waiting = []
  tell(leading, { kind: 'termTaken', term })
  for (const peer of leading.alivePeers()) tell(leading, { kind: 'peerAlive', peer })
  await tellPools(leading)
  for (const fold of await views.openJobs()) await feedJob(leading, fold)
  const heard = leading.waiting
  leading.waiting = undefined
  for (const hear of heard) hear()
  return undefined
}

const tellPools = async (leading: Leading): Promise<void> => {
  if (leading.held === undefined) return
  const pools = await leading.pools()
  tell(leading, { kind: 'poolsChanged', pools })
}

/** What the ledger folded already: any record of the same clock that comes after it holds. */
const noPeer = asPeerId('')

/** Tells the machine of one open job all that stands in the ledger. */
const feedJob = async (leading: Leading, fold: JobFold): Promise<void> => {
  const { views } = leading
  const { job } = fold
  if (!leading.rolesOf(job.submitter).includes('submit')) return
  const feed = (fact: SchedulerFact): void => tell(leading, fact)
  feed({ kind: 'jobSubmitted', job })
  for (const chunk of await views.planChunks(job.id)) feed({ ...chunk, kind: 'planChunkAdded' })
  feed({ kind: 'commitsRestored', job: job.id, commits: await views.commits(job.id) })
  feed({ kind: 'halvingsRestored', job: job.id, parents: await views.halved(job.id) })
  feed({ kind: 'chargesRestored', job: job.id, charges: await views.charges(job.id) })
  const { pausedAt, pauseClock: clock } = fold
  if (clock > 0)
    feed({ kind: 'pauseChanged', job: job.id, paused: pausedAt !== null, clock, by: noPeer })
  if (fold.planFailure !== '') feed({ kind: 'planFailed', job: job.id, message: fold.planFailure })
  if (fold.cancelRequestedAt !== null) feed({ kind: 'cancelRequested', job: job.id })
  if (fold.closed !== null) feed({ kind: 'jobEnded', job: job.id })
}

const hearWorker = (leading: Leading, peer: PeerId, message: FromWorkerMessage): void => {
  if (leading.held === undefined) {
    const term = leading.headNow()
    leading.link.toWorker(peer, { kind: 'not-head', term, head: term?.head ?? null })
    return
  }
  const isWorker = leading.rolesOf(peer).includes('work')
  const hear = (): void => tell(leading, toFact(peer, message, isWorker))
  if (leading.waiting === undefined) hear()
  else leading.waiting.push(hear)
}

const hearRecord = (leading: Leading, record: VerifiedRecord): void => {
  const fact = recordToFact(record, leading.self, leading.rolesOf)
  if (fact === undefined) return
  const isPlan = fact.kind === 'planChunkAdded' || fact.kind === 'planFailed'
  if (!isPlan || leading.dataPeers.get(fact.job) === record.header.origin) tell(leading, fact)
}

/** A member without the role `work` may still hand in what it did before it lost the role. */
const toFact = (peer: PeerId, message: FromWorkerMessage, isWorker: boolean): SchedulerFact => {
  switch (message.kind) {
    case 'worker-hello':
      return { ...message, kind: 'workerGreeted', peer, slots: isWorker ? message.slots : 0 }
    case 'leases-started':
      return { kind: 'leasesStarted', peer, tokens: message.tokens }
    case 'attempts-finished':
      return { kind: 'attemptsFinished', peer, reports: message.reports }
    case 'leases-returned':
      return { ...message, kind: 'leasesReturned', peer }
    case 'init-failed':
      return { ...message, kind: 'initFailed', peer }
    case 'job-noted':
      return { ...message, kind: 'jobNoted', peer }
    case 'slots-changed':
      return { kind: 'slotsChanged', peer, slots: isWorker ? message.slots : 0 }
    default:
      return message
  }
}

/** Records of others that the schedule must know; what this head wrote itself it knows already. */
const recordToFact = (
  { header, body }: VerifiedRecord,
  self: PeerId,
  rolesOf: (peer: PeerId) => readonly Role[],
): SchedulerFact | undefined => {
  switch (body?.kind) {
    case 'job-submitted': {
      const { job } = body
      const isTrue = header.origin === job.submitter && rolesOf(job.submitter).includes('submit')
      return isTrue ? { kind: 'jobSubmitted', job } : undefined
    }
    case 'plan-chunk-written':
      return { ...body, kind: 'planChunkAdded' }
    case 'plan-failed':
      return { kind: 'planFailed', job: body.job, message: body.message }
    case 'mini-batches-halved': {
      const parents = body.halvings.map((halving) => halving.parent)
      return header.origin === self
        ? undefined
        : { kind: 'halvingsRestored', job: body.job, parents }
    }
    case 'job-pause-changed':
      return { ...body, kind: 'pauseChanged', by: header.origin }
    case 'job-cancel-requested':
      return { kind: 'cancelRequested', job: body.job }
    case 'job-closed':
    case 'job-sealed':
    case 'job-forgotten':
      return { kind: 'jobEnded', job: body.job }
    case 'committed':
      // What was taken over (term 0) was not this head's work, though perhaps this agent's record.
      return header.origin === self && body.term.number > 0
        ? undefined
        : { kind: 'commitsRestored', job: body.job, commits: body.groups.flatMap(groupToCommits) }
    case 'charged':
      return header.origin === self
        ? undefined
        : { kind: 'chargesRestored', job: body.job, charges: body.charges }
    default:
      return undefined
  }
}

const groupToCommits = (group: {
  readonly miniBatches: readonly number[]
  readonly attempts: readonly number[]
  readonly succeeded: readonly number[]
  readonly failed: readonly number[]
}) =>
  group.miniBatches.map((miniBatch, i) => ({
    miniBatch,
    attempt: group.attempts[i] ?? 1,
    succeeded: group.succeeded[i] ?? 0,
    failed: group.failed[i] ?? 0,
  }))
