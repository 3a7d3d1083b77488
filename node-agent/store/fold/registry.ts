import type {
  DatasetRegistered,
  DatastoreRegistered,
  DatastoreRemoved,
} from '#protocol/model/record.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import type { Db } from '../database.ts'
import type { Ranks, StoredRecord } from './ranks.ts'

type RegistryBody = DatastoreRegistered | DatastoreRemoved | DatasetRegistered

/**
 * Datastores and datasets, by the rule of model versions: of two that took the same number the one that
 * goes first by (registered at, place) keeps it. A removal takes all versions up to its own, whichever of
 * the two came first.
 */
export const createRegistryFold = (
  db: Db,
  ranks: Ranks,
): ((record: StoredRecord, body: RegistryBody) => void) => {
  const find = db.prepare<
    [string, string, number],
    { readonly record: number; readonly registered_at: number }
  >('SELECT record, registered_at FROM registered WHERE kind = ? AND name = ? AND version = ?')
  const put = db.prepare('INSERT OR REPLACE INTO registered VALUES (?, ?, ?, ?, ?, ?)')
  const remove = db.prepare(
    `INSERT INTO unregistered VALUES (?, ?, ?)
     ON CONFLICT (kind, name) DO UPDATE SET version = max(version, excluded.version)`,
  )
  const register = (
    record: StoredRecord,
    kind: 'datastore' | 'dataset',
    thing: Datastore | Dataset,
  ): void => {
    const { name, version, registeredAt } = thing
    if (thing.registeredBy !== record.origin) return
    const known = find.get(kind, name, version)
    const isFirst =
      known === undefined ||
      registeredAt < known.registered_at ||
      (registeredAt === known.registered_at && ranks.isBefore(record, known.record))
    if (isFirst) put.run(kind, name, version, record.id, registeredAt, JSON.stringify(thing))
  }
  return (record, body) => {
    switch (body.kind) {
      case 'datastore-registered':
        return register(record, 'datastore', body.datastore)
      case 'dataset-registered':
        return register(record, 'dataset', body.dataset)
      case 'datastore-removed':
        remove.run('datastore', body.name, body.version)
    }
  }
}
