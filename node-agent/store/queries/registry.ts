import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import type { Db } from '../database.ts'

/** What is registered beside models. */
export interface RegistryQueries {
  /** The counting version of each, by name. */
  readonly datastores: () => readonly Datastore[]
  /** All versions, newest first. */
  readonly datasets: () => readonly Dataset[]
  readonly dataset: (name: string, version?: number) => Dataset | undefined
  /** The highest version that was ever given to this name, removed ones too; 0 if none. */
  readonly highest: (kind: 'datastore' | 'dataset', name: string) => number
}

export const createRegistryQueries = (db: Db): RegistryQueries => {
  const datastores = db
    .prepare<[], string>(
      `SELECT body FROM registered AS one
       WHERE kind = 'datastore'
         AND version = (SELECT max(version) FROM registered AS other
                        WHERE other.kind = one.kind AND other.name = one.name)
         AND version > coalesce((SELECT version FROM unregistered AS gone
                                 WHERE gone.kind = one.kind AND gone.name = one.name), 0)
       ORDER BY name`,
    )
    .pluck()
  const datasets = db
    .prepare<[], string>(
      `SELECT body FROM registered WHERE kind = 'dataset' ORDER BY name, version DESC`,
    )
    .pluck()
  const newest = db
    .prepare<[string], string>(
      `SELECT body FROM registered WHERE kind = 'dataset' AND name = ?
       ORDER BY version DESC LIMIT 1`,
    )
    .pluck()
  const exact = db
    .prepare<[string, number], string>(
      `SELECT body FROM registered WHERE kind = 'dataset' AND name = ? AND version = ?`,
    )
    .pluck()
  const highest = db
    .prepare<[string, string, string, string], number>(
      `SELECT max(
         coalesce((SELECT max(version) FROM registered WHERE kind = ? AND name = ?), 0),
         coalesce((SELECT version FROM unregistered WHERE kind = ? AND name = ?), 0))`,
    )
    .pluck()
  return {
    datastores: () => datastores.all().map((body) => JSON.parse(body) as Datastore),
    datasets: () => datasets.all().map((body) => JSON.parse(body) as Dataset),
    dataset: (name, version) => {
      const body = version === undefined ? newest.get(name) : exact.get(name, version)
      return body === undefined ? undefined : (JSON.parse(body) as Dataset)
    },
    highest: (kind, name) => highest.get(kind, name, kind, name) ?? 0,
  }
}
