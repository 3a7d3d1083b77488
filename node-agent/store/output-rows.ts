import type { FileSource, RowSource } from '#agent/ports/output.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { openForReading, toStoreError } from './database.ts'
import { createCommitQueries } from './queries/commits.ts'
import { createJobQueries } from './queries/jobs.ts'
import { createFilesQuery } from './queries/packs.ts'
import { shownJob } from './queries/shown-job.ts'

/** The rows of jobs for a thread that writes them into files. */
export interface OutputRows extends Disposable {
  /** Ids of jobs that start with `prefix`, at most 2. */
  readonly findJobs: (prefix: string) => readonly JobId[]
  /** Rows that counted commits returned and that are not here. */
  readonly elsewhere: (job: JobId) => number
  /** Reads in one state of the store, whatever is written meanwhile. @throws MusterFailure */
  readonly reading: <T>(job: JobId, read: (state: OutputState) => T) => T
}

/** One job in one state of the store. */
export interface OutputState extends RowSource, FileSource {
  /** See `SealFacts`. */
  readonly mapHash: () => string
  /** Whether the rows of all counted commits are here. */
  readonly isWhole: () => boolean
}

/** @param file absolute path of the database, which must be there */
export const openOutputRows = (file: string): OutputRows => {
  const db = openForReading({ file })
  // Rows are read once, from the first to the last: pages kept for a second look would be for nobody.
  db.pragma('cache_size = -4096')
  const commits = createCommitQueries(db)
  const files = createFilesQuery(db)
  const values = db
    .prepare<[string], string>(
      `SELECT value FROM row WHERE job = ${shownJob} AND value IS NOT NULL
       ORDER BY item, mini_batch, ordinal`,
    )
    .pluck()
  const jobs = createJobQueries(db)
  return {
    findJobs: (prefix) => jobs.findJobs(prefix),
    elsewhere: (job) => {
      const { rows = 0, rowsHere = 0 } = jobs.job(job) ?? {}
      return Math.max(0, rows - rowsHere)
    },
    reading: <T>(job: JobId, read: (state: OutputState) => T): T => {
      db.exec('BEGIN')
      try {
        return read({
          values: () => values.iterate(job),
          files: () => files(job),
          mapHash: () => commits.sealFacts(job).mapHash,
          isWhole: () => commits.missingRows(job).length === 0,
        })
      } finally {
        db.exec('COMMIT')
      }
    },
    [Symbol.dispose]: () => db.close(),
  }
}

export const toOutputError = (file: string, thrown: unknown) => toStoreError({ file }, thrown)
