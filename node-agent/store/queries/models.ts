import type { Model } from '#protocol/model/model.ts'
import type { PoolRule } from '#protocol/model/pool.ts'
import type { Db } from '../database.ts'

/** Registered models, pools, and the settings of this agent. */
export interface SmallQueries {
  readonly models: () => readonly Model[]
  readonly model: (name: string, version?: number) => Model | undefined
  readonly pools: () => readonly PoolRule[]
  readonly poolClock: (name: string) => number
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
  const pools = db
    .prepare<[], string>('SELECT body FROM pool WHERE body IS NOT NULL ORDER BY name')
    .pluck()
  const poolClock = db.prepare<[string], number>('SELECT clock FROM pool WHERE name = ?').pluck()
  return {
    models: () => all.all().map((body) => JSON.parse(body) as Model),
    model: (name, version) => {
      const body = version === undefined ? newest.get(name) : exact.get(name, version)
      return body === undefined ? undefined : (JSON.parse(body) as Model)
    },
    pools: () => pools.all().map((body) => JSON.parse(body) as PoolRule),
    poolClock: (name) => poolClock.get(name) ?? 0,
    setting: (name) => setting.get(name),
  }
}
