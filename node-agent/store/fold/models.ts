import type { ModelRegistered } from '#protocol/model/record.ts'
import type { Db } from '../database.ts'
import type { Ranks, StoredRecord } from './ranks.ts'

/**
 * Two members may give the same version at the same time. The registration that goes first by
 * (registered at, registered by) keeps the number; the other does not count and is registered again.
 */
export const createModelFold = (
  db: Db,
  ranks: Ranks,
): ((record: StoredRecord, body: ModelRegistered) => void) => {
  const find = db.prepare<
    [string, number],
    { readonly record: number; readonly registered_at: number }
  >('SELECT record, registered_at FROM model_registered WHERE name = ? AND version = ?')
  const put = db.prepare('INSERT OR REPLACE INTO model_registered VALUES (?, ?, ?, ?, ?)')
  return (record, { model }) => {
    if (model.registeredBy !== record.origin) return
    const known = find.get(model.name, model.version)
    const isFirst =
      known === undefined ||
      model.registeredAt < known.registered_at ||
      (model.registeredAt === known.registered_at && ranks.isBefore(record, known.record))
    if (!isFirst) return
    put.run(model.name, model.version, record.id, model.registeredAt, JSON.stringify(model))
  }
}
