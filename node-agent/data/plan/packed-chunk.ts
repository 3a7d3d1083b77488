import type { FilePlanChunk, PlanChunk, PlannedItem } from '#protocol/model/plan.ts'

/**
 * A plan chunk as it goes from thread to thread: thousands of files as one text and one column of numbers,
 * at a third of the cost of as many objects.
 */
export type PackedChunk =
  | { readonly packed: false; readonly chunk: PlanChunk }
  | {
      readonly packed: true
      readonly rest: Omit<FilePlanChunk, 'items'>
      /** Names in their order, with NUL between them, which no name can hold. */
      readonly names: string
      /** Bytes, time and input of each file. */
      readonly numbers: Float64Array<ArrayBuffer>
    }

const width = 3

export const packChunk = (chunk: PlanChunk): PackedChunk => {
  if (chunk.kind !== 'files' || chunk.items.length === 0) return { packed: false, chunk }
  const { items, ...rest } = chunk
  const numbers = new Float64Array(items.length * width)
  const names: string[] = []
  let at = 0
  for (const { name, bytes, modifiedMs, input } of items) {
    names.push(name)
    numbers[at++] = bytes
    numbers[at++] = modifiedMs
    numbers[at++] = input
  }
  return { packed: true, rest, names: names.join('\0'), numbers }
}

/** What can be moved instead of copied. */
export const buffersOf = (packed: PackedChunk): ArrayBuffer[] =>
  packed.packed ? [packed.numbers.buffer] : []

export const isLast = (packed: PackedChunk): boolean =>
  packed.packed ? packed.rest.last : packed.chunk.last

export const unpackChunk = (packed: PackedChunk): PlanChunk => {
  if (!packed.packed) return packed.chunk
  const { rest, names, numbers } = packed
  let at = 0
  const items = names.split('\0').map((name): PlannedItem => ({
    name,
    bytes: numbers[at++] ?? 0,
    modifiedMs: numbers[at++] ?? 0,
    input: numbers[at++] ?? 0,
  }))
  return { ...rest, items }
}
