import { cutOf, isHalf, type MiniBatchRange } from '#protocol/model/half.ts'
import type { ItemIndex, MiniBatchIndex } from '#protocol/model/ids.ts'
import { appendRuns, cell, type Cell, type Columns } from './columns.ts'
import type { JobEntry } from './state.ts'

/**
 * One mini-batch in the columns of its job: by its number where it is of the plan, by its place where it is
 * a half.
 */
const columnsOf = (entry: JobEntry, miniBatch: MiniBatchIndex): Columns =>
  isHalf(miniBatch) ? entry.halves.columns : entry.columns

const placeOf = (entry: JobEntry, miniBatch: MiniBatchIndex): number =>
  isHalf(miniBatch) ? (entry.halves.places.get(miniBatch) ?? -1) : miniBatch

/** True if it stands in the columns; a half does once its halving is known. */
export const isKnown = (entry: JobEntry, miniBatch: MiniBatchIndex): boolean =>
  isHalf(miniBatch) ? entry.halves.places.has(miniBatch) : miniBatch < entry.columns.count

export const stateOf = (entry: JobEntry, miniBatch: MiniBatchIndex): Cell =>
  (columnsOf(entry, miniBatch).state[placeOf(entry, miniBatch)] ?? cell.pending) as Cell

export const itemsOf = (entry: JobEntry, miniBatch: MiniBatchIndex): number =>
  columnsOf(entry, miniBatch).items[placeOf(entry, miniBatch)] ?? 0

export const firstItemOf = (entry: JobEntry, miniBatch: MiniBatchIndex): ItemIndex =>
  columnsOf(entry, miniBatch).firstItem[placeOf(entry, miniBatch)] ?? 0

/** Its items; it must be known. */
export const rangeOf = (entry: JobEntry, miniBatch: MiniBatchIndex): MiniBatchRange => ({
  miniBatch,
  firstItem: firstItemOf(entry, miniBatch),
  items: itemsOf(entry, miniBatch),
})

export const attemptOf = (entry: JobEntry, miniBatch: MiniBatchIndex): number =>
  columnsOf(entry, miniBatch).attempt[placeOf(entry, miniBatch)] ?? 0

/** Attempts are numbered over all heads: the next one is above all that were heard of. */
export const raiseAttempt = (entry: JobEntry, miniBatch: MiniBatchIndex, attempt: number): void => {
  const { attempt: column } = columnsOf(entry, miniBatch)
  const place = placeOf(entry, miniBatch)
  if ((column[place] ?? 0) < attempt) column[place] = attempt
}

export const chargedOf = (entry: JobEntry, miniBatch: MiniBatchIndex): number =>
  columnsOf(entry, miniBatch).charged[placeOf(entry, miniBatch)] ?? 0

export const addCharged = (entry: JobEntry, miniBatch: MiniBatchIndex): void => {
  columnsOf(entry, miniBatch).charged[placeOf(entry, miniBatch)] = chargedOf(entry, miniBatch) + 1
}

export const isQueued = (entry: JobEntry, miniBatch: MiniBatchIndex): boolean =>
  columnsOf(entry, miniBatch).queued[placeOf(entry, miniBatch)] === 1

const setQueued = (entry: JobEntry, miniBatch: MiniBatchIndex, queued: boolean): void => {
  columnsOf(entry, miniBatch).queued[placeOf(entry, miniBatch)] = queued ? 1 : 0
}

export const countIn = (entry: JobEntry, state: Cell): number => entry.miniBatchesIn[state] ?? 0
export const itemsIn = (entry: JobEntry, state: Cell): number => entry.itemsIn[state] ?? 0

/** Pending or leased. */
export const isOpenCell = (state: Cell): boolean => state === cell.pending || state === cell.leased

/** All mini-batches of the plan, then the halves. */
export function* allMiniBatches(entry: JobEntry): Generator<MiniBatchIndex> {
  for (let miniBatch = 0; miniBatch < entry.columns.count; miniBatch++) yield miniBatch
  yield* entry.halves.places.keys()
}

/** The one door through which a mini-batch changes its state: counts and queue follow. */
export const setState = (entry: JobEntry, miniBatch: MiniBatchIndex, to: Cell): void => {
  const from = stateOf(entry, miniBatch)
  if (from === to) return
  const items = itemsOf(entry, miniBatch)
  columnsOf(entry, miniBatch).state[placeOf(entry, miniBatch)] = to
  entry.miniBatchesIn[from] = countIn(entry, from) - 1
  entry.miniBatchesIn[to] = countIn(entry, to) + 1
  entry.itemsIn[from] = itemsIn(entry, from) - items
  entry.itemsIn[to] = itemsIn(entry, to) + items
  if (to === cell.pending && !isQueued(entry, miniBatch)) {
    setQueued(entry, miniBatch, true)
    entry.requeued.push(miniBatch)
  }
}

/** Adds a half as pending. */
export const addHalf = (entry: JobEntry, half: MiniBatchRange): void => {
  const { columns, places } = entry.halves
  places.set(half.miniBatch, columns.count)
  appendRuns(columns, half.firstItem, [{ count: 1, items: half.items }])
  entry.miniBatchesIn[cell.pending] = countIn(entry, cell.pending) + 1
  entry.itemsIn[cell.pending] = itemsIn(entry, cell.pending) + half.items
  entry.requeued.push(half.miniBatch)
}

/** The mini-batch of the plan that a half is part of; undefined while that part of the plan is not here. */
export const plannedOf = (entry: JobEntry, half: MiniBatchIndex): MiniBatchIndex | undefined => {
  const cut = cutOf(half)
  const { firstItem, count } = entry.columns
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if ((firstItem[middle] ?? 0) <= cut) low = middle + 1
    else high = middle
  }
  const found = low - 1
  return found >= 0 && cut < firstItemOf(entry, found) + itemsOf(entry, found) ? found : undefined
}

/**
 * Takes the next pending mini-batch, those that came back first; -1 if there is none. Entries that are no
 * longer pending are skipped, which happens when a late result or an adopted lease overtook them.
 */
export const takePending = (entry: JobEntry): MiniBatchIndex => {
  const { columns, requeued } = entry
  while (entry.requeuedHead < requeued.length) {
    const miniBatch = requeued[entry.requeuedHead] ?? 0
    entry.requeuedHead++
    if (entry.requeuedHead > 1_024 && entry.requeuedHead * 2 > requeued.length) {
      requeued.splice(0, entry.requeuedHead)
      entry.requeuedHead = 0
    }
    setQueued(entry, miniBatch, false)
    if (stateOf(entry, miniBatch) === cell.pending) return miniBatch
  }
  while (entry.cursor < columns.count) {
    const miniBatch = entry.cursor++
    columns.queued[miniBatch] = 0
    if (stateOf(entry, miniBatch) === cell.pending) return miniBatch
  }
  return -1
}
