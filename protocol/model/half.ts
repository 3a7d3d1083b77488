import type { ItemIndex, MiniBatchIndex } from './ids.ts'

/**
 * Halves of mini-batches. A mini-batch is always cut in the middle of its items, and every place between
 * two items of a plan is cut at most once: so a half's number follows from the item where it was cut, two
 * heads that halve the same mini-batch name the same halves, and the plan alone says what a half is part of.
 */

/** A mini-batch with its items, those of the plan as well as halves. */
export interface MiniBatchRange {
  readonly miniBatch: MiniBatchIndex
  readonly firstItem: ItemIndex
  readonly items: number
}

/** A mini-batch that killed its process once too often, and what runs in its place. */
export interface Halving {
  readonly parent: MiniBatchIndex
  /** Follow from the parent's items, see `halve`; they start without charges. */
  readonly halves: readonly MiniBatchRange[]
}

/** Halves are numbered from here on; numbers below are the plan's. They stay below 2^31. */
export const firstHalf = 2 ** 30

/** Whether a number is that of a half. */
export const isHalf = (miniBatch: MiniBatchIndex): boolean => miniBatch >= firstHalf

/** The item where a half was cut off: the first of the second half. */
export const cutOf = (half: MiniBatchIndex): ItemIndex => (half - firstHalf) >> 1

/** The two halves of a mini-batch of at least two items; the first one is the larger if they differ. */
export const halve = (parent: MiniBatchRange): readonly [MiniBatchRange, MiniBatchRange] => {
  const { firstItem, items } = parent
  const first = Math.ceil(items / 2)
  const cut = firstItem + first
  const number = firstHalf + 2 * cut
  return [
    { miniBatch: number, firstItem, items: first },
    { miniBatch: number + 1, firstItem: cut, items: items - first },
  ]
}

/**
 * From a mini-batch of the plan down to one of its halves, both included; undefined if `half` is no part
 * of it.
 */
export const pathToHalf = (
  planned: MiniBatchRange,
  half: MiniBatchIndex,
): readonly MiniBatchRange[] | undefined => {
  const cut = cutOf(half)
  const path = [planned]
  let here = planned
  while (here.items > 1 && cut > here.firstItem && cut < here.firstItem + here.items) {
    const [first, second] = halve(here)
    if (cut === second.firstItem) {
      const found = half === first.miniBatch ? first : second
      return [...path, found]
    }
    here = cut < second.firstItem ? first : second
    path.push(here)
  }
  return undefined
}

/** Numbers that halves of a mini-batch can have, also halves of halves: `from` up to and without `to`. */
export const halvesWithin = ({
  firstItem,
  items,
}: Omit<MiniBatchRange, 'miniBatch'>): {
  readonly from: MiniBatchIndex
  readonly to: MiniBatchIndex
} => ({
  from: firstHalf + 2 * (firstItem + 1),
  to: firstHalf + 2 * (firstItem + items),
})

/** How people read a number: `4` of the plan; `45a` the half before item 45, `45b` the one from it on. */
export const miniBatchName = (miniBatch: MiniBatchIndex): string =>
  isHalf(miniBatch)
    ? `${String(cutOf(miniBatch))}${(miniBatch - firstHalf) % 2 === 0 ? 'a' : 'b'}`
    : String(miniBatch)

/** `items 40 to 44`, or `item 40`. */
export const itemsWords = ({ firstItem, items }: Omit<MiniBatchRange, 'miniBatch'>): string =>
  items === 1
    ? `item ${String(firstItem)}`
    : `items ${String(firstItem)} to ${String(firstItem + items - 1)}`

/** The number behind such a name, or behind the plain number of a half; undefined if it is neither. */
export const readMiniBatchName = (text: string): MiniBatchIndex | undefined => {
  const found = /^(\d{1,10})([ab]?)$/.exec(text)
  if (found === null) return undefined
  const number = Number(found[1])
  if (found[2] === '') return number < 2 * firstHalf ? number : undefined
  return number < 1 || number >= firstHalf / 2
    ? undefined
    : firstHalf + 2 * number + (found[2] === 'a' ? 0 : 1)
}
