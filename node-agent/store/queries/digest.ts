import { createHash } from 'node:crypto'
import type { Db } from '../database.ts'

/**
 * SHA-256 over all folded tables in a fixed order, with names instead of numbers: stores that hold the
 * same records agree, in whatever order those came. `kept` is left out: whose rows are here is no fold.
 */
export const createDigest = (db: Db): (() => string) => {
  const tables = dumps.map((sql) => db.prepare<[], readonly unknown[]>(sql).raw())
  return db.transaction(() => {
    const hash = createHash('sha256')
    for (const [at, table] of tables.entries()) {
      for (const row of table.iterate()) hash.update(`${at} ${JSON.stringify(row)}\n`)
    }
    return hash.digest('hex')
  })
}

const place = 'log.origin, log.incarnation, record.sequence'
const withRecord = (table: string) =>
  `JOIN record ON record.id = ${table}.record JOIN log ON log.id = record.log`
const withJob = (table: string) => `JOIN job ON job.id = ${table}.job`

const dumps: readonly string[] = [
  `SELECT job.name, ${place}, body FROM job_submitted AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name`,
  `SELECT job.name, ${place}, chunk, t.items, t.first_mini_batch, t.mini_batches, t.last, body
   FROM plan_chunk AS t ${withJob('t')} ${withRecord('t')} ORDER BY job.name, log.origin, chunk`,
  `SELECT job.name, ${place}, message FROM plan_failed AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name, log.origin`,
  `SELECT job.name, at FROM job_cancel AS t ${withJob('t')} ORDER BY job.name`,
  `SELECT job.name, ${place}, term, body FROM job_closed AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name`,
  `SELECT job.name, ${place}, at, body FROM job_forgotten AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name, log.origin`,
  `SELECT author.name, peer.name FROM admin_grant AS t LEFT JOIN peer AS author ON author.id = t.author
   JOIN peer ON peer.id = t.peer ORDER BY author.name, peer.name`,
  `SELECT job.name, peer.name FROM job_submitter AS t ${withJob('t')}
   JOIN peer ON peer.id = t.peer ORDER BY job.name, peer.name`,
  `SELECT job.name FROM gone AS t ${withJob('t')} ORDER BY job.name`,
  `SELECT job.name, ${place}, body FROM job_sealed AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name, log.origin`,
  `SELECT job.name, ${place}, is_commit, term, at, counts
   FROM job_record AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name, log.origin, log.incarnation, record.sequence`,
  `SELECT job.name, mini_batch, ${place}, hex(chunk.hash), peer.name, position, attempt, succeeded,
     failed, rows
   FROM counted_commit AS t ${withJob('t')} ${withRecord('t')}
   JOIN chunk ON chunk.id = t.chunk JOIN peer ON peer.id = chunk.peer ORDER BY job.name, mini_batch`,
  `SELECT job.name, ${place}, place, mini_batch, attempt, peer.name, cause, message, final,
     process, started_at, run_ms
   FROM charge AS t ${withJob('t')} ${withRecord('t')} JOIN peer ON peer.id = t.peer
   ORDER BY job.name, log.origin, log.incarnation, record.sequence, place`,
  `SELECT job.name, ${place}, clock, paused, at
   FROM job_pause AS t ${withJob('t')} ${withRecord('t')} ORDER BY job.name`,
  `SELECT job.name, ${place}, parent FROM halving AS t ${withJob('t')} ${withRecord('t')}
   ORDER BY job.name, log.origin, log.incarnation, record.sequence, parent`,
  `SELECT job.name, mini_batch FROM half_commit AS t ${withJob('t')} ORDER BY job.name, mini_batch`,
  `SELECT job.name, peer.name, mini_batches, succeeded, failed, rows
   FROM job_share AS t ${withJob('t')} JOIN peer ON peer.id = t.peer
   WHERE mini_batches > 0 ORDER BY job.name, peer.name`,
  `SELECT name, version, ${place}, body FROM model_registered AS t ${withRecord('t')}
   ORDER BY name, version`,
  `SELECT t.kind, name, version, ${place}, body FROM registered AS t ${withRecord('t')}
   ORDER BY t.kind, name, version`,
  `SELECT kind, name, version FROM unregistered ORDER BY kind, name`,
  `SELECT name, ${place}, clock, body FROM pool AS t ${withRecord('t')} ORDER BY name`,
  `SELECT pipeline, ${place}, body FROM pipeline_submitted AS t ${withRecord('t')} ORDER BY pipeline`,
  `SELECT t.id, t.origin, about, ${place}, body FROM pipeline_said AS t ${withRecord('t')}
   ORDER BY t.id, t.origin, about`,
  `SELECT pipeline, at FROM pipeline_cancel ORDER BY pipeline`,
  `SELECT about, ${place}, clock, paused, at FROM pipeline_pause AS t ${withRecord('t')} ORDER BY about`,
]
