import type { JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { MiniBatchContents } from '#agent/ports/views.ts'
import type { Db } from '../database.ts'

/** Hashes of what was read for neighbouring mini-batches, where they are known here. */
export const createContents = (
  db: Db,
): ((of: {
  readonly job: JobId
  readonly from: MiniBatchIndex
  readonly to: MiniBatchIndex
}) => readonly MiniBatchContents[]) => {
  const find = db.prepare<[string, number, number], MiniBatchContents>(
    `SELECT mini_batch AS miniBatch, contents FROM kept
     WHERE job = (SELECT id FROM job WHERE name = ?) AND mini_batch >= ? AND mini_batch < ?
       AND contents IS NOT NULL`,
  )
  return ({ job, from, to }) => find.all(job, from, to)
}
