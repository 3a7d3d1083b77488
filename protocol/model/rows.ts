import type { BlobHash, ItemIndex, JobId, MiniBatchIndex, PeerId } from './ids.ts'

/** An item for which there is no row, and why. */
export interface ItemFailure {
  readonly item: ItemIndex
  readonly name: string
  /** One sentence: what is wrong with the item. */
  readonly message: string
}

/**
 * What one attempt returned. `rows[i]` is the JSON text of one row and `items[i]` the item it belongs to,
 * ascending; an item may have several rows.
 */
export interface AttemptRows {
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly items: readonly ItemIndex[]
  readonly rows: readonly string[]
  /** `names[i]` is the name of item `items[i]`, for whoever shows or searches rows without the plan at hand. */
  readonly names?: readonly string[]
  readonly failures: readonly ItemFailure[]
  /** Files that the script left in its output directory; undefined if there are none. */
  readonly files?: AttemptFiles
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
  /** SHA-256, hex. */
  readonly hash: string
}

/** A result chunk, unpacked: rows of one worker and one job. Position = place in `entries`. */
export interface ResultChunk {
  readonly job: JobId
  readonly peer: PeerId
  readonly entries: readonly AttemptRows[]
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
