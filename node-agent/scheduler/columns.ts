import type { MiniBatchRun } from '#protocol/model/plan.ts'

/**
 * States of a mini-batch, as numbers in a column. `halved`: its halves stand in its place. `void`: a half
 * whose whole counts after all. The items of both are counted elsewhere.
 */
export const cell = {
  pending: 0,
  leased: 1,
  committed: 2,
  failed: 3,
  canceled: 4,
  halved: 5,
  void: 6,
} as const
export type Cell = (typeof cell)[keyof typeof cell]

/**
 * All mini-batches of a job, one dense index each. A million cost 16 MB and no objects; entries at and
 * behind `count` are spare room.
 */
export interface Columns {
  count: number
  firstItem: Uint32Array
  items: Uint32Array
  state: Uint8Array
  /** Grants so far; also the number of the newest attempt. */
  attempt: Uint32Array
  /** Attempts that cost. */
  charged: Uint16Array
  /** 1 while the mini-batch stands in the queue or has never been taken from the plan. */
  queued: Uint8Array
}

const firstRoom = 256

export const createColumns = (): Columns => ({
  count: 0,
  firstItem: new Uint32Array(firstRoom),
  items: new Uint32Array(firstRoom),
  state: new Uint8Array(firstRoom),
  attempt: new Uint32Array(firstRoom),
  charged: new Uint16Array(firstRoom),
  queued: new Uint8Array(firstRoom),
})

/** Adds the mini-batches of a plan chunk as pending; returns the number of items added. */
export const appendRuns = (
  columns: Columns,
  firstItem: number,
  runs: readonly MiniBatchRun[],
): number => {
  const added = runs.reduce((sum, run) => sum + run.count, 0)
  makeRoom(columns, columns.count + added)
  let at = columns.count
  let item = firstItem
  for (const run of runs) {
    for (let i = 0; i < run.count; i++) {
      columns.firstItem[at] = item
      columns.items[at] = run.items
      columns.queued[at] = 1
      item += run.items
      at++
    }
  }
  columns.count = at
  return item - firstItem
}

/** Doubling keeps the copying at two writes a mini-batch in all. */
const makeRoom = (columns: Columns, needed: number): void => {
  const room = columns.state.length
  if (needed <= room) return
  let size = room
  while (size < needed) size *= 2
  columns.firstItem = grown(new Uint32Array(size), columns.firstItem)
  columns.items = grown(new Uint32Array(size), columns.items)
  columns.state = grown(new Uint8Array(size), columns.state)
  columns.attempt = grown(new Uint32Array(size), columns.attempt)
  columns.charged = grown(new Uint16Array(size), columns.charged)
  columns.queued = grown(new Uint8Array(size), columns.queued)
}

const grown = <Column extends Uint8Array | Uint16Array | Uint32Array>(
  to: Column,
  from: Column,
): Column => {
  to.set(from)
  return to
}
