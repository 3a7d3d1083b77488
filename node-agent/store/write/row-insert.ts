import { isHalf } from '#protocol/model/half.ts'
import type { ItemIndex, MiniBatchIndex } from '#protocol/model/ids.ts'
import { rangeOf } from '#protocol/model/plan-ranges.ts'
import type { MiniBatchRun } from '#protocol/model/plan.ts'
import type { ReadRows } from '#protocol/model/rows.ts'
import type { Db } from '../database.ts'
import { createPlanOf } from '../fold/halves.ts'
import { bucketBits } from '../sql/schema/04-rows.ts'

/** Adds to the counts of a bucket. */
export const bucketSql = `INSERT INTO row_bucket VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  rows = rows + excluded.rows, failures = failures + excluded.failures`

/** Items between which rows stand; `last` before `first`: none. */
export interface ItemSpan {
  readonly first: ItemIndex
  readonly last: ItemIndex
}

/** Inserts rows of one job: `begin`, `insert` for each mini-batch, then `flush` writes the counts. */
export const createInsert = (db: Db) => {
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
  const insert = (job: number, rows: ReadRows, allowed: ItemSpan | undefined): ItemSpan => {
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
    if (isPlain(rows)) {
      for (const [at, item] of rows.items.entries())
        put(item, rows.names[at] ?? '', rows.rows[at] ?? null, '')
    } else {
      for (const entry of inItemOrder(rows)) put(entry.item, entry.name, entry.value, entry.failure)
    }
    return span
  }
  const flush = (job: number): void => {
    for (const [bucket, { rows, failures }] of buckets) addBucket.run(job, bucket, rows, failures)
    buckets.clear()
  }
  // What a transaction that was rolled back had counted is nothing.
  return { begin: () => buckets.clear(), insert, flush }
}

/** Nearly always: nothing failed, and the items stand in their order as they should. */
const isPlain = ({ items, failures }: ReadRows): boolean =>
  failures.length === 0 && items.every((item, at) => at === 0 || item >= (items[at - 1] ?? 0))

interface RowEntry {
  readonly item: ItemIndex
  readonly name: string
  readonly value: string | null
  readonly failure: string
}

/** Rows and failures of one attempt, items ascending, rows of one item as they were returned. */
const inItemOrder = (rows: ReadRows): readonly RowEntry[] => {
  const values = rows.items.map((item, at) => ({
    item,
    name: rows.names[at] ?? '',
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
export const createPlanRanges = (db: Db) => {
  const find = db.prepare<[number, number], { readonly body: string; readonly end: number }>(
    `SELECT plan_chunk.body, first_mini_batch + mini_batches AS end
     FROM plan_chunk JOIN job_submitted USING (job)
     WHERE job = ? AND origin = data_peer AND first_mini_batch <= ?
     ORDER BY first_mini_batch DESC LIMIT 1`,
  )
  const planOf = createPlanOf(db)
  const spanOfHalf = (job: number, half: MiniBatchIndex): ItemSpan | undefined => {
    const range = rangeOf(planOf(job), half)
    return range && { first: range.firstItem, last: range.firstItem + range.items - 1 }
  }
  return (job: number) => {
    let part: Plan | undefined
    return (miniBatch: MiniBatchIndex): ItemSpan | undefined => {
      if (isHalf(miniBatch)) return spanOfHalf(job, miniBatch)
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
