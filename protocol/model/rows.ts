import type { AttemptRun } from './attempt.ts'
import type { BlobHash, ItemIndex, JobId, MiniBatchIndex, PeerId } from './ids.ts'

/** An item for which there is no row, and why. */
export interface ItemFailure {
  readonly item: ItemIndex
  readonly name: string
  /** One sentence: what is wrong with the item. */
  readonly message: string
}

/** What one attempt returned, row by row in columns. */
interface AttemptColumns {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  /** Item of each row, ascending; an item may have several rows. */
  readonly items: readonly ItemIndex[]
  /** Name of the item of each row, for whoever shows or searches rows without the plan at hand. */
  readonly names: readonly string[]
  readonly failures: readonly ItemFailure[]
  /** Files that the script left in its output directory; undefined if there are none. */
  readonly files?: AttemptFiles
  /** When and where it ran; undefined if its worker did not say. */
  readonly ran?: AttemptRun
  /** What was in its items, of a table in its slices: see `content.ts`. Undefined if its worker did not say. */
  readonly contents?: Uint8Array
}

/** The files of one attempt: they travel in one blob, one behind the other in the order of `list`. */
export interface AttemptFiles {
  /** The blob; no other attempt has the same, since its first bytes name this one. */
  readonly pack: BlobHash
  readonly list: readonly OutputFile[]
}

/** A file that a script wrote. */
export interface OutputFile {
  /** Path below the output directory, with `/`; see `isOutputPath`. */
  readonly path: string
  readonly bytes: number
  /** Its SHA-256. */
  readonly hash: BlobHash
}

/** What one attempt returned, as it is carried: nobody on the way reads a row. */
export interface AttemptRows extends AttemptColumns {
  /** JSON texts of the rows in UTF-8, joined by newlines, which JSON texts do not have; empty without rows. */
  readonly lines: Uint8Array
}

/** Rows of one worker and job that go into one result chunk. Position = place in `entries`. */
export interface ChunkRows {
  readonly job: JobId
  readonly peer: PeerId
  readonly entries: readonly AttemptRows[]
}

/** What one attempt returned, as it is read: `rows[i]` is the JSON text of one row. */
export interface ReadRows extends AttemptColumns {
  readonly rows: readonly string[]
}

/** A result chunk, unpacked. Position = place in `entries`. */
export interface ResultChunk {
  readonly job: JobId
  readonly peer: PeerId
  readonly entries: readonly ReadRows[]
}

/** A committed mini-batch as the keeper must find it. */
export interface CommittedRows {
  readonly job: JobId
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly peer: PeerId
  readonly chunk: BlobHash
  readonly position: number
}

/** Part of the words on items of a mini-batch whose rows were too few and carried no keys. */
export const unsureWhich = 'so which of them have none is not known'
