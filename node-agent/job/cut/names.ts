/**
 * Order of names: by the bytes of their UTF-8. JavaScript compares UTF-16 units, which differs only
 * where characters beyond the basic plane meet the few that lie above the surrogates.
 */
export const compareNames = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Lifts surrogates above the rest, where their characters stand in UTF-8. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** Order in which a plan lists the files of one folder and those below it: its files first, then its folders. */
export const comparePaths = (a: string, b: string): number => {
  const [mine, theirs] = [a.split('/'), b.split('/')]
  for (let level = 0; ; level++) {
    const [x = '', y = ''] = [mine[level], theirs[level]]
    const isFile = level === mine.length - 1
    const isOtherFile = level === theirs.length - 1
    if (isFile !== isOtherFile) return isFile ? -1 : 1
    const order = compareNames(x, y)
    if (order !== 0 || isFile) return order
  }
}
