import type { RunInput, RunOutcome, RunSlice } from '#agent/ports/runtime.ts'
import type { WorkerFact } from '#agent/worker/event.ts'
import type { AttemptRun, Lease } from '#protocol/model/attempt.ts'
import type { ItemIndex, Millis } from '#protocol/model/ids.ts'
import { recordName } from '#protocol/model/plan.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'

/** What a run gave, as rows of a chunk and as a word to the machine. */

/** A mini-batch may have waited behind others in its process, so what counts is when it was done. */
export const runOf = (index: number, runMs: number, now: Millis): AttemptRun => ({
  startedAt: Math.max(0, Math.round(now - runMs)),
  runMs: Math.max(0, Math.round(runMs)),
  process: index,
})

export const toRows = (
  { miniBatch, attempt }: Lease,
  { items, lines, failures, contents }: RunOutcome & { kind: 'succeeded' },
  nameOf: (item: ItemIndex) => string,
): AttemptRows => ({
  miniBatch,
  attempt,
  items,
  names: items.map(nameOf),
  lines,
  failures,
  ...(contents === undefined ? {} : { contents }),
})

/** Names of a mini-batch's items; records come in order, so that the slice of one is near that of the last. */
export const namesOf = ({ items, table }: RunInput): ((item: ItemIndex) => string) => {
  if (table === undefined) {
    // Both ascend: one walk over what was given finds every name.
    let next = 0
    return (item) => {
      while (next < items.length && items[next]?.item !== item) next += 1
      return items[next]?.name ?? ''
    }
  }
  let at = 0
  return (item) => {
    const isIn = (slice: RunSlice | undefined): slice is RunSlice =>
      slice !== undefined && item >= slice.firstItem && item < slice.firstItem + slice.records
    if (!isIn(table.slices[at])) at = table.slices.findIndex(isIn)
    const slice = table.slices[at]
    if (slice === undefined) return ''
    const { name = '' } = table.sources[slice.source] ?? {}
    return recordName(name, slice.firstRecord + item - slice.firstItem)
  }
}

/** Failed items = items - items for which something was returned. */
export const toFact = (
  lease: Lease,
  outcome: RunOutcome,
): (WorkerFact & { kind: 'attemptRan' })['outcome'] => {
  if (outcome.kind === 'threw') return { kind: 'threw', message: outcome.message }
  const { items, lines, runMs } = outcome
  // An item may have several rows; they stand together.
  const succeeded = items.reduce((sum, item, at) => sum + (item === items[at - 1] ? 0 : 1), 0)
  return {
    kind: 'succeeded',
    succeeded,
    failed: Math.max(0, lease.items - succeeded),
    rows: items.length,
    bytes: lines.length,
    runMs,
  }
}
