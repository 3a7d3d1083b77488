/** Steps (letter added, left out, changed, or two neighbours swapped) from one word to another. */
export const editDistance = (from: string, to: string): number => {
  let older: number[] = []
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const cost = from[i - 1] === to[j - 1] ? 0 : 1
      const above = previous[j] ?? 0
      let best = Math.min(above + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost)
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (i > 1 && j > 1 && swapped) best = Math.min(best, (older[j - 2] ?? 0) + 1)
      row.push(best)
    }
    older = previous
    previous = row
  }
  return previous[to.length] ?? 0
}

/**
 * Known words that were probably meant, nearest first, at most three. Case, hyphens and underscores count
 * for nothing: `miniBatchSize` is near `mini_batch_size`.
 */
export const suggest = (written: string, known: readonly string[]): readonly string[] => {
  const bare = bareWord(written)
  // A third of the letters may differ; a dotted name must be near in its last part alone.
  const most = Math.ceil((bare.length - bare.lastIndexOf('.') - 1) / 3)
  const near = known
    .map((word) => ({ word, distance: editDistance(bare, bareWord(word)) }))
    .filter(({ distance }) => distance <= most)
    // Of equally near ones first those of the same length: a wrong letter is likelier than a missing one.
    .toSorted(
      (a, b) => a.distance - b.distance || lengthGap(a.word, bare) - lengthGap(b.word, bare),
    )
  const best = near[0]?.distance ?? 0
  return near.flatMap(({ word, distance }) => (distance <= best + 1 ? [word] : [])).slice(0, 3)
}

const lengthGap = (word: string, bare: string): number =>
  Math.abs(bareWord(word).length - bare.length)

const bareWord = (word: string): string => word.slice(0, 64).toLowerCase().replaceAll(/[-_ ]/g, '')
