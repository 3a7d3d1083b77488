import { limits } from '#protocol/limits.ts'
import type { MiniBatchSize } from '#protocol/model/job.ts'
import type { MiniBatchRun } from '#protocol/model/plan.ts'

/**
 * How a list of items is cut into mini-batches, and mini-batches into plan chunks. A mini-batch is of one
 * input and stands in one chunk whole.
 */

/** What a mini-batch or a plan chunk holds so far. */
export interface Filling {
  readonly items: number
  readonly bytes: number
}

/** Whether the next file, of `bytes` bytes, begins a new mini-batch. */
export const isFull = (size: MiniBatchSize, filling: Filling, bytes: number): boolean => {
  switch (size.kind) {
    case 'items':
      return filling.items >= size.items
    case 'bytes':
      return filling.items > 0 && filling.bytes + bytes > size.bytes
    default:
      return (
        filling.items >= limits.autoItems ||
        (filling.items > 0 && filling.bytes + bytes > limits.autoBytes)
      )
  }
}

/** Entries (files or slices) and mini-batches that plan chunk `chunk` takes, unless one mini-batch alone has more. */
export interface ChunkRoom {
  readonly entries: number
  readonly miniBatches: number
}

/** Small at first, so that the first lease goes out soon. */
export const fileChunkRoom = (chunk: number): ChunkRoom => ({
  entries: chunk === 0 ? limits.firstPlanChunkItems : limits.planChunkItems,
  miniBatches: limits.planChunkItems,
})

/** Small at first, so that the first lease goes out soon, and double the one before up to the most. */
export const tableChunkRoom = (chunk: number): ChunkRoom => ({
  entries: limits.planChunkItems,
  miniBatches: Math.min(
    limits.firstTableChunk * 2 ** Math.min(chunk, 20),
    limits.planChunkMiniBatches,
  ),
})

/** Lengths of mini-batches, neighbours of equal length together. */
export const toRuns = (lengths: readonly number[]): readonly MiniBatchRun[] => {
  const runs: { count: number; readonly items: number }[] = []
  for (const items of lengths) {
    const last = runs.at(-1)
    if (last?.items === items) last.count += 1
    else runs.push({ count: 1, items })
  }
  return runs
}
