import type { ItemIndex, JobId } from '#protocol/model/ids.ts'
import type { TakenRow } from '#agent/ports/views.ts'
import type { Db } from '../database.ts'

/** Rows of neighbouring items, read by their place alone. */
export const createRowsOfItems = (
  db: Db,
): ((of: {
  readonly job: JobId
  readonly first: ItemIndex
  readonly last: ItemIndex
}) => readonly TakenRow[]) => {
  const find = db.prepare<[string, number, number], TakenRow>(
    `SELECT item, name, mini_batch AS miniBatch, value FROM row
     WHERE job = (SELECT id FROM job WHERE name = ?) AND item >= ? AND item < ?
       AND value IS NOT NULL
     ORDER BY item, mini_batch, ordinal`,
  )
  return ({ job, first, last }) => find.all(job, first, last)
}
