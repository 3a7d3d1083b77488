import type { JobSealed } from '#protocol/model/record.ts'
import type { VersionVector } from '#protocol/model/log-position.ts'
import type { Db } from '../database.ts'
import type { Ranks, RecordPlace } from './ranks.ts'

/** The seal that counts: the keeper's first. It says how far its keeper had read. */
export interface Seals {
  /** Says whether a commit or charge written at a place counts for the job. */
  readonly coverage: (job: number) => (place: RecordPlace) => boolean
}

export const createSeals = (db: Db): Seals => {
  const find = db
    .prepare<[number], string>(
      `SELECT job_sealed.body FROM job_submitted
       JOIN job_sealed ON job_sealed.job = job_submitted.job AND origin = keeper
       WHERE job_submitted.job = ?`,
    )
    .pluck()
  return {
    coverage: (job) => {
      const seal = find.get(job)
      const upTo = seal === undefined ? undefined : (JSON.parse(seal) as JobSealed).upTo
      return (place) => isCovered(upTo, place)
    },
  }
}

/** Without a word on how far it read, a seal leaves out nothing. */
const isCovered = (upTo: VersionVector | undefined, place: RecordPlace): boolean =>
  upTo === undefined ||
  upTo.some(
    ({ origin, incarnation, sequence }) =>
      origin === place.origin && incarnation === place.incarnation && place.sequence <= sequence,
  )

/** Says for every commit and charge record of a job whether it counts; true if that changed for one. */
export const createCoverage = (
  db: Db,
  deps: { readonly seals: Seals; readonly ranks: Ranks },
): ((job: number) => boolean) => {
  const records = db.prepare<[number], { readonly record: number; readonly counts: number }>(
    'SELECT record, counts FROM job_record WHERE job = ?',
  )
  const set = db.prepare('UPDATE job_record SET counts = ? WHERE job = ? AND record = ?')
  return (job) => {
    const counting = deps.seals.coverage(job)
    let changed = false
    for (const { record, counts } of records.all(job)) {
      const now = counting(deps.ranks.placeOf(record)) ? 1 : 0
      if (now === counts) continue
      set.run(now, job, record)
      changed = true
    }
    return changed
  }
}
