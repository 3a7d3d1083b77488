import { halve, isHalf, pathToHalf, type Halving } from '#protocol/model/half.ts'
import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import { addHalf, isKnown, itemsOf, plannedOf, rangeOf, setState, stateOf } from './cells.ts'
import { cell, type Cell } from './columns.ts'
import { mayPlace, type Decisions } from './decisions.ts'
import { revokeOthers } from './leases.ts'
import type { JobEntry, SchedulerState } from './state.ts'

/**
 * A mini-batch that keeps killing its process runs in halves, and those again, until the poison item stands
 * alone. Halves follow from the plan: a fact about a half tells that all it is part of were halved.
 */

/** True for what stands for its parts no more, or whose whole counts: neither runs or changes again. */
const isPast = (state: Cell): boolean => state === cell.committed || state === cell.void

/** Puts the halves of a mini-batch in its place; undefined if it has come to another end. */
export const runInHalves = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  parent: MiniBatchIndex,
): Halving | undefined => {
  const before = stateOf(entry, parent)
  if (isPast(before) || before === cell.halved || itemsOf(entry, parent) < 2) return undefined
  const halves = halve(rangeOf(entry, parent))
  revokeOthers(state, decisions, entry, parent)
  setState(entry, parent, cell.halved)
  for (const half of halves) {
    addHalf(entry, half)
    if (entry.closed !== null) setState(entry, half.miniBatch, cell.canceled)
  }
  mayPlace(decisions, 'all')
  return { parent, halves }
}

/** Whether facts about a mini-batch can be taken now, later when more is known, or never. */
export type Reach = 'known' | 'later' | 'never'

/** Makes a mini-batch known if the plan says what it is; what a half is part of is halved by that. */
export const reach = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  miniBatch: MiniBatchIndex,
): Reach => {
  if (isKnown(entry, miniBatch)) return 'known'
  if (!isHalf(miniBatch)) return 'later'
  const planned = plannedOf(entry, miniBatch)
  if (planned === undefined) return entry.planComplete ? 'never' : 'later'
  const path = pathToHalf(rangeOf(entry, planned), miniBatch)
  for (const outer of path?.slice(0, -1) ?? []) {
    if (isPast(stateOf(entry, outer.miniBatch))) return 'never'
    runInHalves(state, decisions, entry, outer.miniBatch)
  }
  return isKnown(entry, miniBatch) ? 'known' : 'never'
}

/** Whether a half that is not known here can still come to count. */
export const mayComeToCount = (entry: JobEntry, miniBatch: MiniBatchIndex): boolean => {
  if (!isHalf(miniBatch)) return !entry.planComplete
  const planned = plannedOf(entry, miniBatch)
  if (planned === undefined) return !entry.planComplete
  const path = pathToHalf(rangeOf(entry, planned), miniBatch) ?? []
  return (
    path.length > 0 &&
    path.every(({ miniBatch: outer }) => !isKnown(entry, outer) || !isPast(stateOf(entry, outer)))
  )
}

/** A commit of the whole counts before those of its parts, wherever both are told. */
export const endParts = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  whole: MiniBatchIndex,
): void => {
  if (itemsOf(entry, whole) < 2) return
  for (const { miniBatch } of halve(rangeOf(entry, whole))) {
    if (!isKnown(entry, miniBatch) || stateOf(entry, miniBatch) === cell.void) continue
    const wasHalved = stateOf(entry, miniBatch) === cell.halved
    revokeOthers(state, decisions, entry, miniBatch)
    entry.failedItems -= entry.failedItemsOf.get(miniBatch) ?? 0
    entry.failedItemsOf.delete(miniBatch)
    setState(entry, miniBatch, cell.void)
    if (wasHalved) endParts(state, decisions, entry, miniBatch)
  }
}
