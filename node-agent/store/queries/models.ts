import type { Model } from '#protocol/model/model.ts'
import type { Db } from '../database.ts'

/** Registered models, and the settings of this agent. */
export interface SmallQueries {
  readonly models: () => readonly Model[]
  readonly model: (name: string, version?: number) => Model | undefined
  readonly setting: (name: string) => string | undefined
}

export const createSmallQueries = (db: Db): SmallQueries => {
  const all = db
    .prepare<[], string>('SELECT body FROM model_registered ORDER BY name, version DESC')
    .pluck()
  const newest = db
    .prepare<[string], string>(
      'SELECT body FROM model_registered WHERE name = ? ORDER BY version DESC LIMIT 1',
    )
    .pluck()
  const exact = db
    .prepare<[string, number], string>(
      'SELECT body FROM model_registered WHERE name = ? AND version = ?',
    )
    .pluck()
  const setting = db.prepare<[string], string>('SELECT value FROM setting WHERE name = ?').pluck()
  return {
    models: () => all.all().map((body) => JSON.parse(body) as Model),
    model: (name, version) => {
      const body = version === undefined ? newest.get(name) : exact.get(name, version)
      return body === undefined ? undefined : (JSON.parse(body) as Model)
    },
    setting: (name) => setting.get(name),
  }
}
