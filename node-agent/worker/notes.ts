import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { WorkerEffect } from './effect.ts'
import { clip } from './leases.ts'
import { processesOf, type WorkerJob, type WorkerProcess, type WorkerState } from './state.ts'

/** Words to the head on what keeps a job from running here, for those who ask why nothing runs. */

/** Tells what a job has waited for some seconds here, once, and takes the word back when that is over. */
export const noteWaits = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    // While its inputs are gathered their progress is told in place of this.
    if (entry.inputs !== 'here' || entry.job === null) continue
    const message = entry.unfinished.size === 0 ? '' : waitOf(state, entry)
    if (message !== entry.noted) note(state, effects, { job: entry.id, message })
  }
}

export const note = (
  state: WorkerState,
  effects: WorkerEffect[],
  { job, message }: { readonly job: JobId; readonly message: string },
): void => {
  const entry = state.jobs.get(job)
  if (state.link !== 'welcomed' || entry === undefined) return
  entry.noted = clip(message)
  effects.push({ kind: 'sendNote', job, message: entry.noted })
}

const waitOf = (state: WorkerState, entry: WorkerJob): string => {
  const since = state.now - limits.slowStartMs
  const processes = processesOf(state, entry.id)
  if (processes.some(({ queue }) => queue.length > 0)) return ''
  if (processes.length === 0) {
    return entry.waitsSince !== null && entry.waitsSince <= since && state.now >= entry.retryAt
      ? 'it waits for a slot that another job uses.'
      : ''
  }
  if (processes.every(isStarting))
    return processes.some(({ startedAt }) => startedAt <= since) ? startWords(entry) : ''
  return entry.fetching > 0 && entry.readyCount === 0 && fetchingLong(entry, since)
    ? 'it waits for the items of its first mini-batches, which are being fetched.'
    : ''
}

const isStarting = ({ phase }: WorkerProcess): boolean => phase === 'starting'

const startWords = ({ job }: WorkerJob): string =>
  job?.spec.runtime === 'node'
    ? 'its worker process is still starting: the script and what it needs are loaded, or init() has not returned.'
    : 'its worker process is still starting: the model is fetched and loaded.'

/** Nothing of the job came since, and what was asked for first was asked for before. */
const fetchingLong = (entry: WorkerJob, since: number): boolean => {
  if (entry.loadedAt > since) return false
  for (const { stage, fetchingSince } of entry.unfinished)
    if (stage === 'fetching') return fetchingSince <= since
  return false
}
