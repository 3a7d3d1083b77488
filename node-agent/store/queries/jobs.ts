import type { JobForgotten } from '#protocol/model/forgotten.ts'
import { forgottenFold } from '#protocol/model/fold.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { JobClosed, JobSealed, PlanChunkWritten } from '#protocol/model/record.ts'
import type { PeerShare } from '#agent/ports/views.ts'
import type { Db } from '../database.ts'
import { everAdmins, mayForget } from '../fold/forgetting.ts'
import { createBroken, createHalved } from './broken.ts'

/** Questions about jobs and their plans. */
export interface JobQueries {
  readonly jobs: (limit: number) => readonly JobFold[]
  readonly job: (job: JobId) => JobFold | undefined
  readonly findJobs: (prefix: string) => readonly JobId[]
  readonly openJobs: () => readonly JobFold[]
  readonly planChunks: (job: JobId) => readonly PlanChunkWritten[]
  readonly shares: (job: JobId) => readonly PeerShare[]
  readonly halved: (job: JobId) => readonly MiniBatchIndex[]
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
       AND s.job NOT IN (SELECT job FROM gone)
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
  const halvedOf = createHalved(db)
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
    halved: (job) => {
      const row = one.get(job)
      return row === undefined ? [] : halvedOf(row.id)
    },
  }
}

const createToFold = (db: Db): ((row: Submitted) => JobFold) => {
  const sumsOf = createSums(db)
  const endsOf = createEnds(db)
  const brokenOf = createBroken(db)
  const forgottenOf = createForgotten(db)
  const rowsHere = db
    .prepare<[number], number>('SELECT coalesce(sum(rows), 0) FROM row_bucket WHERE job = ?')
    .pluck()
  return (row) => {
    const { itemsFailed, ...sums } = sumsOf(row)
    const broken = brokenOf(row.id)
    return {
      job: JSON.parse(row.body) as Job,
      ...sums,
      ...broken,
      itemsFailed: itemsFailed + broken.itemsFailed,
      rowsHere: rowsHere.get(row.id) ?? 0,
      ...endsOf(row),
      ...forgottenOf(row),
    }
  }
}

/** Of several who wanted it forgotten, the first counts. */
const createForgotten = (db: Db) => {
  const find = db.prepare<[number], { readonly by: PeerId; readonly body: string }>(
    `${everAdmins} SELECT peer.name AS by, body FROM job_forgotten AS t
     JOIN peer ON peer.id = t.origin
     JOIN record ON record.id = t.record JOIN log ON log.id = record.log
     WHERE t.job = ? AND ${mayForget}
     ORDER BY at, log.origin, incarnation, record.sequence LIMIT 1`,
  )
  return ({ id }: Submitted) => {
    const found = find.get(id)
    return found === undefined
      ? {}
      : forgottenFold(JSON.parse(found.body) as JobForgotten, found.by)
  }
}

interface PlanSums {
  readonly items: number
  readonly miniBatches: number
  readonly chunks: number
  readonly lastChunk: number | null
  readonly lastSaid: number | null
  readonly taken: number | null
  readonly takenFrom: JobId | null
  readonly reuse: string | null
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
       count(*) AS chunks, max(chunk) AS lastChunk, max(CASE WHEN last THEN chunk END) AS lastSaid,
       sum(json_extract(body, '$.taken.miniBatches')) AS taken,
       min(json_extract(body, '$.taken.from')) AS takenFrom,
       max(json_extract(body, '$.reuse')) AS reuse
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
      ...takenOf(planned),
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

const takenOf = (planned: PlanSums | undefined): Pick<JobFold, 'taken' | 'reuse'> => {
  const { taken = null, takenFrom = null, reuse = null } = planned ?? {}
  return {
    ...(taken === null || takenFrom === null
      ? {}
      : { taken: { from: takenFrom, miniBatches: taken } }),
    ...(reuse === null ? {} : { reuse }),
  }
}

const createEnds = (db: Db) => {
  const text = (sql: string) => db.prepare<number[], string>(sql).pluck()
  const planFailure = text('SELECT message FROM plan_failed WHERE job = ? AND origin = ?')
  const closed = text('SELECT body FROM job_closed WHERE job = ?')
  const sealed = text('SELECT body FROM job_sealed WHERE job = ? AND origin = ?')
  const cancel = db.prepare<[number], number>('SELECT at FROM job_cancel WHERE job = ?').pluck()
  const pause = db.prepare<
    [number],
    { readonly clock: number; readonly paused: number; readonly at: Millis }
  >('SELECT clock, paused, at FROM job_pause WHERE job = ?')
  const parse = (json: string | undefined): unknown =>
    json === undefined ? null : JSON.parse(json)
  return ({ id, keeper, data_peer }: Submitted) => {
    const paused = pause.get(id)
    return {
      planFailure: planFailure.get(id, data_peer) ?? '',
      cancelRequestedAt: cancel.get(id) ?? null,
      pausedAt: paused?.paused === 1 ? paused.at : null,
      pauseClock: paused?.clock ?? 0,
      closed: parse(closed.get(id)) as JobClosed | null,
      sealed: parse(sealed.get(id, keeper)) as JobSealed | null,
    }
  }
}
