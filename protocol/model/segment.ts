import type { ClusterId, PeerId, RecordHash } from './ids.ts'
import type { RecordBody } from './record.ts'

/** Names one record for ever. `incarnation` counts restored or cloned homes, from 0. */
export interface RecordHeader {
  readonly origin: PeerId
  readonly incarnation: number
  /** Place in the origin's log, dense from 0 within the incarnation. */
  readonly sequence: number
  readonly kind: string
  /** SHA-256 of the body's bytes, hex. */
  readonly bodyHash: string
  /** Hash of the header before this one in the same log; '' for the first. */
  readonly previous: RecordHash | ''
}

/** One record in a segment. `body` is null once it was pruned: the header still chains. */
export interface SegmentEntry {
  readonly kind: string
  readonly bodyHash: string
  readonly body: Uint8Array | null
}

/** Consecutive records of one origin under one signature. */
export interface Segment {
  readonly cluster: ClusterId
  readonly origin: PeerId
  readonly incarnation: number
  /** Sequence of the first entry. */
  readonly first: number
  /** Hash of the header before the first entry, '' if there is none. */
  readonly previous: RecordHash | ''
  readonly entries: readonly SegmentEntry[]
  /** Ed25519 over the segment's signed text (see docs/wire/ledger-v1.md), 64 bytes. */
  readonly signature: Uint8Array
}

declare const verified: unique symbol

/**
 * A record whose segment's signature, chain and hashes were checked. Only `network`-free code that did
 * the check may make one; rooms that decide take nothing else. `body` is undefined for an unknown kind
 * and for a pruned body.
 */
export type VerifiedRecord = {
  readonly header: RecordHeader
  readonly hash: RecordHash
  readonly body: RecordBody | undefined
} & { readonly [verified]: true }
