import type { SchedulerEffect, Settlement } from '#agent/scheduler/effect.ts'
import type { SchedulerFact } from '#agent/scheduler/event.ts'
import { createInvariantChecker, type InvariantChecker } from '#agent/scheduler/invariants.ts'
import { createScheduler, type SchedulerState } from '#agent/scheduler/state.ts'
import { transition } from '#agent/scheduler/transition.ts'
import { limits } from '#protocol/limits.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Term } from '#protocol/model/term.ts'
import type { FromWorkerMessage, ToWorkerMessage } from '#protocol/wire/lease/messages.ts'
import type { SimulatedJob } from './jobs.ts'
import type { SimulatedLedger, SimulatedRecord, Writer } from './ledger.ts'
import type { World } from './world.ts'

/** An agent that can be head: the machine with a ledger behind it and a network before it. */
export interface HeadHost {
  readonly peer: PeerId
  readonly state: () => SchedulerState
  readonly isUp: () => boolean
  /** Real time spent inside the machine, ms. */
  readonly spentMs: () => number
  readonly term: () => Term | null
  /** Takes the term and rebuilds the schedule from what is durable. */
  readonly takeTerm: (term: Term, alive: readonly PeerId[]) => void
  readonly crash: () => void
  /** Calls `crash` in the middle of a later step, right after one of its effects. */
  readonly crashAtEffect: (crash: () => void) => void
  readonly start: () => void
  readonly tell: (fact: SchedulerFact) => void
  readonly receive: (from: PeerId, message: FromWorkerMessage) => void
  readonly recordAdded: (record: SimulatedRecord) => void
}

export interface HeadHostDeps {
  readonly world: World
  readonly ledger: SimulatedLedger
  readonly sendToWorker: (from: PeerId, to: PeerId, message: ToWorkerMessage) => void
  /** Jobs submitted so far, with the plan chunks that are durable. */
  readonly jobs: () => readonly { readonly job: SimulatedJob; readonly chunksDurable: number }[]
  readonly canceled: ReadonlySet<JobId>
  readonly pauses: ReadonlyMap<JobId, PauseFact>
  readonly pools: () => PoolsFact
  readonly breach: (message: string) => void
  /** False in large runs, where checking would cost more than all else. */
  readonly checkEachStep: boolean
}

export type PauseFact = Extract<SchedulerFact, { kind: 'pauseChanged' }>
export type PoolsFact = Extract<SchedulerFact, { kind: 'poolsChanged' }>

/** Steps between two full checks. */
const fullCheckEvery = 1_000

export const createHeadHost = (peer: PeerId, deps: HeadHostDeps): HeadHost => {
  const { world, ledger } = deps
  let life = 0
  let up = true
  let state = createScheduler(peer)
  let checker: InvariantChecker = createInvariantChecker(state)
  let writer: Writer = { isAlive: () => up, lost: false }
  let steps = 0
  let spentMs = 0
  let armed: (() => void) | undefined

  const tell = (fact: SchedulerFact): void => {
    if (!up) return
    const event = { ...fact, id: world.nextId(), causeId: 0, now: world.now() }
    world.count(`head hears ${fact.kind}`)
    const from = performance.now()
    const effects = transition(state, event)
    spentMs += performance.now() - from
    if (!deps.checkEachStep) return runAll(effects)
    const breaches = [...checker.afterStep(event, effects)]
    if (++steps % fullCheckEvery === 0) breaches.push(...checker.full())
    for (const { invariant, message } of breaches) {
      deps.breach(`invariant ${String(invariant)} after ${fact.kind}: ${message}`)
    }
    runAll(effects)
  }

  const runAll = (effects: readonly SchedulerEffect[]): void => {
    for (const effect of effects) {
      run(effect)
      const isRecord = effect.kind === 'recordCommits' || effect.kind === 'recordCharges'
      if (armed === undefined || !world.random.chance(isRecord ? 0.7 : 0.05)) continue
      world.count('heads crashed at an effect')
      const crash = armed
      armed = undefined
      return crash()
    }
  }

  const heldTerm = (): Term => {
    if (state.term === null) throw new Error('the head spoke without a term')
    return state.term
  }

  const append = (record: SimulatedRecord, settlements: readonly Settlement[]): void => {
    const term = heldTerm()
    ledger.append(record, writer, () => {
      for (const { peer: to, tokens } of settlements) {
        deps.sendToWorker(peer, to, { kind: 'reports-settled', term, tokens, segments: [] })
      }
    })
  }

  const run = (effect: SchedulerEffect): void => {
    world.count(`head wants ${effect.kind}`)
    const term = heldTerm()
    switch (effect.kind) {
      case 'welcomeWorker':
        return deps.sendToWorker(peer, effect.peer, { kind: 'head-welcome', term })
      case 'grantLeases':
        return deps.sendToWorker(peer, effect.peer, {
          kind: 'leases-granted',
          term,
          leases: effect.leases,
        })
      case 'revokeLeases':
        return deps.sendToWorker(peer, effect.peer, {
          kind: 'leases-revoked',
          term,
          tokens: effect.tokens,
          reason: effect.reason,
        })
      case 'recordCommits':
        return append(
          { kind: 'committed', job: effect.job, term, groups: effect.groups },
          effect.settlements,
        )
      case 'recordCharges': {
        const { job, charges, halvings, settlements } = effect
        const isLate = charges.some(({ cause }) => cause === 'not-loaded')
        if (isLate) world.count('charges for inputs that never come')
        if (halvings.length === 0) {
          return append({ kind: 'charged', job, term, charges }, settlements)
        }
        world.count('mini-batches halved', halvings.length)
        append({ kind: 'charged', job, term, charges }, [])
        return append({ kind: 'mini-batches-halved', job, term, halvings }, settlements)
      }
      case 'settleReports':
        return deps.sendToWorker(peer, effect.settlement.peer, {
          kind: 'reports-settled',
          term,
          tokens: effect.settlement.tokens,
          segments: [],
        })
      case 'closeJob':
        for (const limit of ['progress_update_timeout', 'first_task_creation_timeout'])
          if (effect.reason.includes(limit)) world.count(`jobs past ${limit}`)
        return append(
          {
            kind: 'job-closed',
            job: effect.job,
            term,
            outcome: effect.outcome,
            reason: effect.reason,
          },
          [],
        )
      default:
        return assertNever(effect)
    }
  }

  const feed = (): void => {
    for (const { job, chunksDurable } of deps.jobs()) {
      tell({ kind: 'jobSubmitted', job: job.job })
      for (const chunk of job.chunks.slice(0, chunksDurable)) tell(chunk)
    }
    for (const record of ledger.records) if (record.kind === 'committed') tell(recordToFact(record))
    for (const record of ledger.records) {
      if (record.kind === 'charged' || record.kind === 'mini-batches-halved')
        tell(recordToFact(record))
    }
    for (const pause of deps.pauses.values()) tell(pause)
    tell(deps.pools())
    for (const job of deps.canceled) tell({ kind: 'cancelRequested', job })
    for (const record of ledger.records)
      if (record.kind === 'job-closed') tell(recordToFact(record))
  }

  const tick = (alife: number): void => {
    if (!up || life !== alife) return
    tell({ kind: 'tick' })
    world.after(limits.schedulerTickMs, () => tick(alife))
  }

  const start = (): void => {
    up = true
    life++
    const alife = life
    writer = { isAlive: () => up && life === alife, lost: false }
    state = createScheduler(peer)
    checker = createInvariantChecker(state)
    tick(life)
  }
  start()

  return {
    peer,
    state: () => state,
    isUp: () => up,
    spentMs: () => spentMs,
    term: () => (up ? state.term : null),
    takeTerm: (term, alive) => {
      tell({ kind: 'termTaken', term })
      for (const one of alive) tell({ kind: 'peerAlive', peer: one })
      feed()
    },
    crashAtEffect: (crash) => {
      armed = crash
    },
    crash: () => {
      up = false
      armed = undefined
      life++
    },
    start,
    tell,
    receive: (from, message) => {
      if (up) tell(messageToFact(from, message))
    },
    recordAdded: (record) => {
      // What this head wrote itself it knows already; the end of a job it takes from the ledger.
      if (record.kind === 'job-closed' || record.term.head !== peer) tell(recordToFact(record))
    },
  }
}

export const recordToFact = (record: SimulatedRecord): SchedulerFact => {
  switch (record.kind) {
    case 'committed':
      return {
        kind: 'commitsRestored',
        job: record.job,
        commits: record.groups.flatMap((group) =>
          group.miniBatches.map((miniBatch, i) => ({
            miniBatch,
            attempt: group.attempts[i] ?? 0,
            succeeded: group.succeeded[i] ?? 0,
            failed: group.failed[i] ?? 0,
          })),
        ),
      }
    case 'charged':
      return { kind: 'chargesRestored', job: record.job, charges: record.charges }
    case 'mini-batches-halved':
      return {
        kind: 'halvingsRestored',
        job: record.job,
        parents: record.halvings.map((halving) => halving.parent),
      }
    case 'job-closed':
      return { kind: 'jobEnded', job: record.job }
    default:
      return assertNever(record)
  }
}

const messageToFact = (peer: PeerId, message: FromWorkerMessage): SchedulerFact => {
  switch (message.kind) {
    case 'worker-hello':
      return { ...message, kind: 'workerGreeted', peer }
    case 'leases-started':
      return { ...message, kind: 'leasesStarted', peer }
    case 'attempts-finished':
      return { ...message, kind: 'attemptsFinished', peer }
    case 'leases-returned':
      return { ...message, kind: 'leasesReturned', peer }
    case 'init-failed':
      return { ...message, kind: 'initFailed', peer }
    case 'slots-changed':
      return { ...message, kind: 'slotsChanged', peer }
    case 'job-noted':
      return { ...message, kind: 'jobNoted', peer }
    default:
      return assertNever(message)
  }
}
