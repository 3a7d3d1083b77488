import { createLoop } from '#agent/effects/loop.ts'
import type { Loop } from '#agent/effects/loop.ts'
import { startTicking } from '#agent/effects/ticking.ts'
import { createWorkerEffects } from '#agent/effects/worker/worker-effects.ts'
import type { WorkerEffectsDeps } from '#agent/effects/worker/worker-effects.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { WorkerEffect } from '#agent/worker/effect.ts'
import type { WorkerFact } from '#agent/worker/event.ts'
import { createWorker } from '#agent/worker/state.ts'
import type { WorkerState } from '#agent/worker/state.ts'
import { transition } from '#agent/worker/transition.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { Role } from '#protocol/model/member.ts'
import type { Term } from '#protocol/model/term.ts'
import type { ToWorkerMessage } from '#protocol/wire/lease/messages.ts'
import type { LeaseLink } from './lease-link.ts'

/** The worker's part of an agent: the lease keeper's machine and its worker processes. */
export interface WorkerRole extends AsyncDisposable {
  readonly headFound: (term: Term) => void
  readonly headLost: () => void
  /** A job record whose signature was checked; whether its submitter may run code here is checked now. */
  readonly jobAdded: (job: Job) => void
  readonly jobEnded: (job: JobId) => void
  readonly slotsChanged: (slots: number, reason: string) => void
  /** Mini-batches running now. */
  readonly busy: () => number
  /** Stops taking work and gives back what has not started. */
  readonly drain: () => void
}

export interface WorkerRoleDeps extends Omit<WorkerEffectsDeps, 'tell' | 'sendToHead' | 'jobById'> {
  readonly clock: Clock
  readonly link: LeaseLink
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  /** Whether the owner lets entry scripts run here. */
  readonly mayRunScripts: () => boolean
}

export const createWorkerRole = (deps: WorkerRoleDeps): WorkerRole => {
  const { clock, link, self } = deps
  const state = createWorker(self)
  const jobs = new Map<JobId, Job>()
  let head: Term | undefined
  let retry: Disposable | undefined

  const effects = createWorkerEffects({
    ...deps,
    jobById: (job) => jobs.get(job),
    sendToHead: (message) => {
      if (head !== undefined) link.toHead(head.head, message)
    },
    tell: (fact) => tell(fact),
  })
  const loop = createLoop<WorkerFact, WorkerEffect>({
    clock,
    transition: (event) => transition(state, event),
    run: effects.run,
  })

  const { tell, ticking } = tickWorker(clock, state, loop)

  link.onToWorker((peer, message) => {
    const fact = toFact(peer, message)
    if (fact !== undefined) return tell(fact)
    // The peer we believe in is not head yet or no longer: ask again in a moment.
    if (message.kind !== 'not-head' || retry !== undefined) return
    retry = clock.after(limits.notHeadRetryMs, () => {
      retry = undefined
      if (head !== undefined) tell({ kind: 'headFound', term: head })
    })
  })

  return {
    headFound: (term) => {
      head = term
      tell({ kind: 'headFound', term })
    },
    headLost: () => {
      head = undefined
      tell({ kind: 'headLost' })
    },
    jobAdded: (job) => {
      const message = refusalOf(deps, job)
      if (message !== undefined) return tell({ kind: 'jobRefused', job: job.id, message })
      jobs.set(job.id, job)
      const memoryFits = deps.memory.fits(job)
      tell({ kind: 'jobKnown', job, ...(memoryFits === undefined ? {} : { memoryFits }) })
    },
    jobEnded: (job) => {
      tell({ kind: 'jobEnded', job })
      jobs.delete(job)
    },
    slotsChanged: (slots, reason) => tell({ kind: 'slotsChanged', slots, reason }),
    busy: effects.busy,
    drain: () => tell({ kind: 'drainRequested' }),
    [Symbol.asyncDispose]: async () => {
      ticking[Symbol.dispose]()
      retry?.[Symbol.dispose]()
      await effects[Symbol.asyncDispose]()
    },
  }
}

const refusalOf = (deps: WorkerRoleDeps, { submitter, spec }: Job): string | undefined => {
  if (!deps.rolesOf(submitter).includes('submit')) return mayNotSubmit
  return spec.runtime === 'node' && !deps.mayRunScripts() ? noScripts : undefined
}

const noScripts = 'Its owner lets no entry scripts run on this machine.'
/** Ticks go to the loop itself; what else is told to the machine makes them come often again. */
const tickWorker = (clock: Clock, state: WorkerState, loop: Loop<WorkerFact>) => {
  const ticking = startTicking({
    clock,
    busyMs: limits.workerTickMs,
    quietMs: limits.quietTickMs,
    isQuiet: () => isQuiet(state),
    tick: () => loop.tell({ kind: 'tick' }),
  })
  const tell = (fact: WorkerFact): void => {
    loop.tell(fact)
    ticking.wake()
  }
  return { tell, ticking }
}

/** Nothing is held, runs or waits to be told: then only greetings need the time, and seldom. */
const isQuiet = ({ jobs, processes, reports, started, unsent }: WorkerState): boolean =>
  jobs.size + processes.size + reports.size() + started.length + unsent.length === 0

const mayNotSubmit = 'Its submitter may not run jobs on this cluster.'

/** Nobody speaks for another head: a term that is not the sender's own is no message at all. */
const toFact = (peer: PeerId, message: ToWorkerMessage): WorkerFact | undefined => {
  if (message.kind !== 'not-head' && message.term.head !== peer) return undefined
  switch (message.kind) {
    case 'head-welcome':
      return { kind: 'welcomed', term: message.term }
    case 'leases-granted':
      return { kind: 'leasesGranted', term: message.term, leases: message.leases }
    case 'leases-revoked':
      return { kind: 'leasesRevoked', tokens: message.tokens, reason: message.reason }
    case 'reports-settled':
      return { kind: 'reportsSettled', tokens: message.tokens }
    case 'not-head':
      return undefined
    default:
      return message
  }
}
