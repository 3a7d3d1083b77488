import type { ReturnReason } from '#protocol/model/attempt.ts'
import type { WorkerEffect } from '../effect.ts'
import { giveBack } from '../leases.ts'
import { kill } from '../processes.ts'
import type { HeldLease, WorkerProcess, WorkerState } from '../state.ts'
import { stopInputs } from './whole-inputs.ts'

/** Its owner allows more or fewer worker processes: those beyond go at once, their leases cost nothing. */
export const onSlotsChanged = (
  state: WorkerState,
  fact: { readonly slots: number; readonly reason: string },
  effects: WorkerEffect[],
): void => {
  state.slots = fact.slots
  state.slotsReason = fact.reason
  if (!state.draining) shrink(state, effects, 'owner', fact.reason)
}

/** The agent stops: what ran is packed and reported, everything else goes back. */
export const onDrainRequested = (state: WorkerState, effects: WorkerEffect[]): void => {
  if (state.draining) return
  state.draining = true
  shrink(state, effects, 'draining', 'The agent stops.')
}

/** Says the new number first, or the head would grant again what comes back. */
const shrink = (
  state: WorkerState,
  effects: WorkerEffect[],
  reason: ReturnReason,
  message: string,
): void => {
  const slots = state.draining ? 0 : state.slots
  if (state.link !== 'none') effects.push({ kind: 'sendSlots', slots, reason: message })
  const alive = [...state.processes.values()].filter((process) => process.phase !== 'stopping')
  const back: HeldLease[] = []
  for (const process of alive.sort(cheapestFirst).slice(0, Math.max(0, alive.length - slots))) {
    kill(effects, process, message)
    back.push(...process.queue)
    process.queue = []
  }
  if (slots === 0)
    for (const entry of state.jobs.values()) {
      back.push(...entry.unfinished)
      stopInputs(entry, effects, false)
    }
  giveBack(state, effects, back, { reason, message })
}

/** Least work lost: processes without a mini-batch, then those whose mini-batch began last. */
const cheapestFirst = (a: WorkerProcess, b: WorkerProcess): number =>
  a.queue.length === 0 || b.queue.length === 0
    ? a.queue.length - b.queue.length
    : (b.queue[0]?.runningSince ?? 0) - (a.queue[0]?.runningSince ?? 0)
