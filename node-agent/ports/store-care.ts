import type { BlobHash } from '#protocol/model/ids.ts'

/** `total` 0: not known yet. */
export type CareProgress = (done: number, total: number) => void

/** Looks after the database and its ledger, in a thread of its own: the agent goes on meanwhile. */
export interface StoreCare {
  /** Size of the database and its journal. */
  readonly bytes: () => Promise<number>
  /** The database's own check: what is wrong in its words, empty if nothing. */
  readonly integrity: (signal: AbortSignal) => Promise<readonly string[]>
  /** Reads every segment of every log again: signatures, hashes, chains. */
  readonly chains: (progress: CareProgress, signal: AbortSignal) => Promise<ChainFindings>
  /** Digests of the folded tables in a copy, before and after they are folded anew there. */
  readonly rebuildCopy: (
    signal: AbortSignal,
  ) => Promise<{ readonly before: string; readonly after: string }>
  /** Blobs that something in the ledger names, and those of them that must be on this machine. */
  readonly blobNames: (signal: AbortSignal) => Promise<{
    readonly named: readonly BlobHash[]
    readonly needed: readonly BlobHash[]
  }>
}

/** What reading all segments of the ledger showed. */
export interface ChainFindings {
  readonly segments: number
  readonly records: number
  /** A sentence each. */
  readonly problems: readonly string[]
}

/** What lies in the blob folder. */
export interface BlobAudit {
  readonly list: () => Promise<readonly StoredBlob[]>
  /** Whether the bytes still hash to the name. */
  readonly isWhole: (blob: BlobHash, signal: AbortSignal) => Promise<boolean>
}

/** A blob as it lies on the disk; its content is not looked at. */
export interface StoredBlob {
  readonly blob: BlobHash
  readonly bytes: number
  readonly modifiedMs: number
}
