/**
 * Where a table's file is cut: into equal pieces, no larger than a mini-batch may be, each of which ends at
 * the first end of a record behind its own.
 */
export interface Pieces {
  /** The end at or behind which the next cut is made, for a piece that begins at `position`. */
  readonly endBehind: (position: number) => number
}

/** `start` is behind the header. */
export const cutIntoPieces = (start: number, end: number, size: number): Pieces => {
  const bytes = Math.max(0, end - start)
  const pieces = Math.max(1, Math.ceil(bytes / size))
  const endOf = (piece: number): number => start + Math.floor((bytes * piece) / pieces)
  return {
    endBehind: (position) => {
      let piece = Math.max(1, Math.floor(((position - start) * pieces) / Math.max(1, bytes)))
      while (piece < pieces && endOf(piece) <= position) piece += 1
      return endOf(piece)
    },
  }
}
