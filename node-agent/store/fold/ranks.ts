import type { PeerId } from '#protocol/model/ids.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { Db } from '../database.ts'

/** A stored record on its way into the views. */
export interface StoredRecord extends RecordPlace {
  /** Number in the table of records. */
  readonly id: number
  readonly body: RecordBody
}

/** Where a record stands, the same on every member. */
export interface RecordPlace {
  readonly origin: PeerId
  readonly incarnation: number
  readonly sequence: number
}

/** Which of two records goes first when they disagree. */
export interface Ranks {
  readonly placeOf: (record: number) => RecordPlace
  /** Whether `record` goes before the stored record `other`. */
  readonly isBefore: (record: RecordPlace, other: number) => boolean
}

export const createRanks = (db: Db): Ranks => {
  const find = db.prepare<[number], RecordPlace>(
    `SELECT log.origin, log.incarnation, record.sequence
     FROM record JOIN log ON log.id = record.log WHERE record.id = ?`,
  )
  const placeOf = (record: number): RecordPlace => {
    const place = find.get(record)
    if (place === undefined) throw new Error(`no record ${record}`)
    return place
  }
  return { placeOf, isBefore: (record, other) => comparePlaces(record, placeOf(other)) < 0 }
}

export const comparePlaces = (a: RecordPlace, b: RecordPlace): number =>
  a.origin === b.origin
    ? a.incarnation - b.incarnation || a.sequence - b.sequence
    : a.origin < b.origin
      ? -1
      : 1
