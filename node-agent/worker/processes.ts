import type { WorkerEffect } from './effect.ts'
import { drop, requeue } from './leases.ts'
import { type HeldLease, type WorkerProcess, type WorkerState } from './state.ts'

/** Kills a process; what it holds stays in its queue until `processExited`, unless it is taken away before. */
export const kill = (effects: WorkerEffect[], process: WorkerProcess, reason: string): void => {
  if (process.phase === 'stopping') return
  process.phase = 'stopping'
  effects.push({ kind: 'killProcess', process: process.number, reason })
}

/** The oldest mini-batch of a process is the one that runs, with those that share its run. */
export const beginOldest = (state: WorkerState, process: WorkerProcess): void => {
  const oldest = process.queue[0]
  if (oldest === undefined || oldest.stage !== 'queued') return
  for (const held of process.queue) {
    if (held !== oldest && (oldest.joined === null || held.joined !== oldest.joined)) break
    held.stage = 'running'
    held.runningSince = state.now
    if (held.unwantedSince === null) state.started.push(held.lease.token)
  }
}

/** Takes a gone process' queue apart: what still counts runs again elsewhere, in the same order. */
export const scatter = (
  state: WorkerState,
  effects: WorkerEffect[],
  process: WorkerProcess,
  queue: readonly HeldLease[],
): void => {
  const entry = state.jobs.get(process.job)
  if (entry === undefined) return
  for (const held of queue.toReversed()) {
    if (held.stage === 'gone') continue
    if (held.unwantedSince === null) requeue(state, entry, held)
    else drop(state, effects, held)
  }
}
