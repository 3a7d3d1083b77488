import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { Db } from '../database.ts'
import { ledgerTables } from './schema/01-ledger.ts'
import { nameTables } from './schema/02-names.ts'
import { foldedTables } from './schema/03-folds.ts'
import { rowTables } from './schema/04-rows.ts'
import { fileTables } from './schema/05-files.ts'

/**
 * Steps from one version of the file to the next: entry n leads to version n + 1. A step once released is
 * never changed. Tables themselves are created by the schema, which is run at every start.
 */
const migrations: readonly ((db: Db) => void)[] = [
  () => undefined,
  (db) => {
    for (const column of ['started_at REAL', 'run_ms INTEGER', 'process INTEGER'])
      db.exec(`ALTER TABLE kept ADD COLUMN ${column}`)
  },
  (db) => db.exec('ALTER TABLE kept ADD COLUMN contents BLOB'),
]

/**
 * Version of the folding rules. When it differs from the file's, the views are folded again: raise it
 * with every change to a rule, a folded table, or the kinds of records that are understood.
 */
export const foldVersion = 7

const schema = [ledgerTables, nameTables, foldedTables, rowTables, fileTables]

/** Brings the file to this version. @throws MusterFailure `StoreBroken` for a file from the future */
export const migrate = (db: Db, file: string): void => {
  const version = Number(db.pragma('user_version', { simple: true }))
  if (version > migrations.length) {
    const message = `The store ${file} was written by a newer Muster: update this one, or use the newer.`
    throw new MusterFailure(musterError('StoreBroken', message, { detail: `version ${version}` }))
  }
  const run = db.transaction(() => {
    for (const tables of schema) db.exec(tables)
    if (version > 0) for (const step of migrations.slice(version)) step(db)
    db.pragma(`user_version = ${migrations.length}`)
  })
  run.immediate()
}
