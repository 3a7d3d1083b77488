import type { JobId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'

/**
 * Drops all rows of a job at once: its commits stay and their chunks are wanted again, so that whoever
 * wants the rows later fetches them. Runs inside the caller's transaction.
 */
export const createDropJobRows = (db: Db): ((job: JobId) => void) => {
  const find = db.prepare<[string], number>('SELECT id FROM job WHERE name = ?').pluck()
  const statements = [
    'DELETE FROM row WHERE job = ?',
    'DELETE FROM row_bucket WHERE job = ?',
    'DELETE FROM kept WHERE job = ?',
    'DELETE FROM kept_files WHERE job = ?',
    'DELETE FROM wanted_chunk WHERE job = ?',
    'UPDATE counted_commit SET kept = 0 WHERE job = ?',
    `INSERT INTO wanted_chunk SELECT job, chunk, min(mini_batch), max(mini_batch), count(*)
     FROM counted_commit WHERE job = ? GROUP BY chunk`,
  ].map((sql) => db.prepare<[number]>(sql))
  return (name) => {
    const job = find.get(name)
    if (job !== undefined) for (const statement of statements) statement.run(job)
  }
}
