import { toRuns } from '#agent/job/cut/mini-batches.ts'
import type { ChunkRoom } from '#agent/job/cut/mini-batches.ts'
import type { Partition } from '#protocol/model/plan.ts'
import type { MiniBatchRun } from '#protocol/model/plan.ts'

/** One mini-batch as a planner cut it: files, or slices of tables. */
export interface CutMiniBatch<Entry> {
  readonly entries: readonly Entry[]
  readonly items: number
  /** Present exactly where the job has partition keys. */
  readonly partition?: Partition
}

/** What all plan chunks have, and their entries. */
export interface CutChunk<Entry> extends ChunkStart {
  readonly runs: readonly MiniBatchRun[]
  readonly partitions: readonly Partition[]
  readonly entries: readonly Entry[]
  readonly last: boolean
}

export interface ChunkStart {
  readonly chunk: number
  readonly firstItem: number
  readonly firstMiniBatch: number
}

/**
 * Collects mini-batches into chunks. A full chunk waits for the mini-batch behind it, since only then it is
 * known not to be the last; the last may be empty.
 */
export async function* toChunks<Entry>(
  miniBatches: AsyncIterable<CutMiniBatch<Entry>>,
  start: ChunkStart,
  roomOf: (chunk: number) => ChunkRoom,
): AsyncGenerator<CutChunk<Entry>, void, undefined> {
  let at = start
  let entries: Entry[] = []
  let lengths: number[] = []
  let partitions: Partition[] = []
  for await (const miniBatch of miniBatches) {
    const room = roomOf(at.chunk)
    const isFull =
      lengths.length >= room.miniBatches || entries.length + miniBatch.entries.length > room.entries
    if (lengths.length > 0 && isFull) {
      yield { ...at, runs: toRuns(lengths), partitions, entries, last: false }
      at = {
        chunk: at.chunk + 1,
        firstItem: at.firstItem + lengths.reduce((sum, length) => sum + length, 0),
        firstMiniBatch: at.firstMiniBatch + lengths.length,
      }
      entries = []
      lengths = []
      partitions = []
    }
    for (const entry of miniBatch.entries) entries.push(entry)
    lengths.push(miniBatch.items)
    if (miniBatch.partition !== undefined) partitions.push(miniBatch.partition)
  }
  yield { ...at, runs: toRuns(lengths), partitions, entries, last: true }
}
