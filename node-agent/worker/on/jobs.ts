import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { WorkerEffect } from '../effect.ts'
import { drop, giveBack } from '../leases.ts'
import { kill } from '../processes.ts'
import { processesOf, wantsInputs, workerJob } from '../state.ts'
import type { WorkerProcess, WorkerState } from '../state.ts'
import { stopInputs } from './whole-inputs.ts'

/**
 * Its leases may be fetched and run from now on. Where it was submitted its model and data are at hand, and its
 * first leases most likely come here: processes start while it is still being planned.
 */
export const onJobKnown = (
  state: WorkerState,
  { job, memoryFits = null }: { readonly job: Job; readonly memoryFits?: number | null },
): void => {
  if (state.ended.has(job.id)) return
  const entry = workerJob(state, job.id)
  if (entry.job === null && job.submitter === state.self) entry.ahead = limits.processesAhead
  const isNew = entry.job === null
  entry.memoryFits ??= memoryFits
  entry.job = job
  entry.refused = null
  if (isNew && wantsInputs(entry)) entry.inputs = 'wanted'
}

/** This agent must not run the job: nothing of it stays here. */
export const onJobRefused = (
  state: WorkerState,
  fact: { readonly job: JobId; readonly message: string },
  effects: WorkerEffect[],
): void => {
  if (state.ended.has(fact.job)) return
  const entry = workerJob(state, fact.job)
  stopInputs(entry, effects, true)
  entry.job = null
  entry.refused = fact.message
  for (const process of processesOf(state, fact.job)) {
    kill(effects, process, 'its job may not run here')
    process.queue = []
  }
  giveBack(state, effects, [...entry.unfinished], {
    reason: 'init-failed',
    message: fact.message,
  })
}

/** Canceled, closed or sealed: all that concerns it goes, reports too, since nobody counts them any more. */
export const onJobEnded = (state: WorkerState, job: JobId, effects: WorkerEffect[]): void => {
  state.ended.add(job)
  for (const oldest of state.ended) {
    if (state.ended.size <= limits.endedJobs) break
    state.ended.delete(oldest)
  }
  const entry = state.jobs.get(job)
  if (entry !== undefined) stopInputs(entry, effects, true)
  for (const process of processesOf(state, job)) letGo(state, effects, process)
  for (const held of state.leases.values()) {
    if (held.lease.job === job) drop(state, effects, held)
  }
  for (const report of state.reports.values()) {
    if (report.job === job) state.reports.delete(report.token)
  }
  state.unsent = state.unsent.filter((report) => report.job !== job)
  state.jobs.delete(job)
}

/** A declared job's idle process may serve the next job at once, the rest of a script's when the script is gone. */
const letGo = (state: WorkerState, effects: WorkerEffect[], process: WorkerProcess): void => {
  const runtime = state.jobs.get(process.job)?.job?.spec.runtime
  const idle = process.phase === 'ready' && process.queue.length === 0
  if (runtime === undefined || !idle || state.draining) {
    kill(effects, process, 'its job has ended')
    process.queue = []
  } else if (runtime === 'onnx') {
    state.processes.delete(process.number)
    effects.push({ kind: 'releaseProcess', process: process.number })
  } else {
    process.phase = 'stopping'
    effects.push({ kind: 'endScript', process: process.number })
  }
}

/** The head granted from a job whose record does not come. */
export const giveUpUnknownJobs = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    if (entry.job !== null || entry.refused !== null || entry.unfinished.size === 0) continue
    if (state.now < entry.unknownSince + limits.unknownJobMs) continue
    giveBack(state, effects, [...entry.unfinished], {
      reason: 'unknown-job',
      message: `The record of job ${entry.id} has not arrived.`,
    })
  }
}
