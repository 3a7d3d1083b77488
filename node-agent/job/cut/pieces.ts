/**
 * Where a table's file is cut: at the first end of a record at or behind each multiple of the size. What is
 * added to a file moves no cut before it, so that the rows of what stood there can be taken over.
 */
export interface Pieces {
  /** The end at or behind which the next cut is made, for a piece that begins at `position`. */
  readonly endBehind: (position: number) => number
}

/** `start` is behind the header. */
export const cutIntoPieces = (start: number, end: number, size: number): Pieces => ({
  endBehind: (position) => {
    const piece = Math.floor(Math.max(0, position - start) / size)
    return Math.min(end, start + (piece + 1) * size)
  },
})
