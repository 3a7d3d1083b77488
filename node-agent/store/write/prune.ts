import { isForgettable } from '#protocol/model/forgettable.ts'
import type { ForgettableBody } from '#protocol/model/forgettable.ts'
import type { Segment, SegmentEntry } from '#protocol/model/segment.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { decodeRecordBody } from '#protocol/wire/ledger/records.ts'
import { decodeSegment, encodeSegment } from '#protocol/wire/ledger/segment.ts'
import type { Db } from '../database.ts'

/**
 * Takes bodies of forgotten jobs out of segments. Their headers stay, so chain and signature hold as before.
 * Runs inside the caller's transaction.
 */
export interface Pruner {
  /** Drops all bodies that speak of the job, and gives the blobs that they named. */
  readonly job: (job: string) => readonly BlobHash[]
  /** A segment that is about to be stored, without bodies of which `isGone` is true. */
  readonly segment: (bytes: Uint8Array, isGone: (body: ForgettableBody) => boolean) => Uint8Array
}

export const createPruner = (db: Db): Pruner => {
  const naming = db.prepare<[Buffer], { readonly id: number; readonly bytes: Uint8Array }>(
    'SELECT id, bytes FROM segment WHERE instr(bytes, ?) > 0',
  )
  const change = db.prepare('UPDATE segment SET bytes = ? WHERE id = ?')
  return {
    job: (job) => {
      const blobs = new Set<BlobHash>()
      const isOf = (body: ForgettableBody): boolean => {
        if (body.job !== job) return false
        for (const blob of blobsOf(body)) blobs.add(blob)
        return true
      }
      for (const { id, bytes } of naming.all(Buffer.from(job))) {
        const pruned = prune(bytes, isOf)
        if (pruned !== bytes) change.run(pruned, id)
      }
      return [...blobs]
    },
    segment: prune,
  }
}

const prune = (bytes: Uint8Array, isGone: (body: ForgettableBody) => boolean): Uint8Array => {
  const segment: Segment = decodeSegment(bytes)
  let changed = false
  const entries = segment.entries.map((entry): SegmentEntry => {
    const body = readBody(entry)
    if (body === undefined || !isForgettable(body) || !isGone(body)) return entry
    changed = true
    return { ...entry, body: null }
  })
  return changed ? encodeSegment({ ...segment, entries }) : bytes
}

const readBody = ({ kind, body }: SegmentEntry) => {
  if (body === null) return undefined
  try {
    return decodeRecordBody(kind, body)
  } catch {
    return undefined
  }
}

const blobsOf = (body: ForgettableBody): readonly BlobHash[] => {
  if (body.kind === 'plan-chunk-written') return [body.blob]
  return body.kind === 'committed' ? body.groups.map(({ chunk }) => chunk) : []
}
