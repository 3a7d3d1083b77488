/**
 * Branded identifiers. A brand costs nothing at run time; it keeps a peer's name
 * from being passed where a blob's hash is meant.
 */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** libp2p's name of an agent: the base58 text of the hash of its Ed25519 public key. */
export type PeerId = Branded<string, 'PeerId'>

/** SHA-256 (64 lower-case hex digits) of the genesis record's body: the cluster's unforgeable name. */
export type ClusterId = Branded<string, 'ClusterId'>

/** Name of one run of one step. Time-ordered text of 26 characters, made by the submitter's agent. */
export type JobId = Branded<string, 'JobId'>

/** Name of one pipeline run, of the same form as a job's. */
export type PipelineId = Branded<string, 'PipelineId'>

/** Name of a schedule, of the same form as a job's. */
export type ScheduleId = Branded<string, 'ScheduleId'>

/** SHA-256 of a blob's bytes, 64 lower-case hex digits. */
export type BlobHash = Branded<string, 'BlobHash'>

/** SHA-256 of a record header, 64 lower-case hex digits. */
export type RecordHash = Branded<string, 'RecordHash'>

/** Position of a mini-batch in its job's plan, dense from 0. Halves take numbers behind the planned ones. */
export type MiniBatchIndex = number

/** Position of an item in its job's plan, dense from 0. It is also the order of the output. */
export type ItemIndex = number

/** Number of a lease, unique within its term. */
export type LeaseId = number

/** Milliseconds: of a duration, or since 1970-01-01 UTC for a point in time. */
export type Millis = number

/** Casts checked text to a brand. Only codecs, adapters that make ids, and tests call these. */
export const asPeerId = (text: string): PeerId => text as PeerId
export const asClusterId = (text: string): ClusterId => text as ClusterId
/**
 * Takes a text for an id without looking at it, as the following do: only for what was checked, or came from
 * us.
 */
export const asJobId = (text: string): JobId => text as JobId
export const asPipelineId = (text: string): PipelineId => text as PipelineId
export const asScheduleId = (text: string): ScheduleId => text as ScheduleId
export const asBlobHash = (text: string): BlobHash => text as BlobHash
export const asRecordHash = (text: string): RecordHash => text as RecordHash
