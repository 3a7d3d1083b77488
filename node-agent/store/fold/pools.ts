import type { PoolRemoved, PoolSet } from '#protocol/model/pool.ts'
import type { Db } from '../database.ts'
import type { Ranks, StoredRecord } from './ranks.ts'

/** Of each pool the last word by (clock, origin, sequence); a removed one stays as a line without a rule. */
export const createPoolFold = (
  db: Db,
  ranks: Ranks,
): ((record: StoredRecord, body: PoolSet | PoolRemoved) => void) => {
  const find = db.prepare<[string], { readonly record: number; readonly clock: number }>(
    'SELECT record, clock FROM pool WHERE name = ?',
  )
  const put = db.prepare('INSERT OR REPLACE INTO pool VALUES (?, ?, ?, ?)')
  return (record, body) => {
    const name = body.kind === 'pool-set' ? body.pool.name : body.name
    const known = find.get(name)
    const isLast =
      known === undefined ||
      body.clock > known.clock ||
      (body.clock === known.clock && !ranks.isBefore(record, known.record))
    const rule = body.kind === 'pool-set' ? JSON.stringify(body.pool) : null
    if (isLast) put.run(name, record.id, body.clock, rule)
  }
}
