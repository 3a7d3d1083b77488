import type { JobId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'

/**
 * About how many bytes the rows of each job take, newest job first: the count of its rows times the mean
 * of the first thousand. Counting all would read the whole table.
 */
export const createRowSizes = (
  db: Db,
): (() => readonly { readonly job: JobId; readonly bytes: number }[]) => {
  const counts = db.prepare<
    [],
    { readonly job: number; readonly name: JobId; readonly count: number }
  >(
    `SELECT job, job.name AS name, sum(rows + failures) AS count FROM row_bucket
     JOIN job ON job.id = row_bucket.job GROUP BY job HAVING count > 0 ORDER BY job.name DESC`,
  )
  const mean = db
    .prepare<[number], number>(
      `SELECT avg(length(name) + coalesce(length(value), 0) + length(failure)) FROM (
         SELECT name, value, failure FROM row WHERE job = ? LIMIT 1000)`,
    )
    .pluck()
  return () =>
    counts.all().map(({ job, name, count }) => ({
      job: name,
      bytes: Math.ceil(count * ((mean.get(job) ?? 0) + bytesBeside)),
    }))
}

/** Key, lengths and the share of the page that SQLite adds to each row, measured at 20 to 30. */
const bytesBeside = 24
