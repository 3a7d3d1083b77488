import type { JobForgotten } from '#protocol/model/forgotten.ts'
import { isForgettable } from '#protocol/model/forgettable.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { Db } from '../database.ts'
import type { Names } from '../names.ts'
import { rewriteNote } from '../rewrite-note.ts'
import type { ForgottenRows } from '../write/forgotten-rows.ts'
import type { Pruner } from '../write/prune.ts'
import type { JobRecordBody } from './jobs.ts'
import type { Ranks, StoredRecord } from './ranks.ts'

/**
 * Jobs that somebody wanted forgotten. Who may want that is known only from other records, which may come
 * later: what was said is kept by origin, and looked at again with every such record.
 */
export interface ForgettingFold {
  /** Notes what a record says of who may forget; call it before the record is folded. */
  readonly note: (record: StoredRecord) => void
  readonly forget: (record: StoredRecord, body: JobForgotten) => void
  /** True for a record that says nothing any more, since its job is forgotten. */
  readonly isGone: (body: JobRecordBody) => boolean
}

export interface ForgettingDeps {
  readonly names: Names
  readonly ranks: Ranks
  readonly pruner: Pruner
  readonly forgottenRows: ForgottenRows
}

/**
 * The creator, those it ever made admins, those whom these did: a set that only grows, so what counts once
 * always counts.
 */
export const everAdmins = `WITH RECURSIVE admin(peer) AS (
  SELECT peer FROM admin_grant WHERE author = 0
  UNION SELECT g.peer FROM admin_grant AS g JOIN admin AS a ON g.author = a.peer)`

/** Whether what the peer of the row `t` said of the row's job counts. */
export const mayForget = `(EXISTS (SELECT 1 FROM job_submitter AS s WHERE s.job = t.job AND s.peer = t.origin)
  OR t.origin IN (SELECT peer FROM admin))`

export const createForgettingFold = (db: Db, deps: ForgettingDeps): ForgettingFold => {
  const { names, ranks } = deps
  const addGrant = db.prepare('INSERT OR IGNORE INTO admin_grant VALUES (?, ?)')
  const addSubmitter = db.prepare('INSERT OR IGNORE INTO job_submitter VALUES (?, ?)')
  const said = db.prepare<[number, number], { readonly record: number; readonly at: number }>(
    'SELECT record, at FROM job_forgotten WHERE job = ? AND origin = ?',
  )
  const say = db.prepare('INSERT OR REPLACE INTO job_forgotten VALUES (?, ?, ?, ?, ?)')
  const waiting = db
    .prepare<[], number>(
      `${everAdmins} SELECT DISTINCT job FROM job_forgotten AS t
       WHERE ${mayForget} AND job NOT IN (SELECT job FROM gone)`,
    )
    .pluck()
  const isGone = db.prepare<[string], number>(
    'SELECT 1 FROM gone JOIN job ON job.id = gone.job WHERE name = ?',
  )
  const hasGone = db.prepare<[], number>('SELECT 1 FROM gone LIMIT 1')
  const drop = createDrop(db, deps)
  const settle = (): void => {
    for (const job of waiting.all()) drop(job)
  }
  return {
    note: ({ origin, body }) => {
      const grant = grantOf(body)
      if (grant !== undefined)
        addGrant.run(grant.isFirst ? 0 : names.peer(origin), names.peer(grant.peer))
      else if (body.kind === 'job-submitted' && body.job.submitter === origin)
        addSubmitter.run(names.job(body.job.id), names.peer(origin))
      else return
      settle()
    },
    forget: (record, body) => {
      const [job, origin] = [names.job(body.job), names.peer(record.origin)]
      const known = said.get(job, origin)
      const isFirst =
        known === undefined ||
        body.at < known.at ||
        (body.at === known.at && ranks.isBefore(record, known.record))
      if (!isFirst) return
      say.run(job, origin, record.id, body.at, JSON.stringify(body))
      settle()
    },
    isGone: (body) =>
      isForgettable(body) && hasGone.get() !== undefined && isGone.get(body.job) !== undefined,
  }
}

const grantOf = (
  body: RecordBody,
): { readonly peer: StoredRecord['origin']; readonly isFirst: boolean } | undefined => {
  if (body.kind === 'cluster-created') return { peer: body.creator, isFirst: true }
  if (body.kind !== 'member-added' && body.kind !== 'roles-changed') return undefined
  return body.roles.includes('admin') ? { peer: body.peer, isFirst: false } : undefined
}

/**
 * Tables with what a forgotten job was, but for its rows, which may be many; its submission, its end and the
 * wish to forget it stay.
 */
const tables = (
  'plan_chunk plan_failed job_closed job_sealed job_record counted_commit wanted_chunk charge ' +
  'halving half_commit job_share row_bucket kept kept_files'
).split(' ')

/** Drops all that is known of a job, and notes which blobs here are still to go. */
const createDrop = (db: Db, { pruner, forgottenRows }: ForgettingDeps): ((job: number) => void) => {
  const nameOf = db.prepare<[number], string>('SELECT name FROM job WHERE id = ?').pluck()
  const mark = db.prepare('INSERT OR IGNORE INTO gone VALUES (?)')
  const clear = tables.map((table) => db.prepare<[number]>(`DELETE FROM ${table} WHERE job = ?`))
  const remains = db.prepare<[string], string>('SELECT blobs FROM to_remove WHERE job = ?').pluck()
  const note = db.prepare('INSERT OR REPLACE INTO to_remove VALUES (?, ?)')
  const noteRewrite = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, 1)')
  return (job) => {
    const name = nameOf.get(job)
    if (name === undefined) return
    mark.run(job)
    // Deleted words would stay in free pages of the file otherwise; copies of them that moves between pages
    // left go when the file is written anew.
    db.pragma('secure_delete = ON')
    noteRewrite.run(rewriteNote)
    for (const statement of clear) statement.run(job)
    forgottenRows.dropSome(job)
    const earlier = JSON.parse(remains.get(name) ?? '[]') as readonly string[]
    const blobs = new Set([...earlier, ...pruner.job(name)])
    note.run(name, JSON.stringify([...blobs]))
  }
}
