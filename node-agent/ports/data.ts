import type { RunInput } from './runtime.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { JobInput, SharePlace, TableInput } from '#protocol/model/input.ts'
import type { PlannedFile, PlannedSlice } from '#protocol/model/plan.ts'
import type { Result } from '#protocol/model/result.ts'
import type { SameUserProof } from '#protocol/wire/input/protocol.ts'

/** Proof that two agents are the same OS user on the same machine: a nonce file only that user can read. */
export interface SameUser {
  /** Path of a fresh nonce file in this agent's home, and the nonce. */
  readonly offer: () => Promise<SameUserProof>
  /**
   * True if the file is readable, owned by this user, holds the nonce and names `peer`, who showed the
   * proof: a peer that passes on what another offered proves nothing.
   */
  readonly check: (peer: PeerId, proof: SameUserProof) => Promise<boolean>
}

/** Folders and files of this machine outside the store. */
export interface DataFolders {
  /** Real absolute path of a folder. `InputMissing` if it is not there, is none, or the path is relative. */
  readonly check: (path: string) => Promise<Result<string, MusterError>>
  /** Absolute path of the default datastore, which is made if it is not there. */
  readonly own: () => Promise<string>
  /** Deletes a file that a worker process left; one that is gone already is no error. */
  readonly discard: (path: string) => Promise<void>
}

/** The beginning of an input. */
export type Preview =
  | { readonly kind: 'files'; readonly files: readonly PlannedFile[]; readonly more: boolean }
  | {
      readonly kind: 'table'
      readonly files: readonly PlannedFile[]
      readonly columns: readonly string[]
      readonly rows: readonly {
        /** File and number of the record. */
        readonly name: string
        /** Values by column; null for a broken record, of which `problem` tells. */
        readonly value: Readonly<Record<string, unknown>> | null
        readonly problem: string
      }[]
      /** Whether there are more files or records than these. */
      readonly more: boolean
    }

/** Looks into inputs of this machine. */
export interface DataPreview {
  /** The bytes of one file below the input's folder. `InputMissing`, `ItemTooLarge` above `mostBytes` */
  readonly file: (
    input: JobInput,
    name: string,
    mostBytes: number,
  ) => Promise<Result<Uint8Array, MusterError>>
  /** The first files, or the first records of a table, at most `most`. `InputMissing`, `InputUnreadable`, `ItemTooLarge` */
  readonly first: (
    input: JobInput,
    most: number,
    signal: AbortSignal,
  ) => Promise<Result<Preview, MusterError>>
  /**
   * A mini-batch of the first items, at most `most`, to be tried on this machine; with `keys` of the first
   * partition. Numbers of items count from 0. `InputMissing`, `InputEmpty`, `InputUnreadable`, `ItemTooLarge`
   */
  readonly sample: (
    input: JobInput,
    keys: readonly string[],
    most: number,
    signal: AbortSignal,
  ) => Promise<Result<RunInput, MusterError>>
}

/** Names what is in an input by a hash. */
export interface ContentDigest {
  /** SHA-256 (hex) over the names and the bytes of all its files. Reads all of them. `InputMissing` */
  readonly of: (input: JobInput, signal: AbortSignal) => Promise<Result<string, MusterError>>
  /**
   * What is in a planned file of an input now, as in `protocol/model/content.ts`, hex; undefined if it is no
   * longer as planned or cannot be read.
   */
  readonly file: (
    input: JobInput,
    planned: PlannedFile,
    signal: AbortSignal,
  ) => Promise<string | undefined>
  /** The same of slices of a table, in their order; of their files just their bytes are read, and footers of Parquet. */
  readonly slices: (
    input: TableInput,
    slices: readonly PlannedSlice[],
    signal: AbortSignal,
  ) => Promise<readonly (string | undefined)[]>
}

/** Where shares lie on this machine. */
export interface Shares {
  /**
   * Real absolute path of a place in a share mapped to `root`. `InputMissing` if it is not there, or if
   * a link leads it out of the share.
   */
  readonly resolve: (root: string, place: SharePlace) => Promise<Result<string, MusterError>>
}
