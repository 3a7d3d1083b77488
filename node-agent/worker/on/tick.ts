import type { WorkerEffect } from '../effect.ts'
import { noteWaits } from '../notes.ts'
import type { WorkerState } from '../state.ts'
import { keepGreeting } from './head.ts'
import { giveUpUnknownJobs } from './jobs.ts'

/** Time passed. What is measured against it elsewhere is checked after every event. */
export const onTick = (state: WorkerState, effects: WorkerEffect[]): void => {
  keepGreeting(state, effects)
  giveUpUnknownJobs(state, effects)
  noteWaits(state, effects)
}
