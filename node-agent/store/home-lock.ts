import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import Database from 'better-sqlite3'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/**
 * Makes sure that one agent at a time uses a home. The lock is the operating system's own, taken through
 * SQLite on an empty database: it ends with the process, also at `kill -9`, and is the same on every system.
 */
export const lockHome = (home: string): Result<Disposable, MusterError> => {
  const holderFile = join(home, 'agent.holder')
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    const database = new Database(join(home, 'agent.lock'), { timeout: 100 })
    try {
      database.exec('BEGIN EXCLUSIVE')
    } catch (thrown) {
      database.close()
      if (isBusy(thrown)) return err(inUse(home, readHolder(holderFile)))
      throw thrown
    }
    writeFileSync(holderFile, String(process.pid))
    return ok({ [Symbol.dispose]: () => database.close() })
  } catch (thrown) {
    return err(
      musterError(
        'HomeNotWritable',
        `The folder ${home} cannot be written; choose another with --home or change its permissions.`,
        { detail: thrownToText(thrown) },
      ),
    )
  }
}

const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Database.SqliteError && thrown.code.startsWith('SQLITE_BUSY')

const readHolder = (file: string): string => {
  try {
    return ` (process ${readFileSync(file, 'utf8').trim()})`
  } catch {
    return ''
  }
}

const inUse = (home: string, holder: string): MusterError =>
  musterError(
    'HomeInUse',
    `The folder ${home} is in use by another agent${holder}; stop that one or choose another folder with --home.`,
  )
