import type { WorkerEffect } from '../effect.ts'
import type { WorkerFact } from '../event.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { limits } from '#protocol/limits.ts'
import { giveBack } from '../leases.ts'
import { note } from '../notes.ts'
import { wantsInputs } from '../state.ts'
import type { WorkerJob, WorkerState } from '../state.ts'

/** Inputs that a job wants to have on this machine as a whole before anything of it runs here. */

/** Asks for them with the first lease, so that machines which get no work of the job fetch nothing. */
export const gatherInputs = (state: WorkerState, effects: WorkerEffect[]): void => {
  if (state.draining || state.slots === 0) return
  for (const entry of state.jobs.values()) {
    const isDue = entry.unfinished.size > 0 && state.now >= entry.retryAt
    if (entry.inputs !== 'wanted' || entry.job === null || !isDue) continue
    entry.inputs = 'gathering'
    effects.push({ kind: 'gatherInputs', job: entry.id })
  }
}

export const onInputsProgressed = (
  state: WorkerState,
  fact: { readonly job: JobId; readonly message: string },
  effects: WorkerEffect[],
): void => {
  if (state.jobs.get(fact.job)?.inputs === 'gathering') note(state, effects, fact)
}

export const onInputsGathered = (state: WorkerState, job: JobId, effects: WorkerEffect[]): void => {
  const entry = state.jobs.get(job)
  if (entry?.inputs !== 'gathering') return
  entry.inputs = 'here'
  note(state, effects, { job, message: '' })
}

/** Nothing of the job can run here for now: its leases go where it can. */
export const onInputsNotGathered = (
  state: WorkerState,
  fact: Extract<WorkerFact, { kind: 'inputsNotGathered' }>,
  effects: WorkerEffect[],
): void => {
  const entry = state.jobs.get(fact.job)
  if (entry?.inputs !== 'gathering') return
  entry.inputs = 'wanted'
  entry.retryAt = state.now + limits.initRetryMs
  note(state, effects, { job: fact.job, message: '' })
  giveBack(state, effects, [...entry.unfinished], {
    reason: fact.lasting ? 'out-of-reach' : 'input-unreachable',
    message: fact.message,
  })
}

/** The job is over, or its owner wants the machine: what was fetched so far stays unless it is over. */
export const stopInputs = (entry: WorkerJob, effects: WorkerEffect[], isOver: boolean): void => {
  if (!wantsInputs(entry) || (!isOver && entry.inputs !== 'gathering')) return
  if (entry.inputs === 'gathering') entry.inputs = 'wanted'
  effects.push({ kind: 'stopInputs', job: entry.id, isOver })
}
