import { compareNames } from '#agent/job/cut/names.ts'
import { limits } from '#protocol/limits.ts'

/** Collects names and gives them back sorted, without ever sorting more than a stretch at once. */
export interface NameSorter {
  readonly add: (name: string) => void
  /** Sorted names; call once, after the last `add`. */
  readonly sorted: () => Iterator<string, undefined>
}

/**
 * Stretches are sorted while the folder is still being listed and merged as names are asked for: sorting
 * a million names in one go would stop the agent for a second.
 */
export const createNameSorter = (): NameSorter => {
  const stretches: string[][] = []
  let current: string[] = []
  const close = (): void => {
    if (current.length > 0) stretches.push(sortNames(current))
    current = []
  }
  return {
    add: (name) => {
      current.push(name)
      if (current.length === limits.sortedNames) close()
    },
    sorted: () => {
      close()
      const [only] = stretches
      return stretches.length === 1 && only !== undefined ? only.values() : merge(stretches)
    },
  }
}

/** The engine's own order is the fast one and right for all but names with surrogates, which a single look finds. */
const sortNames = (names: string[]): string[] =>
  /[\ud800-\udfff]/.test(names.join('')) ? names.sort(compareNames) : names.sort()

/** A stretch that is being merged, and how far. */
interface Head {
  readonly names: readonly string[]
  at: number
}

/** k-way merge over a heap of stretches, the smallest next name on top. */
function* merge(stretches: readonly (readonly string[])[]): Generator<string, undefined> {
  const heap: Head[] = stretches.map((names) => ({ names, at: 0 }))
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i)
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    const name = top.names[top.at++]
    if (name !== undefined) yield name
    if (top.at < top.names.length) sink(heap, 0)
    else {
      const last = heap.pop()
      if (last === undefined || heap.length === 0) return
      heap[0] = last
      sink(heap, 0)
    }
  }
}

const sink = (heap: Head[], start: number): void => {
  for (let parent = start; ;) {
    const left = 2 * parent + 1
    const smaller = before(heap[left + 1], heap[left]) ? left + 1 : left
    const child = heap[smaller]
    const head = heap[parent]
    if (child === undefined || head === undefined || !before(child, head)) return
    heap[parent] = child
    heap[smaller] = head
    parent = smaller
  }
}

const before = (a: Head | undefined, b: Head | undefined): boolean =>
  a !== undefined && b !== undefined && compareNames(a.names[a.at] ?? '', b.names[b.at] ?? '') < 0
