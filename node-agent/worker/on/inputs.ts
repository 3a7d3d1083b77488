import type { Millis } from '#protocol/model/ids.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { WorkerEffect } from '../effect.ts'
import { giveBack, report, setStage } from '../leases.ts'
import { slotsFor, workerJob, type HeldLease, type WorkerJob, type WorkerState } from '../state.ts'

export const onInputArrived = (
  state: WorkerState,
  fact: { readonly token: LeaseToken; readonly bytes: number },
): void => {
  const held = state.leases.get(fact.token)
  if (held?.stage !== 'fetching') return
  held.bytes = fact.bytes
  const entry = workerJob(state, held.lease.job)
  entry.loadedAt = state.now
  entry.inputBytes =
    entry.inputBytes === null ? fact.bytes : entry.inputBytes * 0.8 + fact.bytes * 0.2
  setStage(state, held, 'ready')
}

export const onInputFailed = (
  state: WorkerState,
  fact: { readonly token: LeaseToken; readonly message: string },
  effects: WorkerEffect[],
): void => {
  const held = state.leases.get(fact.token)
  if (held?.stage !== 'fetching') return
  // Nothing is left to forget: the fetch ended by itself.
  setStage(state, held, 'waiting')
  giveBack(state, effects, [held], { reason: 'input-unreachable', message: fact.message })
}

/**
 * Charges mini-batches whose items take longer to come than their job allows. Others that came meanwhile shared the
 * way with them, so the time counts from the last that did; of those that wait as many are charged as processes of
 * the job would wait for them.
 */
export const stopLoading = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    const limit = entry.job?.spec.loadLimitMs
    if (limit === undefined || entry.fetching === 0) continue
    const overdue = overdueLoads(state, entry, limit)
    if (overdue.length > 0) entry.loadedAt = state.now
    for (const held of overdue) {
      effects.push({ kind: 'dropInput', token: held.lease.token })
      report(state, held, { kind: 'failed', cause: 'not-loaded', message: sentence(limit) })
    }
  }
}

const sentence = (limit: Millis): string =>
  `Loading the mini-batch took longer than the ${String(limit / 1000)} s that task_overhead_timeout allows.`

/** The oldest of those that are overdue, at most one for each process the job may have. */
export const overdueLoads = (
  state: WorkerState,
  entry: WorkerJob,
  limit: Millis,
): readonly HeldLease[] => {
  if (state.now < entry.loadedAt + limit) return []
  const overdue: HeldLease[] = []
  const most = Math.max(1, slotsFor(state, entry))
  for (const held of entry.unfinished) {
    if (held.stage !== 'fetching' || state.now < held.fetchingSince + limit) continue
    overdue.push(held)
    if (overdue.length === most) break
  }
  return overdue
}
