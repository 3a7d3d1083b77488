import type { WorkerEffect } from '../effect.ts'
import type { WorkerFact } from '../event.ts'
import { clip, drop, ranIn, report, setStage } from '../leases.ts'
import { beginOldest } from '../processes.ts'
import { workerJob, type WorkerState } from '../state.ts'

/** A run ended. Its rows wait for a chunk; an attempt that no longer counts is forgotten with its rows. */
export const onAttemptRan = (
  state: WorkerState,
  fact: Extract<WorkerFact, { kind: 'attemptRan' }>,
  effects: WorkerEffect[],
): void => {
  const process = state.processes.get(fact.process)
  const held = state.leases.get(fact.token)
  if (process !== undefined) {
    process.queue = process.queue.filter((other) => other !== held)
    if (process.phase === 'ready') beginOldest(state, process)
  }
  const { outcome } = fact
  if (held === undefined) {
    if (outcome.kind === 'succeeded' && !state.reports.has(fact.token)) {
      effects.push({ kind: 'dropRows', tokens: [fact.token] })
    }
    return
  }
  // Told twice: its rows are on their way.
  if (held.stage !== 'queued' && held.stage !== 'running') return
  if (held.unwantedSince !== null) {
    if (outcome.kind === 'succeeded') effects.push({ kind: 'dropRows', tokens: [fact.token] })
    drop(state, effects, held)
  } else if (outcome.kind === 'threw') {
    report(state, held, {
      kind: 'failed',
      cause: 'threw',
      message: clip(outcome.message),
      ...ranIn(state, process, held),
    })
  } else {
    held.outcome = outcome
    const entry = workerJob(state, held.lease.job)
    entry.runMs = entry.runMs === null ? outcome.runMs : entry.runMs * 0.8 + outcome.runMs * 0.2
    setStage(state, held, 'ran')
  }
}
