import { limits } from '#protocol/limits.ts'
import { appendRuns, cell } from '../columns.ts'
import { mayPlace, type Decisions } from '../decisions.ts'
import { cancelOpen, jobEntry } from '../jobs.ts'
import { countIn, itemsIn } from '../cells.ts'
import type { JobEntry, PlanChunkFact, SchedulerState } from '../state.ts'
import { restoreCharge, restoreCommit, restoreHalving } from './restored.ts'

/** Chunks are taken in order; one that overtook another waits for it. */
export const onPlanChunkAdded = (
  state: SchedulerState,
  chunk: PlanChunkFact,
  decisions: Decisions,
): void => {
  const entry = jobEntry(state, chunk.job)
  if (entry === undefined || entry.forgotten || chunk.chunk < entry.nextChunk) return
  if (entry.earlyChunks.size < limits.earlyFacts) entry.earlyChunks.set(chunk.chunk, chunk)
  let next = entry.earlyChunks.get(entry.nextChunk)
  if (next === undefined) return
  while (next !== undefined) {
    entry.earlyChunks.delete(entry.nextChunk)
    entry.nextChunk++
    addChunk(entry, next)
    next = entry.earlyChunks.get(entry.nextChunk)
  }
  applyEarlyFacts(state, entry, decisions)
  if (entry.closed !== null) cancelOpen(entry)
  decisions.touched.add(entry)
  mayPlace(decisions, 'all')
}

const addChunk = (entry: JobEntry, chunk: PlanChunkFact): void => {
  if (chunk.firstMiniBatch !== entry.columns.count) {
    entry.planFailure ??= `The list of items of job ${entry.id} does not fit together at chunk ${String(chunk.chunk)}; submit the job again.`
    return
  }
  const before = entry.columns.count
  const items = appendRuns(entry.columns, chunk.firstItem, chunk.runs)
  const added = entry.columns.count - before
  entry.miniBatchesIn[cell.pending] = countIn(entry, cell.pending) + added
  entry.itemsIn[cell.pending] = itemsIn(entry, cell.pending) + items
  if (chunk.last) entry.planComplete = true
}

/** Commits, halvings and charges that came before the chunk that plans their mini-batch. */
const applyEarlyFacts = (state: SchedulerState, entry: JobEntry, decisions: Decisions): void => {
  for (const commit of entry.earlyCommits.values()) {
    if (restoreCommit(state, entry, commit, decisions) === 'later') continue
    entry.earlyCommits.delete(commit.miniBatch)
  }
  entry.earlyHalvings = entry.earlyHalvings.filter(
    (parent) => restoreHalving(state, entry, parent, decisions) === 'later',
  )
  entry.earlyCharges = entry.earlyCharges.filter(
    (charge) => restoreCharge(state, entry, charge, decisions) === 'later',
  )
}
