import { cutOf, isHalf, pathToHalf, type MiniBatchRange } from './half.ts'
import type { ItemIndex, MiniBatchIndex } from './ids.ts'
import type { PlanChunkWritten } from './record.ts'

/** What the boundaries of a plan chunk say; `items` and `miniBatches` are the sums of its runs. */
export type PlanBoundaries = Pick<
  PlanChunkWritten,
  'firstItem' | 'items' | 'firstMiniBatch' | 'miniBatches' | 'runs'
>

/**
 * The mini-batches that a mini-batch is part of, outermost first, and itself last: one entry for one of the
 * plan. Undefined while that part of the plan is not known, and for a half that no halving can give.
 */
export const pathOf = (
  chunks: readonly PlanBoundaries[],
  miniBatch: MiniBatchIndex,
): readonly MiniBatchRange[] | undefined => {
  if (!isHalf(miniBatch)) {
    const found = find(chunks, 'firstMiniBatch', 'miniBatches', miniBatch)
    const planned = found && within(found, (_item, at) => miniBatch - at)
    return planned && [planned]
  }
  const cut = cutOf(miniBatch)
  const found = find(chunks, 'firstItem', 'items', cut)
  const planned = found && within(found, (first, _at, items) => Math.floor((cut - first) / items))
  return planned && pathToHalf(planned, miniBatch)
}

/** Items of a mini-batch or half; undefined while that part of the plan is not known. */
export const rangeOf = (
  chunks: readonly PlanBoundaries[],
  miniBatch: MiniBatchIndex,
): { readonly firstItem: ItemIndex; readonly items: number } | undefined =>
  pathOf(chunks, miniBatch)?.at(-1)

const find = (
  chunks: readonly PlanBoundaries[],
  first: 'firstItem' | 'firstMiniBatch',
  count: 'items' | 'miniBatches',
  wanted: number,
): PlanBoundaries | undefined =>
  chunks.find((chunk) => wanted >= chunk[first] && wanted < chunk[first] + chunk[count])

/** The mini-batch of a chunk whose place in its run is what `placeIn` says, if that lies in the run. */
const within = (
  chunk: PlanBoundaries,
  placeIn: (firstItem: ItemIndex, firstMiniBatch: MiniBatchIndex, items: number) => number,
): MiniBatchRange | undefined => {
  let { firstItem, firstMiniBatch } = chunk
  for (const { count, items } of chunk.runs) {
    const place = placeIn(firstItem, firstMiniBatch, items)
    if (place < count)
      return { miniBatch: firstMiniBatch + place, firstItem: firstItem + place * items, items }
    firstItem += count * items
    firstMiniBatch += count
  }
  return undefined
}
