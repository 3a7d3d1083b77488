import type { FailureGroup } from '#agent/ports/views.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'
import { causeOf } from './cause.ts'
import { shownJob } from './shown-job.ts'

/** Failures of one cause: of items, and of whole attempts that were charged. */
export type FailureQueries = {
  readonly failureGroups: (job: JobId, limit: number) => readonly FailureGroup[]
}

/** Failures with the same sentence, names of items aside, and the first of them. */
interface Wording {
  readonly message: string
  readonly cause: string
  readonly count: number
  /** Smaller: to be told rather. */
  readonly place: number
  readonly item: string
  readonly miniBatch: number
  readonly attempt: number
  readonly peer: FailureGroup['first']['peer']
}

interface Group {
  readonly first: Wording
  readonly common: string
  readonly count: number
}

/** Puts attempts that were tried again behind those with which a mini-batch failed for good. */
const notFinal = '4000000000000000'

export const createFailureQueries = (db: Db): FailureQueries => {
  const idOf = '(SELECT id FROM job WHERE name = ?)'
  // Most sentences differ only in the item they name: SQLite sees to those, and to all that are the same.
  const wordingOf = `CASE WHEN length(row.name) < 4 THEN failure ELSE replace(failure, row.name, '') END`
  // With min() SQLite takes the bare columns from the row that holds the least value.
  const items = db.prepare<[string], Wording>(
    `SELECT failure AS message, 'item' AS cause, count(*) AS count, min(row.item) AS place,
       row.name AS item, row.mini_batch AS miniBatch, 0 AS attempt, '' AS peer
     FROM row INDEXED BY row_failure
     WHERE job = ${shownJob} AND value IS NULL GROUP BY ${wordingOf}`,
  )
  const charges = db.prepare<[string], Wording>(
    `SELECT message, cause, count, place, '' AS item, miniBatch, attempt, peer.name AS peer
     FROM (SELECT message, cause, count(*) AS count,
             min((1 - final) * ${notFinal} + charge.mini_batch * 1000000 + attempt) AS place,
             charge.mini_batch AS miniBatch, attempt, peer
           FROM charge JOIN job_record USING (job, record)
           WHERE job = ${idOf} AND counts = 1 GROUP BY cause, message) AS grouped
     JOIN peer ON peer.id = grouped.peer`,
  )
  const whoRan = db.prepare<[string, number], Pick<Wording, 'attempt' | 'peer'>>(
    `SELECT attempt, peer.name AS peer FROM counted_commit AS counted
     JOIN chunk ON chunk.id = counted.chunk JOIN peer ON peer.id = chunk.peer
     WHERE counted.job = ${idOf} AND counted.mini_batch = ?`,
  )
  const firstOf = (job: JobId, { item, miniBatch, attempt, peer, cause }: Wording) => {
    const ran = cause === 'item' ? whoRan.get(job, miniBatch) : undefined
    return { item, miniBatch, attempt, peer, ...ran }
  }
  return {
    failureGroups: db.transaction((job: JobId, limit: number) => {
      const groups = new Map<string, Group>()
      for (const wording of charges.iterate(job)) gather(groups, wording)
      for (const wording of items.iterate(job)) gather(groups, wording)
      return [...groups.values()]
        .sort((a, b) => b.count - a.count || a.first.miniBatch - b.first.miniBatch)
        .slice(0, limit)
        .map(({ first, common, count }): FailureGroup => {
          const { message, cause } = first
          return { message, common, cause, count, first: firstOf(job, first) }
        })
    }),
  }
}

const gather = (groups: Map<string, Group>, wording: Wording): void => {
  const { key, common } = causeOf(wording.message, wording.item)
  const name = `${wording.cause} ${key}`
  const known = groups.get(name)
  const isFirst = known === undefined || wording.place < known.first.place
  const first = isFirst ? wording : known.first
  groups.set(name, { first, common, count: wording.count + (known?.count ?? 0) })
}
