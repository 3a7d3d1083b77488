import { limits } from '#protocol/limits.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { WorkerEffect } from '../effect.ts'
import type { WorkerFact } from '../event.ts'
import { clip, giveBack, isInProcess, ranIn, report } from '../leases.ts'
import { setApart } from '../join.ts'
import { kill, scatter } from '../processes.ts'
import {
  processesOf,
  slotsFor,
  type HeldLease,
  type WorkerProcess,
  type WorkerState,
} from '../state.ts'

export const onProcessStarted = (
  state: WorkerState,
  fact: Extract<WorkerFact, { kind: 'processStarted' }>,
): void => {
  const process = state.processes.get(fact.process)
  if (process?.phase !== 'starting') return
  process.phase = 'ready'
  process.index = fact.index
}

/** It never ran anything: the leases wait for the next try, or go back if the model cannot be had. */
export const onProcessFailed = (
  state: WorkerState,
  fact: Extract<WorkerFact, { kind: 'processFailed' }>,
  effects: WorkerEffect[],
): void => {
  const process = state.processes.get(fact.process)
  if (process === undefined) return
  state.processes.delete(fact.process)
  scatter(state, effects, process, process.queue)
  // We stopped it ourselves while it started: nobody's fault.
  if (process.phase !== 'stopping') startFailed(state, effects, process, fact)
}

const startFailed = (
  state: WorkerState,
  effects: WorkerEffect[],
  process: WorkerProcess,
  fact: { readonly why: 'reach' | 'init'; readonly message: string },
): void => {
  const entry = state.jobs.get(process.job)
  if (entry === undefined) return
  entry.ahead = 0
  entry.retryAt = state.now + limits.initRetryMs
  if (fact.why === 'init') {
    if (state.link === 'none') return
    effects.push({
      kind: 'sendInitFailed',
      job: process.job,
      message: clip(fact.message),
      processes: Math.max(1, slotsFor(state, entry)),
    })
  } else if (!processesOf(state, process.job).some((other) => other.phase === 'ready')) {
    // What a process that is being stopped holds is decided when it is gone.
    const waiting = [...entry.unfinished].filter((held) => !isInProcess(held))
    giveBack(state, effects, waiting, {
      reason: 'model-unreachable',
      message: fact.message,
    })
  }
}

/** A process is gone. Only the mini-batch it ran is to blame, and only if nobody else stopped it. */
export const onProcessExited = (
  state: WorkerState,
  fact: Extract<WorkerFact, { kind: 'processExited' }>,
  effects: WorkerEffect[],
): void => {
  const process = state.processes.get(fact.process)
  if (process === undefined) return
  const died = process.phase !== 'stopping' && fact.how !== 'stopped'
  if (died && fact.how === 'out-of-memory') useFewer(state, effects, process)
  state.processes.delete(fact.process)
  const oldest = process.queue[0]
  if (process.phase === 'starting' && died) {
    startFailed(state, effects, process, { why: 'init', message: deathSentence(fact) })
  } else if (oldest?.joined && (died || process.timedOut === oldest)) {
    const entry = state.jobs.get(process.job)
    if (entry !== undefined) setApart(state, entry, oldest)
  } else if (oldest !== undefined && oldest.unwantedSince === null) {
    if (process.timedOut === oldest) {
      report(state, oldest, {
        kind: 'failed',
        cause: 'timed-out',
        message: limitSentence(state, process),
        ...ranIn(state, process, oldest),
      })
    } else if (died) {
      report(state, oldest, {
        kind: 'failed',
        cause: 'process-died',
        message: deathSentence(fact),
        ...ranIn(state, process, oldest),
      })
    }
  }
  scatter(state, effects, process, process.queue)
}

/**
 * Side by side they need more memory than there is: from now on one fewer runs here, for this job. Of one that
 * was alone it is only noted: there is nothing to run fewer of.
 */
const useFewer = (state: WorkerState, effects: WorkerEffect[], process: WorkerProcess): void => {
  const entry = state.jobs.get(process.job)
  if (entry === undefined) return
  const beside = processesOf(state, process.job).length - 1
  if (beside > 0) entry.memoryFits = Math.min(entry.memoryFits ?? beside, beside)
  const [oldest] = process.queue
  const ran = oldest?.joined ?? (oldest === undefined ? [] : [oldest])
  const items = ran.reduce((sum, { lease }) => sum + lease.items, 0)
  effects.push({ kind: 'noteMemory', job: process.job, processes: beside, items })
}

const deathSentence = (fact: Extract<WorkerFact, { kind: 'processExited' }>): string =>
  clip(
    fact.how === 'out-of-memory'
      ? `The worker process ran out of memory: ${fact.message}`
      : `The worker process died: ${fact.message}`,
  )

const limitSentence = (state: WorkerState, process: WorkerProcess): string => {
  const limit = state.jobs.get(process.job)?.job?.spec.runLimitMs ?? limits.runLimitMs
  return `The run took longer than the ${String(limit / 1000)} s that run_invocation_timeout allows and was stopped.`
}

/** Stops runs that are over their limit, and those that no longer count and do not end by themselves. */
export const stopOverdue = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const process of state.processes.values()) {
    const oldest = process.queue[0]
    if (process.phase !== 'ready' || oldest === undefined) continue
    const limit = state.jobs.get(process.job)?.job?.spec.runLimitMs ?? limits.runLimitMs
    const unwantedSince = unwantedSinceOf(oldest)
    if (unwantedSince !== null) {
      if (state.now >= unwantedSince + limits.stopLoserMs) {
        kill(effects, process, 'what it runs no longer counts')
      }
    } else if (state.now >= oldest.runningSince + limit) {
      process.timedOut = oldest
      kill(effects, process, 'the run limit is passed')
    }
  }
}

/** Since when nothing of what runs counts any more: those that share the run may still. */
const unwantedSinceOf = (oldest: HeldLease): Millis | null => {
  let last: Millis | null = oldest.unwantedSince
  for (const { stage, unwantedSince } of oldest.joined ?? []) {
    if (stage !== 'running') continue
    if (unwantedSince === null) return null
    last = Math.max(last ?? unwantedSince, unwantedSince)
  }
  return last
}
