import Database from 'better-sqlite3'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ThreadOptions } from './thread/calls.ts'

export type Db = Database.Database

/** Opens the file for the one thread that writes: every commit is on the disk when it returns. */
export const openForWriting = ({ file, maxBytes }: ThreadOptions): Db => {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('foreign_keys = OFF')
  db.pragma('cache_size = -32768')
  db.pragma('temp_store = MEMORY')
  if (maxBytes !== undefined) {
    const pageBytes = Number(db.pragma('page_size', { simple: true }))
    db.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`)
  }
  return db
}

/** Opens the file beside the writer: a long query sees one state and delays nobody. */
export const openForReading = ({ file }: ThreadOptions): Db => {
  const db = new Database(file, { readonly: true, fileMustExist: true })
  db.pragma('cache_size = -32768')
  db.pragma('temp_store = MEMORY')
  return db
}

/** SQLite's words, made a sentence for people. */
export const toStoreError = ({ file }: ThreadOptions, thrown: unknown): MusterError => {
  if (thrown instanceof MusterFailure) return thrown.error
  const code = codeOf(thrown)
  const detail = `${code} ${thrownToText(thrown)}`
  const is = (...codes: readonly string[]) => codes.some((one) => code.startsWith(one))
  if (is('SQLITE_FULL')) return diskFull(file, detail)
  if (is('SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_AUTH', 'EACCES', 'EROFS')) {
    const message = `The store ${file} cannot be written: check who owns the folder and its permissions.`
    return musterError('HomeNotWritable', message, { detail })
  }
  if (is('SQLITE_BUSY', 'SQLITE_LOCKED')) {
    const message = `The store ${file} is held by another program: close it and try again.`
    return musterError('StoreBroken', message, { retryable: true, detail })
  }
  if (is('SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_IOERR')) return storeBroken(file, detail)
  return musterError('Internal', `The store ${file} could not do what was asked: see the log.`, {
    detail,
  })
}

/** @param detail SQLite's words */
export const storeBroken = (file: string, detail: string): MusterError =>
  musterError(
    'StoreBroken',
    `The store ${file} is damaged or its disk fails: move the file away and start again, ` +
      'the other members send back what was shared with them.',
    { detail },
  )

const diskFull = (file: string, detail: string): MusterError =>
  musterError(
    'DiskFull',
    `The disk that holds the store ${file} is full: free some space and try again.`,
    { retryable: true, detail },
  )

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
