import { createRandom, type SeededRandom } from './random.ts'

/** Fake time and the list of what will happen, in order of time, then of asking. */
export interface World {
  readonly random: SeededRandom
  readonly now: () => number
  readonly after: (ms: number, run: () => void) => void
  /** Runs what is due until `isDone` or until `limit` ms; false if the limit came first. */
  readonly runUntil: (isDone: () => boolean, limit: number) => boolean
  /** Counts what happened, by name. */
  readonly count: (what: string, times?: number) => void
  readonly counts: Map<string, number>
  readonly nextId: () => number
}

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export const createWorld = (seed: number): World => {
  const heap: Due[] = []
  const counts = new Map<string, number>()
  let now = 1_000_000
  let order = 0
  let lastId = 0
  const isBefore = (a: Due | undefined, b: Due | undefined): boolean =>
    a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order))
  const swap = (i: number, j: number): void => {
    const a = heap[i]
    const b = heap[j]
    if (a === undefined || b === undefined) return
    heap[i] = b
    heap[j] = a
  }
  const add = (due: Due): void => {
    heap.push(due)
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1
      if (!isBefore(heap[i], heap[parent])) return
      swap(i, parent)
      i = parent
    }
  }
  const take = (): Due | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return first
    heap[0] = last
    for (let i = 0; ;) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (isBefore(heap[child], heap[least])) least = child
      }
      if (least === i) return first
      swap(i, least)
      i = least
    }
  }
  return {
    random: createRandom(seed),
    now: () => now,
    after: (ms, run) => add({ at: now + ms, order: order++, run }),
    runUntil: (isDone, limit) => {
      const end = now + limit
      while (!isDone()) {
        const due = heap[0]
        if (due === undefined || due.at > end) return false
        take()
        now = Math.max(now, due.at)
        due.run()
      }
      return true
    },
    count: (what, times = 1) => counts.set(what, (counts.get(what) ?? 0) + times),
    counts,
    nextId: () => ++lastId,
  }
}
