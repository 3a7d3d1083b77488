import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, MiniBatchIndex, Millis } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { JobClosed, JobSealed, PlanChunkWritten } from '#protocol/model/record.ts'
import type { PeerShare } from '#agent/ports/views.ts'
import type { Db } from '../database.ts'

/** Questions about jobs and their plans. */
export interface JobQueries {
  readonly jobs: (limit: number) => readonly JobFold[]
  readonly job: (job: JobId) => JobFold | undefined
  readonly findJobs: (prefix: string) => readonly JobId[]
  readonly openJobs: () => readonly JobFold[]
  readonly planChunks: (job: JobId) => readonly PlanChunkWritten[]
  readonly shares: (job: JobId) => readonly PeerShare[]
}

interface Submitted {
  readonly id: number
  readonly keeper: number
  readonly data_peer: number
  readonly body: string
}

export const createJobQueries = (db: Db): JobQueries => {
  const submitted = 'SELECT s.job AS id, keeper, data_peer, body FROM job_submitted AS s'
  const newest = db.prepare<[number], Submitted>(
    `${submitted} JOIN job ON job.id = s.job ORDER BY submitted_at DESC, name DESC LIMIT ?`,
  )
  const one = db.prepare<[string], Submitted>(
    `${submitted} WHERE job = (SELECT id FROM job WHERE name = ?)`,
  )
  const open = db.prepare<[], Submitted>(
    `${submitted} WHERE NOT EXISTS (
       SELECT 1 FROM job_sealed WHERE job_sealed.job = s.job AND origin = keeper)
     ORDER BY submitted_at DESC`,
  )
  const find = db
    .prepare<[string, string], JobId>(
      `SELECT name FROM job JOIN job_submitted ON job_submitted.job = job.id
       WHERE name >= ? AND name < ? ORDER BY name LIMIT 2`,
    )
    .pluck()
  const plan = db
    .prepare<[string], string>(
      `SELECT plan_chunk.body FROM plan_chunk JOIN job_submitted USING (job)
       WHERE job = (SELECT id FROM job WHERE name = ?) AND origin = data_peer ORDER BY chunk`,
    )
    .pluck()
  const shares = db.prepare<[string], PeerShare>(
    `SELECT peer.name AS peer, mini_batches AS miniBatches, succeeded + failed AS items
     FROM job_share JOIN peer ON peer.id = job_share.peer
     WHERE job = (SELECT id FROM job WHERE name = ?) AND mini_batches > 0
     ORDER BY mini_batches DESC, peer.name`,
  )
  const toFold = createToFold(db)
  return {
    jobs: (limit) => newest.all(limit).map(toFold),
    job: (job) => {
      const row = one.get(job)
      return row === undefined ? undefined : toFold(row)
    },
    findJobs: (prefix) => find.all(prefix, `${prefix}\u{10ffff}`),
    openJobs: () => open.all().map(toFold),
    planChunks: (job) => plan.all(job).map((body) => JSON.parse(body) as PlanChunkWritten),
    shares: (job) => shares.all(job),
  }
}

const createToFold = (db: Db): ((row: Submitted) => JobFold) => {
  const sumsOf = createSums(db)
  const endsOf = createEnds(db)
  const failedOf = createFailedMiniBatches(db)
  const rowsHere = db
    .prepare<[number], number>('SELECT coalesce(sum(rows), 0) FROM row_bucket WHERE job = ?')
    .pluck()
  return (row) => {
    const { itemsFailed, ...sums } = sumsOf(row)
    const failed = failedOf(row)
    return {
      job: JSON.parse(row.body) as Job,
      ...sums,
      itemsFailed: itemsFailed + failed.items,
      failedMiniBatches: failed.miniBatches,
      rowsHere: rowsHere.get(row.id) ?? 0,
      ...endsOf(row),
    }
  }
}

interface PlanSums {
  readonly items: number
  readonly miniBatches: number
  readonly chunks: number
  readonly lastChunk: number | null
  readonly lastSaid: number | null
}
interface CommitSums {
  readonly committed: number
  readonly itemsSucceeded: number
  readonly itemsFailed: number
  readonly rows: number
}
interface CommitTimes {
  readonly firstCommitAt: Millis | null
  readonly lastCommitAt: Millis | null
}

const createSums = (db: Db) => {
  const plan = db.prepare<[number, number], PlanSums>(
    `SELECT coalesce(sum(items), 0) AS items, coalesce(sum(mini_batches), 0) AS miniBatches,
       count(*) AS chunks, max(chunk) AS lastChunk, max(CASE WHEN last THEN chunk END) AS lastSaid
     FROM plan_chunk WHERE job = ? AND origin = ?`,
  )
  const commits = db.prepare<[number], CommitSums>(
    `SELECT coalesce(sum(mini_batches), 0) AS committed, coalesce(sum(succeeded), 0) AS itemsSucceeded,
       coalesce(sum(failed), 0) AS itemsFailed, coalesce(sum(rows), 0) AS rows
     FROM job_share WHERE job = ?`,
  )
  const times = db.prepare<[number], CommitTimes>(
    `SELECT min(at) AS firstCommitAt, max(at) AS lastCommitAt
     FROM job_record WHERE job = ? AND is_commit = 1 AND counts = 1`,
  )
  const charged = db
    .prepare<[number], number>(
      `SELECT count(*) FROM charge JOIN job_record USING (job, record) WHERE job = ? AND counts = 1`,
    )
    .pluck()
  return ({ id, data_peer }: Submitted) => {
    const planned = plan.get(id, data_peer)
    const counted = commits.get(id)
    const { lastChunk = null, lastSaid = null, chunks = 0 } = planned ?? {}
    return {
      items: planned?.items ?? 0,
      miniBatches: planned?.miniBatches ?? 0,
      planComplete: lastChunk !== null && lastSaid === lastChunk && chunks === lastChunk + 1,
      committed: counted?.committed ?? 0,
      itemsSucceeded: counted?.itemsSucceeded ?? 0,
      itemsFailed: counted?.itemsFailed ?? 0,
      rows: counted?.rows ?? 0,
      charged: charged.get(id) ?? 0,
      firstCommitAt: times.get(id)?.firstCommitAt ?? null,
      lastCommitAt: times.get(id)?.lastCommitAt ?? null,
    }
  }
}

const createEnds = (db: Db) => {
  const text = (sql: string) => db.prepare<number[], string>(sql).pluck()
  const planFailure = text('SELECT message FROM plan_failed WHERE job = ? AND origin = ?')
  const closed = text('SELECT body FROM job_closed WHERE job = ?')
  const sealed = text('SELECT body FROM job_sealed WHERE job = ? AND origin = ?')
  const cancel = db.prepare<[number], number>('SELECT at FROM job_cancel WHERE job = ?').pluck()
  const parse = (json: string | undefined): unknown =>
    json === undefined ? null : JSON.parse(json)
  return ({ id, keeper, data_peer }: Submitted) => ({
    planFailure: planFailure.get(id, data_peer) ?? '',
    cancelRequestedAt: cancel.get(id) ?? null,
    closed: parse(closed.get(id)) as JobClosed | null,
    sealed: parse(sealed.get(id, keeper)) as JobSealed | null,
  })
}

/** Mini-batches that failed for good and have no counted commit, and how many items those are. */
const createFailedMiniBatches = (db: Db) => {
  const failed = db
    .prepare<[number], MiniBatchIndex>(
      `SELECT DISTINCT mini_batch FROM charge JOIN job_record USING (job, record)
       WHERE job = ? AND final = 1 AND counts = 1 AND NOT EXISTS (
         SELECT 1 FROM counted_commit AS counted
         WHERE counted.job = charge.job AND counted.mini_batch = charge.mini_batch)`,
    )
    .pluck()
  const plan = db
    .prepare<[number, number], string>(
      'SELECT body FROM plan_chunk WHERE job = ? AND origin = ? ORDER BY first_mini_batch',
    )
    .pluck()
  return ({ id, data_peer }: Submitted) => {
    const miniBatches = failed.all(id)
    if (miniBatches.length === 0) return { miniBatches: 0, items: 0 }
    const chunks = plan.all(id, data_peer).map((body) => JSON.parse(body) as PlanChunkWritten)
    const items = miniBatches.reduce((sum, miniBatch) => sum + itemsOf(chunks, miniBatch), 0)
    return { miniBatches: miniBatches.length, items }
  }
}

const itemsOf = (chunks: readonly PlanChunkWritten[], miniBatch: MiniBatchIndex): number => {
  const chunk = chunks.find(
    ({ firstMiniBatch, miniBatches }) =>
      miniBatch >= firstMiniBatch && miniBatch < firstMiniBatch + miniBatches,
  )
  let first = chunk?.firstMiniBatch ?? 0
  for (const { count, items } of chunk?.runs ?? []) {
    if (miniBatch < first + count) return items
    first += count
  }
  return 0
}
