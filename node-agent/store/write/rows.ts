import type { BlobHash, ItemIndex, JobId, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { MiniBatchRun } from '#protocol/model/plan.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import type { Db } from '../database.ts'
import type { Names } from '../names.ts'
import { bucketBits } from '../sql/schema/04-rows.ts'

/** The rows of one result chunk, or some of them. */
export interface RowsToKeep {
  readonly chunk: BlobHash
  readonly job: JobId
  readonly peer: PeerId
  readonly entries: readonly { readonly position: number; readonly rows: AttemptRows }[]
}

/** Writes rows. What stands there is always of counted commits. Runs inside the caller's transaction. */
export interface RowStore {
  readonly keep: (rows: RowsToKeep) => void
  /** Whether the rows of exactly this commit are here. */
  readonly isKept: (
    job: number,
    miniBatch: MiniBatchIndex,
    chunk: number,
    position: number,
  ) => boolean
  /** Drops the rows of one mini-batch: they are of a commit that does not count any more. */
  readonly drop: (job: number, miniBatch: MiniBatchIndex) => void
  /** Drops all rows of a job that are not of a counted commit. */
  readonly dropStale: (job: number) => void
  /** Runs something in whose course commits come and go; what is stale is dropped at its end. */
  readonly settle: (run: () => void) => void
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
  const addKept = db.prepare('INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?)')
  const markKept = db.prepare(
    `UPDATE counted_commit SET kept = 1
     WHERE job = ? AND mini_batch = ? AND chunk = ? AND position = ? AND kept = 0`,
  )
  const insert = createInsert(db)
  const stale = db
    .prepare<[number], number>(
      `SELECT mini_batch FROM kept WHERE job = ? AND NOT EXISTS (
         SELECT 1 FROM counted_commit AS counted
         WHERE counted.job = kept.job AND counted.mini_batch = kept.mini_batch
           AND counted.chunk = kept.chunk AND counted.position = kept.position)`,
    )
    .pluck()
  const jobsKept = db.prepare<[], number>('SELECT DISTINCT job FROM kept').pluck()
  const plans = createPlanRanges(db)

  let isSettling = false
  const drop = (job: number, miniBatch: MiniBatchIndex): void => {
    const kept = isSettling ? undefined : findKept.get(job, miniBatch)
    if (kept !== undefined) dropKept(job, miniBatch, kept)
  }
  const dropStale = (job: number): void => {
    if (isSettling) return
    for (const miniBatch of stale.all(job)) drop(job, miniBatch)
  }
  return {
    keep: ({ chunk, job: jobId, peer, entries }) => {
      const job = names.job(jobId)
      const chunkId = names.chunk(chunk, names.peer(peer))
      const rangeOf = plans(job)
      for (const { position, rows } of entries) {
        const { miniBatch } = rows
        // No longer counted, or here already.
        if (markKept.run(job, miniBatch, chunkId, position).changes === 0) continue
        const span = insert(job, rows, rangeOf(miniBatch))
        addKept.run(job, miniBatch, chunkId, position, span.first, span.last)
      }
      insert.flush(job)
    },
    isKept: (job, miniBatch, chunk, position) => {
      const kept = findKept.get(job, miniBatch)
      return kept?.chunk === chunk && kept.position === position
    },
    drop,
    dropStale,
    settle: (run) => {
      isSettling = true
      try {
        run()
      } finally {
        isSettling = false
      }
      for (const job of jobsKept.all()) dropStale(job)
    },
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
  return (job: number, miniBatch: MiniBatchIndex, kept: Kept): void => {
    const where = [job, kept.first_item, kept.last_item, miniBatch] as const
    for (const { bucket, rows, failures } of counted.all(...where)) {
      addBucket.run(job, bucket, -rows, -failures)
    }
    remove.run(...where)
    forget.run(job, miniBatch)
  }
}

const bucketSql = `INSERT INTO row_bucket VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  rows = rows + excluded.rows, failures = failures + excluded.failures`

/** Item positions a mini-batch may speak of. */
interface ItemSpan {
  readonly first: ItemIndex
  readonly last: ItemIndex
}

/** Inserts the rows of one mini-batch; buckets are written by `flush`, many mini-batches at once. */
const createInsert = (db: Db) => {
  const add = db.prepare('INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?)')
  const addBucket = db.prepare(bucketSql)
  const buckets = new Map<number, { rows: number; failures: number }>()
  const bucketOf = (item: ItemIndex) => {
    const key = item >> bucketBits
    const known = buckets.get(key)
    if (known !== undefined) return known
    const fresh = { rows: 0, failures: 0 }
    buckets.set(key, fresh)
    return fresh
  }
  const insert = (job: number, rows: AttemptRows, allowed: ItemSpan | undefined): ItemSpan => {
    let span = { first: 0, last: -1 }
    let ordinal = 0
    let previous = -1
    const put = (item: ItemIndex, name: string, value: string | null, failure: string): void => {
      // A worker that speaks of other mini-batches' items is not believed.
      if (allowed !== undefined && (item < allowed.first || item > allowed.last)) return
      ordinal = item === previous ? ordinal + 1 : 0
      previous = item
      add.run(job, item, rows.miniBatch, ordinal, name, value, failure)
      span =
        span.last === -1
          ? { first: item, last: item }
          : { first: Math.min(span.first, item), last: Math.max(span.last, item) }
      bucketOf(item)[value === null ? 'failures' : 'rows'] += 1
    }
    for (const entry of inItemOrder(rows)) put(entry.item, entry.name, entry.value, entry.failure)
    return span
  }
  const flush = (job: number): void => {
    for (const [bucket, { rows, failures }] of buckets) addBucket.run(job, bucket, rows, failures)
    buckets.clear()
  }
  return Object.assign(insert, { flush })
}

interface RowEntry {
  readonly item: ItemIndex
  readonly name: string
  readonly value: string | null
  readonly failure: string
}

/** Rows and failures of one attempt, items ascending, rows of one item as they were returned. */
const inItemOrder = (rows: AttemptRows): readonly RowEntry[] => {
  const values = rows.items.map((item, at) => ({
    item,
    name: rows.names?.[at] ?? '',
    value: rows.rows[at] ?? null,
    failure: '',
  }))
  const failures = rows.failures.map(({ item, name, message }) => ({
    item,
    name,
    value: null,
    failure: message,
  }))
  return [...values, ...failures].sort((a, b) => a.item - b.item)
}

/** Which items a mini-batch has by the plan; undefined while that part of the plan is not known. */
const createPlanRanges = (db: Db) => {
  const find = db.prepare<[number, number], { readonly body: string; readonly end: number }>(
    `SELECT plan_chunk.body, first_mini_batch + mini_batches AS end
     FROM plan_chunk JOIN job_submitted USING (job)
     WHERE job = ? AND origin = data_peer AND first_mini_batch <= ?
     ORDER BY first_mini_batch DESC LIMIT 1`,
  )
  return (job: number) => {
    let part: Plan | undefined
    return (miniBatch: MiniBatchIndex): ItemSpan | undefined => {
      if (part === undefined || miniBatch < part.firstMiniBatch || miniBatch >= part.end) {
        const row = find.get(job, miniBatch)
        part = row === undefined ? undefined : { ...(JSON.parse(row.body) as Plan), end: row.end }
      }
      return part === undefined || miniBatch >= part.end ? undefined : spanOf(part, miniBatch)
    }
  }
}

interface Plan {
  readonly firstItem: ItemIndex
  readonly firstMiniBatch: MiniBatchIndex
  readonly runs: readonly MiniBatchRun[]
  readonly end: number
}

const spanOf = (plan: Plan, miniBatch: MiniBatchIndex): ItemSpan | undefined => {
  let first = plan.firstItem
  let at = plan.firstMiniBatch
  for (const { count, items } of plan.runs) {
    if (miniBatch < at + count) {
      const start = first + (miniBatch - at) * items
      return { first: start, last: start + items - 1 }
    }
    first += count * items
    at += count
  }
  return undefined
}
