import type { PeerId } from '#protocol/model/ids.ts'
import type { SealedSegment } from '#protocol/wire/ledger/segment-rules.ts'
import type { Db } from '../database.ts'
import type { Folder } from '../fold/fold.ts'

/** Stores checked segments and folds what is new in them. Runs inside the caller's transaction. */
export type SegmentWriter = (segment: SealedSegment) => void

export const createSegmentWriter = (db: Db, folder: Folder): SegmentWriter => {
  const change = db.prepare('UPDATE segment SET bytes = ? WHERE id = ?')
  const logOf = createLogs(db)
  const addSegment = db.prepare('INSERT INTO segment (log, first, last, bytes) VALUES (?, ?, ?, ?)')
  const addRecord = db.prepare(
    'INSERT INTO record (log, sequence, segment, kind, hash) VALUES (?, ?, ?, ?, ?)',
  )
  const moveEnd = db.prepare('UPDATE log SET sequence = ?, hash = ? WHERE id = ?')
  return (sealed) => {
    const { origin, incarnation, first, last, lastHash, bytes, records } = sealed
    const log = logOf(origin, incarnation)
    const segment = Number(addSegment.run(log, first, last, bytes).lastInsertRowid)
    for (const { header, hash, body } of records) {
      const { sequence, kind } = header
      const added = addRecord.run(log, sequence, segment, kind, Buffer.from(hash, 'hex'))
      const id = Number(added.lastInsertRowid)
      if (body !== undefined) folder.fold({ id, origin, incarnation, sequence, body })
    }
    // Somebody who has not heard yet that a job is forgotten sent what was said of it.
    const pruned = folder.withoutGone(sealed)
    if (pruned !== bytes) change.run(pruned, segment)
    moveEnd.run(last, Buffer.from(lastHash, 'hex'), log)
  }
}

const createLogs = (db: Db) => {
  const find = db
    .prepare<[string, number], number>('SELECT id FROM log WHERE origin = ? AND incarnation = ?')
    .pluck()
  const add = db.prepare(
    "INSERT INTO log (origin, incarnation, sequence, hash) VALUES (?, ?, -1, x'')",
  )
  return (origin: PeerId, incarnation: number): number =>
    find.get(origin, incarnation) ?? Number(add.run(origin, incarnation).lastInsertRowid)
}
