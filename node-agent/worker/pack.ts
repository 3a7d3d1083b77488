import { limits } from '#protocol/limits.ts'
import type { WorkerEffect } from './effect.ts'
import type { WorkerJob, WorkerState } from './state.ts'

/** Closes result chunks that are large or old enough, and those of jobs with nothing left to run here. */
export const packChunks = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    while (isDue(state, entry)) {
      const part = takeRows(entry)
      effects.push({
        kind: 'packChunk',
        job: entry.id,
        tokens: part.map((held) => held.lease.token),
      })
    }
  }
}

const isDue = (state: WorkerState, entry: WorkerJob): boolean =>
  entry.rows.length > 0 &&
  (entry.rowBytes >= limits.chunkBytes ||
    entry.rows.length >= limits.chunkEntries ||
    state.now >= entry.rowsSince + limits.chunkMs ||
    entry.unfinished.size === 0)

/** Takes at once what `setStage` would take one by one. */
const takeRows = (entry: WorkerJob): WorkerJob['rows'] => {
  const part = entry.rows.slice(0, limits.chunkEntries)
  entry.rows = entry.rows.slice(part.length)
  for (const held of part) {
    held.stage = 'packing'
    entry.rowBytes -= held.outcome?.bytes ?? 0
  }
  return part
}
