import { limits } from '#protocol/limits.ts'
import { compareTerms, type Term } from '#protocol/model/term.ts'
import type { WorkerEffect } from '../effect.ts'
import { greet, tellRunning } from '../report.ts'
import type { WorkerState } from '../state.ts'

/** A head is there, new or again. */
export const onHeadFound = (state: WorkerState, term: Term, effects: WorkerEffect[]): void => {
  if (!heardTerm(state, term)) return
  state.link = 'greeting'
  for (const entry of state.jobs.values()) if (entry.noted !== '') entry.noted = null
  greet(state, effects)
}

/** Held leases go on, results wait for the next head. */
export const onHeadLost = (state: WorkerState): void => {
  state.link = 'none'
}

export const onWelcomed = (state: WorkerState, term: Term): void => {
  if (!heardTerm(state, term)) return
  if (state.link === 'none') return
  state.link = 'welcomed'
  tellRunning(state)
}

/** Greets again when a greeting got no answer, and now and then anyway: a lost message heals by it. */
export const keepGreeting = (state: WorkerState, effects: WorkerEffect[]): void => {
  const after = state.link === 'greeting' ? limits.answerMs : limits.greetAgainMs
  if (state.link !== 'none' && state.now >= state.greetedAt + after) greet(state, effects)
}

/** False for a term older than one heard before: its head no longer counts. */
export const heardTerm = (state: WorkerState, term: Term): boolean => {
  if (state.term !== null && compareTerms(term, state.term) < 0) return false
  state.term = term
  return true
}
