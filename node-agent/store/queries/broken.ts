import { isHalf } from '#protocol/model/half.ts'
import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import { rangeOf } from '#protocol/model/plan-ranges.ts'
import type { Db } from '../database.ts'
import { createHalves, createPlanOf } from '../fold/halves.ts'

/** What of a job did not go as it was planned. */
export interface Broken {
  readonly halvings: number
  readonly failedMiniBatches: number
  readonly itemsFailed: number
}

/**
 * Mini-batches that were halved, and those that failed for good with their items. What has a counted
 * commit, or is part of one that has, is neither; what runs in halves has not failed.
 */
export const createBroken = (db: Db) => {
  const failed = db
    .prepare<[number], MiniBatchIndex>(
      `SELECT DISTINCT mini_batch FROM charge JOIN job_record USING (job, record)
       WHERE job = ? AND final = 1 AND counts = 1`,
    )
    .pluck()
  const halvedOf = createHalved(db)
  const isDone = createIsDone(db)
  const planOf = createPlanOf(db)
  return (id: number): Broken => {
    const final = failed.all(id)
    const halved = halvedOf(id)
    if (final.length === 0) {
      return { halvings: halved.length, failedMiniBatches: 0, itemsFailed: 0 }
    }
    const inHalves = new Set(halved)
    const miniBatches = final.filter((one) => !inHalves.has(one) && !isDone(id, one))
    const plan = miniBatches.length === 0 ? [] : planOf(id)
    const items = miniBatches.reduce((sum, one) => sum + (rangeOf(plan, one)?.items ?? 0), 0)
    return { halvings: halved.length, failedMiniBatches: miniBatches.length, itemsFailed: items }
  }
}

/** Mini-batches of a job that run in halves, ascending. */
export const createHalved = (db: Db): ((job: number) => readonly MiniBatchIndex[]) => {
  const parents = db
    .prepare<[number], MiniBatchIndex>(
      `SELECT DISTINCT parent FROM halving JOIN job_record USING (job, record)
       WHERE job = ? AND counts = 1 ORDER BY parent`,
    )
    .pluck()
  const isDone = createIsDone(db)
  return (job) => parents.all(job).filter((parent) => !isDone(job, parent))
}

/** Whether a mini-batch has a counted commit, or is part of one that has. */
const createIsDone = (db: Db): ((job: number, miniBatch: MiniBatchIndex) => boolean) => {
  const counted = db.prepare<[number, number], number>(
    'SELECT 1 FROM counted_commit WHERE job = ? AND mini_batch = ?',
  )
  const halves = createHalves(db)
  return (job, miniBatch) =>
    counted.get(job, miniBatch) !== undefined ||
    (isHalf(miniBatch) && halves.isPartOfCounted(job, miniBatch))
}

/** Whether a mini-batch of a job with a final charge has failed for good, by the same rule. */
export const createHasFailed = (db: Db) => {
  const halvedOf = createHalved(db)
  const isDone = createIsDone(db)
  return (job: number): ((miniBatch: MiniBatchIndex) => boolean) => {
    const inHalves = new Set(halvedOf(job))
    return (miniBatch) => !inHalves.has(miniBatch) && !isDone(job, miniBatch)
  }
}
