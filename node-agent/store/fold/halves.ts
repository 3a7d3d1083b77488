import { halvesWithin, isHalf } from '#protocol/model/half.ts'
import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import { pathOf } from '#protocol/model/plan-ranges.ts'
import type { Committed, PlanChunkWritten } from '#protocol/model/record.ts'
import type { Db } from '../database.ts'

/**
 * Which commits are of parts of one another: a commit of a whole mini-batch counts before those of its
 * halves. What a half is part of follows from the plan, so halves cost nothing where there are none.
 */
export interface Halves {
  /** Notes the halves among the commits of a record, whether or not they count. */
  readonly note: (job: number, body: Committed) => void
  readonly any: (job: number) => boolean
  /** True if halves of these items were committed: what counts may change with the plan. */
  readonly anyWithin: (job: number, chunk: PlanChunkWritten) => boolean
  /** True if a mini-batch that the half is part of has a counted commit. */
  readonly isPartOfCounted: (job: number, half: MiniBatchIndex) => boolean
  /** Counted commits of parts of a mini-batch. */
  readonly countedWithin: (job: number, whole: MiniBatchIndex) => readonly MiniBatchIndex[]
}

export const createHalves = (db: Db): Halves => {
  const add = db.prepare('INSERT OR IGNORE INTO half_commit VALUES (?, ?)')
  const one = db.prepare<[number]>('SELECT 1 FROM half_commit WHERE job = ? LIMIT 1')
  const between = db.prepare<[number, number, number]>(
    'SELECT 1 FROM half_commit WHERE job = ? AND mini_batch >= ? AND mini_batch < ? LIMIT 1',
  )
  const counted = db.prepare<[number, number]>(
    'SELECT 1 FROM counted_commit WHERE job = ? AND mini_batch = ?',
  )
  const countedBetween = db
    .prepare<[number, number, number], MiniBatchIndex>(
      'SELECT mini_batch FROM counted_commit WHERE job = ? AND mini_batch >= ? AND mini_batch < ?',
    )
    .pluck()
  const planOf = createPlanOf(db)
  return {
    note: (job, body) => {
      for (const { miniBatches } of body.groups)
        for (const miniBatch of miniBatches) if (isHalf(miniBatch)) add.run(job, miniBatch)
    },
    any: (job) => one.get(job) !== undefined,
    anyWithin: (job, chunk) => {
      const { from, to } = halvesWithin(chunk)
      return between.get(job, from, to) !== undefined
    },
    isPartOfCounted: (job, half) =>
      outerOf(planOf(job), half).some((outer) => counted.get(job, outer) !== undefined),
    countedWithin: (job, whole) => {
      const range = pathOf(planOf(job), whole)?.at(-1)
      if (range === undefined) return []
      const { from, to } = halvesWithin(range)
      const plan = planOf(job)
      return countedBetween.all(job, from, to).filter((half) => outerOf(plan, half).includes(whole))
    },
  }
}

const outerOf = (
  plan: readonly PlanChunkWritten[],
  half: MiniBatchIndex,
): readonly MiniBatchIndex[] =>
  (pathOf(plan, half) ?? []).slice(0, -1).map((range) => range.miniBatch)

/** The plan of a job by its data's peer, read again only when it has more chunks. */
export const createPlanOf = (db: Db): ((job: number) => readonly PlanChunkWritten[]) => {
  const all = db
    .prepare<[number], string>(
      `SELECT plan_chunk.body FROM plan_chunk JOIN job_submitted USING (job)
       WHERE job = ? AND origin = data_peer ORDER BY chunk`,
    )
    .pluck()
  const version = db
    .prepare<[number], string>(
      `SELECT group_concat(plan_chunk.record) FROM plan_chunk JOIN job_submitted USING (job)
       WHERE job = ? AND origin = data_peer`,
    )
    .pluck()
  let known: { job: number; version: string; plan: readonly PlanChunkWritten[] } | undefined
  return (job) => {
    const now = version.get(job) ?? ''
    if (known?.job !== job || known.version !== now) {
      const plan = all.all(job).map((body) => JSON.parse(body) as PlanChunkWritten)
      known = { job, version: now, plan }
    }
    return known.plan
  }
}
