import type { ItemPlace } from './runtime.ts'
import type { TableInput } from '#protocol/model/input.ts'
import type { PlannedFile, PlannedItem, PlannedSlice, PlannedTable } from '#protocol/model/plan.ts'

/** An item's content, or why it cannot be had. */
export type ItemContent =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly modifiedMs: number }
  | { readonly ok: false; readonly problem: string }

/** Reads files of inputs that lie on this machine, held against what the plan saw of them. */
export interface ItemReader {
  /**
   * Reads one planned item below `root`. A file that changed since the plan (size or time), vanished, is
   * too large, or leads out of `root` by a link is a problem in words, never an exception.
   */
  readonly read: (root: string, item: PlannedItem) => Promise<ItemContent>
  /**
   * Where the worker process may look for items in place: folders whose real paths are inside `root`. The files
   * are not looked at; the process checks that each is as planned. Undefined: only `read` can say what is wrong.
   */
  readonly places: (
    root: string,
    items: readonly PlannedItem[],
  ) => Promise<readonly (ItemPlace | undefined)[]>
  /** The item as it is now: with the size and time of its file, or as it was if that is gone. */
  readonly lookAgain: (root: string, item: PlannedItem) => Promise<PlannedItem>
  /**
   * Slices with only some records of a slice of a table, by their places in it, ascending. The slice itself if
   * they cannot be told apart: its file is not what the plan saw, which is told when it is read.
   */
  readonly narrow: (
    input: TableInput,
    slice: PlannedSlice,
    wanted: readonly number[],
  ) => Promise<readonly PlannedSlice[]>
  /** Absolute path if the file may be opened in place: inside `root`, same size and time as planned. */
  readonly inPlacePath: (root: string, item: PlannedItem) => Promise<string | undefined>
  /**
   * Reads stretches of one file of a table, in their order, in pieces of at most `limits.bulkFrameBytes`.
   * One problem in words in place of all that is left, if the file is not what the plan saw.
   */
  readonly readStretches: (
    root: string,
    file: PlannedTable,
    stretches: readonly Stretch[],
  ) => AsyncIterable<StretchPiece | { readonly problem: string }>
  /**
   * All bytes of a file of any size in pieces of at most `limits.bulkFrameBytes`, then their hash; or a problem in
   * words in place of what is left.
   */
  readonly copy: (
    root: string,
    file: PlannedFile,
  ) => AsyncIterable<
    { readonly bytes: Uint8Array } | { readonly sha256: string } | { readonly problem: string }
  >
  /** As `inPlacePath`, for a file of any size. */
  readonly tablePath: (root: string, file: PlannedFile) => Promise<string | undefined>
}

/** Bytes of a file. */
export interface Stretch {
  readonly offset: number
  readonly length: number
}

/** Some bytes of a stretch; the pieces of one come in order. */
export interface StretchPiece {
  /** Position in the list of stretches. */
  readonly stretch: number
  readonly bytes: Uint8Array
}
