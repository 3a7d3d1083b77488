import type { FailureGroup } from '#agent/ports/views.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'

/** Failures with the same words: of items, and of whole attempts that were charged. */
export type FailureQueries = {
  readonly failureGroups: (job: JobId, limit: number) => readonly FailureGroup[]
}

interface Group {
  readonly message: string
  readonly cause: string
  readonly count: number
  readonly item: string
  readonly miniBatch: number
  readonly attempt: number
  readonly peer: FailureGroup['first']['peer']
}

/** Puts attempts that were tried again behind those with which a mini-batch failed for good. */
const notFinal = '4000000000000000'

export const createFailureQueries = (db: Db): FailureQueries => {
  const idOf = '(SELECT id FROM job WHERE name = ?)'
  // Sentences that differ only in the item they name are one cause. A name of a letter or two may be part of
  // any word.
  const causeOf = `CASE WHEN length(row.name) < 4 THEN failure ELSE replace(failure, row.name, '') END`
  // With min() SQLite takes the bare columns from the row that holds the least value.
  const items = db.prepare<[string], Group>(
    `SELECT message, cause, count, item, miniBatch, coalesce(counted.attempt, 0) AS attempt,
       coalesce(peer.name, '') AS peer
     FROM (SELECT failure AS message, 'item' AS cause, count(*) AS count, min(row.item) AS place,
             row.name AS item, row.mini_batch AS miniBatch, job
           FROM row INDEXED BY row_failure
           WHERE job = ${idOf} AND value IS NULL GROUP BY ${causeOf}) AS grouped
     LEFT JOIN counted_commit AS counted
       ON counted.job = grouped.job AND counted.mini_batch = grouped.miniBatch
     LEFT JOIN chunk ON chunk.id = counted.chunk
     LEFT JOIN peer ON peer.id = chunk.peer`,
  )
  const charges = db.prepare<[string], Group>(
    `SELECT message, cause, count, '' AS item, miniBatch, attempt, peer.name AS peer
     FROM (SELECT message, cause, count(*) AS count,
             min((1 - final) * ${notFinal} + charge.mini_batch * 1000000 + attempt) AS place,
             charge.mini_batch AS miniBatch, attempt, peer
           FROM charge JOIN job_record USING (job, record)
           WHERE job = ${idOf} AND counts = 1 GROUP BY cause, message) AS grouped
     JOIN peer ON peer.id = grouped.peer`,
  )
  const both = db.transaction((job: JobId) => [...charges.all(job), ...items.all(job)])
  return {
    failureGroups: (job, limit) =>
      both(job)
        .sort((a, b) => b.count - a.count || a.miniBatch - b.miniBatch)
        .slice(0, limit)
        .map(({ message, cause, count, ...first }) => ({ message, cause, count, first })),
  }
}
