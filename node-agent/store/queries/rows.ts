import type { RowPage, RowQuery, StoredRow } from '#agent/ports/views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Db } from '../database.ts'
import { bucketBits } from '../sql/schema/04-rows.ts'
import { shownJob } from './shown-job.ts'

/** A page of rows in plan order. */
export type RowQueries = { readonly rows: (query: RowQuery) => RowPage }

/** Where a row stands in its job. */
interface RowKey {
  readonly item: number
  readonly miniBatch: number
  readonly ordinal: number
}

type FoundRow = StoredRow & { readonly ordinal: number }

export const createRowQueries = (db: Db): RowQueries => {
  const idOf = db.prepare<[string], number | null>(`SELECT ${shownJob}`).pluck()
  const totalOf = createTotals(db)
  const skipTo = createSkip(db)
  const find = createFind(db)
  const page = db.transaction((query: RowQuery): RowPage => {
    const job = idOf.get(query.job)
    if (typeof job !== 'number') return { rows: [], total: 0, next: null }
    const limit = Math.max(1, Math.min(query.limit, limits.pageRows))
    const start =
      query.after === undefined ? skipTo(job, query) : { after: readKey(query.after), skip: 0 }
    const found = find(job, query, { ...start, limit: limit + 1 })
    const rows = found.slice(0, limit)
    const last = rows.at(-1)
    return {
      rows: rows.map(toStoredRow),
      total: totalOf(job, query),
      next: found.length > limit && last !== undefined ? writeKey(last) : null,
    }
  })
  return { rows: (query) => page(query) }
}

const toStoredRow = (found: FoundRow): StoredRow => {
  const { item, name, miniBatch, attempt, peer, value, failure } = found
  return { item, name, miniBatch, attempt, peer, value, failure }
}

// --- details -----------------------------------------------------------------------------------

const writeKey = ({ item, miniBatch, ordinal }: RowKey): string => `${item}.${miniBatch}.${ordinal}`

const readKey = (text: string): RowKey => {
  const [item, miniBatch, ordinal] = text.split('.').map(Number)
  if (/^\d{1,15}\.\d{1,15}\.\d{1,15}$/.test(text)) {
    return { item: item ?? 0, miniBatch: miniBatch ?? 0, ordinal: ordinal ?? 0 }
  }
  const message =
    'This is no place in a list of rows: take the one that the last page named as next.'
  throw new MusterFailure(musterError('RequestInvalid', message, { detail: text.slice(0, 64) }))
}

/** The filter of a query as SQL and its arguments. */
const filterOf = (query: RowQuery): { readonly sql: string; readonly values: string[] } => {
  const { only, search, where } = query
  const kind =
    only === 'rows' ? ' AND value IS NOT NULL' : only === 'failures' ? ' AND value IS NULL' : ''
  const found = searchOf(search)
  if (where === undefined) return { sql: kind + found.sql, values: found.values }
  const path = where.field === '' ? '$' : `$.${JSON.stringify(where.field)}`
  const equals = ' AND value IS NOT NULL AND CAST(json_extract(value, ?) AS TEXT) = ?'
  return { sql: kind + found.sql + equals, values: [...found.values, path, where.equals] }
}

const searchOf = (
  search: string | undefined,
): { readonly sql: string; readonly values: string[] } => {
  if (search === undefined || search === '') return { sql: '', values: [] }
  const pattern = `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
  const like = String.raw`LIKE ? ESCAPE '\'`
  return {
    sql: ` AND (name ${like} OR value ${like} OR failure ${like})`,
    values: [pattern, pattern, pattern],
  }
}

/** Whether rows must be looked at to know whether they fit. */
const isSearch = ({ search, where }: RowQuery): boolean =>
  (search !== undefined && search !== '') || where !== undefined

/** Rows before every other. */
const start: RowKey = { item: -1, miniBatch: -1, ordinal: -1 }

/** From an offset to a place: whole buckets are skipped by their counts, the rest row by row. */
const createSkip = (db: Db) => {
  const buckets = db.prepare<
    [number],
    { readonly bucket: number; readonly rows: number; readonly failures: number }
  >('SELECT bucket, rows, failures FROM row_bucket WHERE job = ? ORDER BY bucket')
  return (job: number, query: RowQuery): { readonly after: RowKey; readonly skip: number } => {
    let skip = Math.max(0, query.offset ?? 0)
    if (skip === 0 || isSearch(query)) return { after: start, skip }
    for (const { bucket, rows, failures } of buckets.iterate(job)) {
      const here = (query.only === 'failures' ? 0 : rows) + (query.only === 'rows' ? 0 : failures)
      if (skip < here)
        return { after: { ...start, item: (bucket << bucketBits) - 1, miniBatch: end }, skip }
      skip -= here
    }
    return { after: { ...start, item: end }, skip: 0 }
  }
}

/** Failures are few: they have an index of their own, which SQLite would not choose by itself. */
const failureIndex = 'INDEXED BY row_failure'

/** Behind every item and mini-batch. */
const end = 2 ** 52

const createFind = (db: Db) => {
  const select = (filter: string, index: string) => `
    SELECT found.item, found.name, found.mini_batch AS miniBatch, found.ordinal,
      coalesce(counted.attempt, 0) AS attempt, coalesce(peer.name, '') AS peer,
      found.value, found.failure
    FROM (
      SELECT * FROM row ${index} WHERE job = ? AND (item, mini_batch, ordinal) > (?, ?, ?)${filter}
      ORDER BY item, mini_batch, ordinal LIMIT ? OFFSET ?
    ) AS found
    LEFT JOIN counted_commit AS counted
      ON counted.job = found.job AND counted.mini_batch = found.mini_batch
    LEFT JOIN chunk ON chunk.id = counted.chunk
    LEFT JOIN peer ON peer.id = chunk.peer
    ORDER BY found.item, found.mini_batch, found.ordinal`
  return (
    job: number,
    query: RowQuery,
    {
      after,
      skip,
      limit,
    }: { readonly after: RowKey; readonly skip: number; readonly limit: number },
  ): readonly FoundRow[] => {
    const { sql, values } = filterOf(query)
    const index = query.only === 'failures' ? failureIndex : ''
    const place = [after.item, after.miniBatch, after.ordinal]
    return db
      .prepare<unknown[], FoundRow>(select(sql, index))
      .all(job, ...place, ...values, limit, skip)
  }
}

/** Searching all rows for a count costs a scan, so the last counts are kept until something is written. */
const createTotals = (db: Db) => {
  const sums = db.prepare<[number], { readonly rows: number; readonly failures: number }>(
    `SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(failures), 0) AS failures
     FROM row_bucket WHERE job = ?`,
  )
  const counted = new Map<string, number>()
  let countedAt: unknown
  const count = (job: number, query: RowQuery): number => {
    const version = db.pragma('data_version', { simple: true })
    if (version !== countedAt || counted.size > 100) counted.clear()
    countedAt = version
    const key = JSON.stringify([job, query.only, query.search, query.where])
    const known = counted.get(key)
    if (known !== undefined) return known
    const { sql, values } = filterOf(query)
    const total = db
      .prepare<unknown[], number>(`SELECT count(*) FROM row WHERE job = ?${sql}`)
      .pluck()
      .get(job, ...values)
    counted.set(key, total ?? 0)
    return total ?? 0
  }
  return (job: number, query: RowQuery): number => {
    if (isSearch(query)) return count(job, query)
    const { rows = 0, failures = 0 } = sums.get(job) ?? {}
    return (query.only === 'failures' ? 0 : rows) + (query.only === 'rows' ? 0 : failures)
  }
}
