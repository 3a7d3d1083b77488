/** Mini-batches `from` up to `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** Fewer would leave the map nearly empty. */
const leastShown = 50

/** The same width around another middle, inside the job. */
export const moved = (range: Range, middle: number, total: number): Range => {
  const width = Math.min(total, range.to - range.from)
  const from = Math.max(0, Math.min(total - width, Math.round(middle - width / 2)))
  return { from, to: from + width }
}

/** Closer or farther by a factor, with one mini-batch staying where it is. */
export const zoomedRange = (range: Range, total: number, factor: number, around: number): Range => {
  const before = range.to - range.from
  const width = Math.min(total, Math.max(Math.min(leastShown, total), Math.round(before * factor)))
  const share = before === 0 ? 0 : (around - range.from) / before
  const from = Math.max(0, Math.min(total - width, Math.round(around - share * width)))
  return { from, to: from + width }
}
