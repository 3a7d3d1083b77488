import type { RowsToKeep } from '#agent/ports/views.ts'
import type { ItemIndex, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { ResultChunk } from '#protocol/model/rows.ts'
import type { Db } from '../database.ts'
import type { Names } from '../names.ts'
import { bucketBits } from '../sql/schema/04-rows.ts'
import { createFileBook } from './files.ts'
import { bucketSql, createInsert, createPlanRanges } from './row-insert.ts'

/** Writes rows. What stands there is always of counted commits. Runs inside the caller's transaction. */
export interface RowStore {
  /** Inserts those rows of an unpacked chunk that are asked for and count. */
  readonly keep: (rows: Omit<RowsToKeep, 'packed'>, chunk: Pick<ResultChunk, 'entries'>) => void
  /** Whether the rows of exactly this commit are here. */
  readonly isKept: (
    job: number,
    miniBatch: MiniBatchIndex,
    chunk: number,
    position: number,
  ) => boolean
  /** Drops the rows of one mini-batch: they are of a commit that does not count any more. */
  readonly drop: (job: number, miniBatch: MiniBatchIndex) => void
  /** Runs something in whose course commits of jobs come and go: what is stale is dropped at its end. */
  readonly settle: (jobs: readonly number[] | 'all', run: () => void) => void
}

interface Kept {
  readonly chunk: number
  readonly position: number
  readonly first_item: ItemIndex
  readonly last_item: ItemIndex
}

export const createRowStore = (db: Db, names: Names): RowStore => {
  const findKept = db.prepare<[number, number], Kept>(
    'SELECT chunk, position, first_item, last_item FROM kept WHERE job = ? AND mini_batch = ?',
  )
  const dropKept = createDrop(db)
  const stale = db
    .prepare<[number], number>(
      `SELECT mini_batch FROM kept WHERE job = ? AND NOT EXISTS (
         SELECT 1 FROM counted_commit AS counted
         WHERE counted.job = kept.job AND counted.mini_batch = kept.mini_batch
           AND counted.chunk = kept.chunk AND counted.position = kept.position)`,
    )
    .pluck()
  const jobsKept = db.prepare<[], number>('SELECT DISTINCT job FROM kept').pluck()
  let isSettling = false

  const drop = (job: number, miniBatch: MiniBatchIndex): void => {
    const kept = isSettling ? undefined : findKept.get(job, miniBatch)
    if (kept !== undefined) dropKept(job, miniBatch, kept)
  }
  const dropStale = (job: number): void => {
    for (const miniBatch of stale.all(job)) drop(job, miniBatch)
  }
  return {
    keep: createKeep(db, names),
    isKept: (job, miniBatch, chunk, position) => {
      const kept = findKept.get(job, miniBatch)
      return kept?.chunk === chunk && kept.position === position
    },
    drop,
    settle: (jobs, run) => {
      // Inside a larger settling, that one's end is the end.
      if (isSettling) return run()
      isSettling = true
      try {
        run()
      } finally {
        isSettling = false
      }
      for (const job of jobs === 'all' ? jobsKept.all() : jobs) dropStale(job)
    },
  }
}

const createKeep = (db: Db, names: Names): RowStore['keep'] => {
  const markKept = db.prepare(
    `UPDATE counted_commit SET kept = 1
     WHERE job = ? AND mini_batch = ? AND chunk = ? AND position = ? AND kept = 0`,
  )
  const addKept = db.prepare('INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const fetch = db.prepare(
    'UPDATE wanted_chunk SET missing = missing - ? WHERE job = ? AND chunk = ?',
  )
  const { begin, insert, flush } = createInsert(db)
  const files = createFileBook(db)
  const plans = createPlanRanges(db)
  return ({ chunk, job: jobId, peer, positions }, { entries }) => {
    const job = names.job(jobId)
    const chunkId = names.chunk(chunk, names.peer(peer))
    const rangeOf = plans(job)
    let fetched = 0
    begin()
    for (const position of positions) {
      const rows = entries[position]
      if (rows === undefined) continue
      const { miniBatch } = rows
      // No longer counted, or here already.
      if (markKept.run(job, miniBatch, chunkId, position).changes === 0) continue
      const span = insert(job, rows, rangeOf(miniBatch))
      const { startedAt = null, runMs = null, process = null } = rows.ran ?? {}
      const source = [job, miniBatch, chunkId, position] as const
      const contents = rows.contents ?? null
      addKept.run(...source, span.first, span.last, startedAt, runMs, process, contents)
      files.keep(job, miniBatch, rows.files)
      fetched += 1
    }
    if (fetched > 0) fetch.run(fetched, job, chunkId)
    flush(job)
  }
}

const createDrop = (db: Db) => {
  const remove = db.prepare<[number, number, number, number], number>(
    'DELETE FROM row WHERE job = ? AND item BETWEEN ? AND ? AND mini_batch = ?',
  )
  const counted = db.prepare<
    [number, number, number, number],
    { readonly bucket: number; readonly rows: number; readonly failures: number }
  >(
    `SELECT item >> ${bucketBits} AS bucket, count(value) AS rows, count(*) - count(value) AS failures
     FROM row WHERE job = ? AND item BETWEEN ? AND ? AND mini_batch = ? GROUP BY 1`,
  )
  const addBucket = db.prepare(bucketSql)
  const forget = db.prepare('DELETE FROM kept WHERE job = ? AND mini_batch = ?')
  const files = createFileBook(db)
  return (job: number, miniBatch: MiniBatchIndex, kept: Kept): void => {
    const where = [job, kept.first_item, kept.last_item, miniBatch] as const
    for (const { bucket, rows, failures } of counted.all(...where)) {
      addBucket.run(job, bucket, -rows, -failures)
    }
    remove.run(...where)
    forget.run(job, miniBatch)
    files.drop(job, miniBatch)
  }
}
