import type { MusterError } from '#protocol/errors.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import type { Result } from '#protocol/model/result.ts'

/** Bytes named by their SHA-256, under the agent's home. Whatever is stored was verified. */
export interface Blobs {
  readonly has: (blob: BlobHash) => Promise<boolean>
  /** Size, or undefined if it is not here. */
  readonly size: (blob: BlobHash) => Promise<number | undefined>
  /** Stores bytes; durable (fsynced, renamed, folder fsynced) when it resolves. Doing it twice is harmless. */
  readonly put: (
    bytes: Uint8Array,
    options?: Pick<PutOptions, 'beforeHere'>,
  ) => Promise<Result<BlobHash, MusterError>>
  /** Copies a file in, without holding it in memory. */
  readonly putFile: (
    path: string,
    options?: PutOptions,
  ) => Promise<Result<{ blob: BlobHash; bytes: number }, MusterError>>
  /** Stores a stream that must hash to `blob`, resumable: see `partialSize`. `BlobCorrupt` deletes what came. */
  readonly putStream: (
    blob: BlobHash,
    offset: number,
    parts: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ) => Promise<Result<number, MusterError>>
  /** Bytes of an unfinished `putStream` that can be resumed; 0 if none. */
  readonly partialSize: (blob: BlobHash) => Promise<number>
  /** Whole blob in memory. `BlobMissing`, or `BlobCorrupt` if it no longer hashes to its name. */
  readonly read: (blob: BlobHash) => Promise<Result<Uint8Array, MusterError>>
  /** The bytes from an offset on. A frame may be overwritten when the next one is asked for. */
  readonly stream: (blob: BlobHash, options: BlobStreamOptions) => AsyncIterable<Uint8Array>
  /** Absolute path of a stored blob, for libraries that open files. The file must not be changed. */
  readonly path: (blob: BlobHash) => string
  readonly delete: (blob: BlobHash) => Promise<void>
}

/** How bytes or a file become a blob. */
export interface PutOptions {
  readonly signal?: AbortSignal
  /**
   * Awaited when the hash is known and the blob is not yet here, so that whoever must delete it one day can
   * note its name first: a kill in between leaves a note without a blob, never a blob without a note. When it
   * throws, nothing is stored.
   */
  readonly beforeHere?: (blob: BlobHash) => Promise<void>
}

/** What of a blob is streamed, and how. */
export interface BlobStreamOptions {
  readonly offset: number
  /** Frames are at most this long. */
  readonly frameBytes: number
  /**
   * Hashes along when it starts at 0, and ends with `BlobCorrupt` if the file on the disk is damaged. Who
   * receives a blob checks it anyway, so this is for those who doubt.
   */
  readonly check?: boolean
}
