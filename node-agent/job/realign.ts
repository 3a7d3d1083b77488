import type { MiniBatchSize } from '#protocol/model/job.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { isFull } from './cut/mini-batches.ts'

/** What an earlier plan says, for cutting a new one. */
export interface EarlierCuts {
  /** The earlier mini-batch that began with this file, if one did. */
  readonly beginningWith: (item: PlannedItem) => PieceSize | undefined
  /** Whether just these files were an earlier mini-batch. */
  readonly isKnown: (items: readonly PlannedItem[]) => boolean
}

export interface PieceSize {
  readonly items: number
  readonly bytes: number
}

/**
 * Cuts files into mini-batches that are those of an earlier plan again wherever nothing changed: a new one
 * begins where an earlier one began, so that a file which came or went leaves one of odd size behind
 * instead of moving all further boundaries. A changed piece and the earlier mini-batch behind it are joined
 * where both fit into one: odd ones do not pile up over many runs.
 *
 * @param isEnd nothing follows these files
 * @returns lengths; files beyond their sum belong to a mini-batch that is not full yet
 */
export const realign = (
  items: readonly PlannedItem[],
  size: MiniBatchSize,
  earlier: EarlierCuts,
  isEnd: boolean,
): readonly number[] => {
  const lengths: number[] = []
  let [begin, bytes] = [0, 0]
  for (const [at, item] of items.entries()) {
    const filling = { items: at - begin, bytes }
    const before = items[at - 1]
    const isOtherInput = before !== undefined && before.input !== item.input
    const mustCut = isOtherInput || isFull(size, filling, item.bytes)
    if (at > begin && (mustCut || beginsAgain(item, filling, at))) {
      lengths.push(at - begin)
      begin = at
      bytes = 0
    }
    bytes += item.bytes
  }
  if (isEnd && begin < items.length) lengths.push(items.length - begin)
  return lengths

  function beginsAgain(item: PlannedItem, filling: PieceSize, at: number): boolean {
    const next = earlier.beginningWith(item)
    if (next === undefined) return false
    const both = { items: filling.items + next.items - 1, bytes: filling.bytes }
    return isFull(size, both, next.bytes) || earlier.isKnown(items.slice(begin, at))
  }
}
