import { limits } from '#protocol/limits.ts'
import type { MiniBatchRun } from '#protocol/model/plan.ts'

/**
 * How a list of items is cut into mini-batches and plan chunks. Every plan chunk but the last holds the
 * same number of items, a multiple of the mini-batch size: so a mini-batch never crosses a chunk's end,
 * only the very last one of a job is short, and a chunk's number alone says where it starts.
 */

/** Items in each plan chunk but the last; one mini-batch a chunk where a mini-batch is larger than a chunk. */
export const planChunkSize = (miniBatchSize: number): number =>
  Math.max(1, Math.floor(limits.planChunkItems / miniBatchSize)) * miniBatchSize

/** Cuts `items` items into mini-batches of `miniBatchSize`; the last one takes the rest. */
export const cutItems = (items: number, miniBatchSize: number): readonly MiniBatchRun[] => {
  const whole = Math.floor(items / miniBatchSize)
  const rest = items - whole * miniBatchSize
  return [
    ...(whole === 0 ? [] : [{ count: whole, items: miniBatchSize }]),
    ...(rest === 0 ? [] : [{ count: 1, items: rest }]),
  ]
}

/** Where plan chunk `chunk` starts: its first item and its first mini-batch. */
export const planChunkStart = (
  chunk: number,
  miniBatchSize: number,
): { readonly firstItem: number; readonly firstMiniBatch: number } => {
  const firstItem = chunk * planChunkSize(miniBatchSize)
  return { firstItem, firstMiniBatch: firstItem / miniBatchSize }
}
