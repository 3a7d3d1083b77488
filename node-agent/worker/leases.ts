import { limits } from '#protocol/limits.ts'
import type { AttemptFailed, AttemptOutcome, Lease, ReturnReason } from '#protocol/model/attempt.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { WorkerEffect } from './effect.ts'
import { isHalf } from '#protocol/model/half.ts'
import { push, pushFront } from './fifo.ts'
import {
  workerJob,
  type HeldLease,
  type Stage,
  type WorkerJob,
  type WorkerProcess,
  type WorkerState,
} from './state.ts'

/** Takes up a granted lease. */
export const hold = (state: WorkerState, lease: Lease): void => {
  const held: HeldLease = {
    lease,
    stage: 'waiting',
    bytes: 0,
    fetchingSince: 0,
    runningSince: 0,
    unwantedSince: null,
    outcome: null,
    joined: null,
    alone: lease.attempt > 1 || isHalf(lease.miniBatch),
  }
  const entry = workerJob(state, lease.job)
  if (entry.job === null && entry.unfinished.size === 0) entry.unknownSince = state.now
  state.leases.set(lease.token, held)
  entry.unfinished.add(held)
  entry.ahead = 0
  push(entry.toFetch, held)
}

/** The one door through which a held lease changes its stage: counts and bytes follow. */
export const setStage = (state: WorkerState, held: HeldLease, to: Stage): void => {
  const entry = workerJob(state, held.lease.job)
  if (held.stage === 'fetching') {
    state.fetching--
    entry.fetching--
  }
  if (held.stage === 'ready') {
    state.inputBytes -= held.bytes
    entry.readyCount--
    held.bytes = 0
  }
  if (held.stage === 'ran') {
    entry.rows = entry.rows.filter((other) => other !== held)
    entry.rowBytes -= held.outcome?.bytes ?? 0
  }
  held.stage = to
  if (to === 'fetching') {
    held.fetchingSince = state.now
    state.fetching++
    entry.fetching++
  }
  if (to === 'ready') {
    state.inputBytes += held.bytes
    entry.readyCount++
    push(entry.ready, held)
  }
  if (to === 'ran') {
    if (entry.rows.length === 0) entry.rowsSince = state.now
    entry.rows.push(held)
    entry.rowBytes += held.outcome?.bytes ?? 0
  }
  if (to === 'ran' || to === 'packing' || to === 'gone') entry.unfinished.delete(held)
}

/**
 * Lets go of a lease and of what was fetched or computed for it. A process that runs it is not touched: its
 * rows will be nobody's, and are dropped when they come.
 */
export const drop = (state: WorkerState, effects: WorkerEffect[], held: HeldLease): void => {
  const { token } = held.lease
  if (held.stage === 'fetching' || held.stage === 'ready')
    effects.push({ kind: 'dropInput', token })
  if (isInProcess(held)) {
    for (const process of state.processes.values()) {
      if (process.queue.includes(held)) {
        process.queue = process.queue.filter((other) => other !== held)
      }
    }
  }
  if (held.stage === 'ran') effects.push({ kind: 'dropRows', tokens: [token] })
  setStage(state, held, 'gone')
  state.leases.delete(token)
}

export const isInProcess = (held: HeldLease): boolean =>
  held.stage === 'queued' || held.stage === 'running'

/** Its process went: it is fetched again and runs before the others. No charge. */
export const requeue = (state: WorkerState, entry: WorkerJob, held: HeldLease): void => {
  held.joined = null
  setStage(state, held, 'waiting')
  pushFront(entry.toFetch, held)
}

/** Gives leases back without cost, in one message. */
export const giveBack = (
  state: WorkerState,
  effects: WorkerEffect[],
  leases: readonly HeldLease[],
  why: { readonly reason: ReturnReason; readonly message: string },
): void => {
  const tokens: LeaseToken[] = []
  for (const held of leases) {
    if (held.stage === 'gone') continue
    drop(state, effects, held)
    if (held.unwantedSince === null) tokens.push(held.lease.token)
  }
  sendReturned(state, effects, tokens, why)
}

/** Without a head nothing is sent: the next greeting does not name these leases, which says the same. */
export const sendReturned = (
  state: WorkerState,
  effects: WorkerEffect[],
  tokens: readonly LeaseToken[],
  why: { readonly reason: ReturnReason; readonly message: string },
): void => {
  if (state.link === 'none') return
  for (let at = 0; at < tokens.length; at += limits.leasesPerGrant) {
    const part = tokens.slice(at, at + limits.leasesPerGrant)
    effects.push({ kind: 'sendReturned', tokens: part, ...why, message: clip(why.message) })
  }
}

/** Ends a lease with a report, which is kept until the head settles it. */
export const report = (state: WorkerState, held: HeldLease, outcome: AttemptOutcome): void => {
  const { token, job, miniBatch, attempt } = held.lease
  setStage(state, held, 'gone')
  state.leases.delete(token)
  const report = { token, job, miniBatch, attempt, outcome }
  state.reports.set(token, report)
  state.unsent.push(report)
}

/** When and where an attempt ran that ends now; nothing if it had not begun. */
export const ranIn = (
  state: WorkerState,
  process: WorkerProcess | undefined,
  { stage, runningSince }: HeldLease,
): Pick<AttemptFailed, 'ran'> =>
  process === undefined || stage !== 'running'
    ? {}
    : {
        ran: {
          startedAt: Math.round(runningSince),
          runMs: Math.max(0, Math.round(state.now - runningSince)),
          process: process.index,
        },
      }

/** A sentence short enough that many fit one message. */
export const clip = (sentence: string): string =>
  sentence.length <= limits.failureSentenceLength
    ? sentence
    : `${sentence.slice(0, limits.failureSentenceLength - 1)}…`
