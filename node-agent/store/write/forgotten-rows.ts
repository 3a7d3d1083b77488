import { limits } from '#protocol/limits.ts'
import type { Db } from '../database.ts'

/**
 * Deletes rows of forgotten jobs, some at a time, so that nobody who writes waits for a million of them. From
 * the transaction on in which a job is forgotten nobody is shown its rows; those that are left are found by that
 * the job is gone, also after a restart. Each runs inside the caller's transaction, which overwrites what it deletes.
 */
export interface ForgottenRows {
  /** Deletes the first rows of a job: of most jobs all. */
  readonly dropSome: (job: number) => void
  /** Deletes some that are left, of whatever job. */
  readonly dropNext: () => void
  /** False: there are none, but for what the transaction under way leaves. */
  readonly areLeft: () => boolean
}

interface Place {
  readonly item: number
  readonly miniBatch: number
  readonly ordinal: number
}

export const createForgottenRows = (db: Db): ForgottenRows => {
  const first = db.prepare<[number], Place & { readonly length: number }>(
    `SELECT item, mini_batch AS miniBatch, ordinal,
       length(name) + coalesce(length(value), 0) + length(failure) AS length
     FROM row WHERE job = ? ORDER BY item, mini_batch, ordinal`,
  )
  const remove = db.prepare(
    'DELETE FROM row WHERE job = ? AND (item, mini_batch, ordinal) <= (?, ?, ?)',
  )
  const jobLeft = db
    .prepare<[], number>(
      `SELECT job FROM gone WHERE EXISTS (SELECT 1 FROM row WHERE row.job = gone.job) LIMIT 1`,
    )
    .pluck()
  let areLeft = jobLeft.get() !== undefined

  /** The last row that is deleted, and whether it is the job's last. */
  const reach = (job: number): { readonly last: Place | undefined; readonly isEnd: boolean } => {
    let [rows, bytes, last] = [0, 0, undefined as Place | undefined]
    for (const row of first.iterate(job)) {
      if (rows >= limits.forgottenRows || bytes >= limits.forgottenBytes)
        return { last, isEnd: false }
      last = row
      rows += 1
      bytes += row.length
    }
    return { last, isEnd: true }
  }
  const dropSome = (job: number): void => {
    const { last, isEnd } = reach(job)
    if (!isEnd) areLeft = true
    if (last !== undefined) remove.run(job, last.item, last.miniBatch, last.ordinal)
  }
  return {
    dropSome,
    dropNext: () => {
      const job = jobLeft.get()
      // Only what an earlier transaction made durable says that there are none.
      if (job === undefined) areLeft = false
      else dropSome(job)
    },
    areLeft: () => areLeft,
  }
}
