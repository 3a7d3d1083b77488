import type { AttemptPage, AttemptQuery } from '#agent/ports/views.ts'
import { limits } from '#protocol/limits.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { ProcessedMiniBatch } from '#protocol/model/attempt-log.ts'
import type { Db } from '../database.ts'
import { createHasFailed } from './broken.ts'
import { createPlanRanges } from '../write/row-insert.ts'

/** Counted commits and charges of a job by mini-batch and attempt, a page at a time. */
export const createAttemptQuery = (db: Db): ((query: AttemptQuery) => AttemptPage) => {
  const idOf = db.prepare<[string], number>('SELECT id FROM job WHERE name = ?').pluck()
  const commits = createCommitRows(db)
  const charges = createChargeRows(db)
  const plans = createPlanRanges(db)
  const failed = createHasFailed(db)
  return db.transaction(({ job, after, limit }: AttemptQuery): AttemptPage => {
    const id = idOf.get(job)
    if (id === undefined) return { attempts: [], next: null }
    const from = after === undefined ? ([-1, -1] as const) : readKey(after)
    const most = Math.max(1, Math.min(limit, limits.pageRows))
    const found = [...commits(id, from, most + 1), ...charges(id, from, most + 1)]
    const sorted = found.sort((a, b) => a.miniBatch - b.miniBatch || a.attempt - b.attempt)
    const itemsOf = plans(id)
    const hasFailed = failed(id)
    const attempts = sorted.slice(0, most).map(({ runMs, final, ...one }): ProcessedMiniBatch => {
      const span = itemsOf(one.miniBatch)
      const items = span === undefined ? null : span.last - span.first + 1
      // With the last attempt of a mini-batch all its items failed, as they count in the job.
      if (final === 1 && hasFailed(one.miniBatch)) one.failed = items ?? 0
      return { ...one, items, seconds: runMs === null ? null : runMs / 1_000 }
    })
    const last = attempts.at(-1)
    const isMore = sorted.length > most && last !== undefined
    return { attempts, next: isMore ? `${last.miniBatch}.${last.attempt}` : null }
  })
}

type Key = readonly [number, number]
type Found = Omit<ProcessedMiniBatch, 'items' | 'seconds' | 'failed'> & {
  failed: number
  readonly runMs: number | null
  readonly final: number
}

const createCommitRows = (db: Db) => {
  const find = db.prepare<[number, number, number, number, number], Found>(
    `SELECT counted.mini_batch AS miniBatch, counted.attempt, peer.name AS peer, process,
       started_at AS startedAt, run_ms AS runMs, succeeded, failed, 0 AS final, 'succeeded' AS status,
       CASE WHEN failed = 0 OR kept.job IS NULL THEN '' ELSE coalesce((
         SELECT failure FROM row INDEXED BY row_failure
         WHERE row.job = counted.job AND row.item BETWEEN kept.first_item AND kept.last_item
           AND row.mini_batch = counted.mini_batch AND row.value IS NULL
         ORDER BY row.item LIMIT 1), '') END AS message
     FROM counted_commit AS counted
     JOIN chunk ON chunk.id = counted.chunk
     JOIN peer ON peer.id = chunk.peer
     LEFT JOIN kept ON kept.job = counted.job AND kept.mini_batch = counted.mini_batch
       AND counted.kept = 1
     WHERE counted.job = ? AND counted.mini_batch >= ?
       AND (counted.mini_batch, counted.attempt) > (?, ?)
     ORDER BY counted.mini_batch LIMIT ?`,
  )
  return (job: number, [miniBatch, attempt]: Key, limit: number) =>
    find.all(job, miniBatch, miniBatch, attempt, limit)
}

const createChargeRows = (db: Db) => {
  const find = db.prepare<[number, number, number, number], Found>(
    `SELECT charge.mini_batch AS miniBatch, attempt, peer.name AS peer, process,
       started_at AS startedAt, run_ms AS runMs, 0 AS succeeded, 0 AS failed, max(final) AS final,
       cause AS status, message
     FROM charge JOIN job_record USING (job, record) JOIN peer ON peer.id = charge.peer
     WHERE job = ? AND counts = 1 AND (mini_batch, attempt) > (?, ?)
     GROUP BY mini_batch, attempt ORDER BY mini_batch, attempt LIMIT ?`,
  )
  return (job: number, [miniBatch, attempt]: Key, limit: number) =>
    find.all(job, miniBatch, attempt, limit)
}

const readKey = (text: string): Key => {
  const [, miniBatch, attempt] = /^(\d{1,10})\.(\d{1,10})$/.exec(text) ?? []
  if (miniBatch !== undefined) return [Number(miniBatch), Number(attempt)]
  const message = 'This is no place in a list of attempts: take the one that the last page named.'
  throw new MusterFailure(musterError('RequestInvalid', message, { detail: text.slice(0, 64) }))
}
