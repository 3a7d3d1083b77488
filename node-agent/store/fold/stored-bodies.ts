import type { RecordBody } from '#protocol/model/record.ts'
import { decodeRecordBody } from '#protocol/wire/ledger/records.ts'
import { decodeSegment } from '#protocol/wire/ledger/segment.ts'
import type { Db } from '../database.ts'
import type { StoredRecord } from './ranks.ts'

/** Reads stored records back from their segments; undefined for what this version does not understand. */
export interface StoredBodies {
  readonly read: (record: number) => StoredRecord | undefined
}

interface Row {
  readonly origin: StoredRecord['origin']
  readonly incarnation: number
  readonly sequence: number
  readonly segment: number
  readonly kind: string
}

export const createStoredBodies = (db: Db): StoredBodies => {
  const find = db.prepare<[number], Row>(
    `SELECT log.origin, log.incarnation, record.sequence, record.segment, record.kind
     FROM record JOIN log ON log.id = record.log WHERE record.id = ?`,
  )
  const bytesOf = db.prepare<[number], Uint8Array>('SELECT bytes FROM segment WHERE id = ?').pluck()
  // Records are asked in order, hence mostly from the same segment.
  let open: { readonly id: number; readonly segment: ReturnType<typeof decodeSegment> } | undefined
  const segmentOf = (id: number): ReturnType<typeof decodeSegment> => {
    if (open?.id !== id) open = { id, segment: decodeSegment(bytesOf.get(id) ?? new Uint8Array()) }
    return open.segment
  }
  return {
    read: (record) => {
      const row = find.get(record)
      if (row === undefined) return undefined
      const segment = segmentOf(row.segment)
      const bytes = segment.entries[row.sequence - segment.first]?.body
      const body = bytes === undefined || bytes === null ? undefined : readBody(row.kind, bytes)
      return body === undefined ? undefined : { ...row, id: record, body }
    },
  }
}

/** A body that does not fit counts as unknown, as it did when it came. */
const readBody = (kind: string, bytes: Uint8Array): RecordBody | undefined => {
  try {
    return decodeRecordBody(kind, bytes)
  } catch {
    return undefined
  }
}
