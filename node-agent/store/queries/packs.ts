import type { MiniBatchFiles } from '#agent/ports/output.ts'
import type { KeptPack } from '#agent/ports/views.ts'
import type { BlobHash, JobId, PeerId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'

/** Which packs of a job are wanted. */
interface PacksAsked {
  readonly job: JobId
  /** Only those that came after this id. */
  readonly after: number
  readonly limit: number
}

const idOf = '(SELECT id FROM job WHERE name = ?)'

export const createPackQuery = (db: Db): ((asked: PacksAsked) => readonly KeptPack[]) => {
  const find = db.prepare<
    [string, number, number],
    { readonly id: number; readonly pack: BlobHash; readonly peer: PeerId }
  >(
    `SELECT kept_files.id AS id, pack, peer.name AS peer FROM kept_files
     JOIN counted_commit AS counted USING (job, mini_batch)
     JOIN chunk ON chunk.id = counted.chunk JOIN peer ON peer.id = chunk.peer
     WHERE job = ${idOf} AND kept_files.id > ? ORDER BY kept_files.id LIMIT ?`,
  )
  return ({ job, after, limit }) => find.all(job, after, limit)
}

/**
 * All files of a job, mini-batches in plan order: that of their items. Only numbers are sorted; the lists,
 * which may be long, are looked up one by one.
 */
export const createFilesQuery = (db: Db): ((job: JobId) => Iterable<MiniBatchFiles>) => {
  const order = db
    .prepare<[string], number>(
      `SELECT id FROM kept_files JOIN kept USING (job, mini_batch)
       WHERE job = ${idOf} ORDER BY first_item, mini_batch`,
    )
    .pluck()
  const one = db.prepare<
    [number],
    { readonly miniBatch: number; readonly pack: BlobHash; readonly list: string }
  >('SELECT mini_batch AS miniBatch, pack, list FROM kept_files WHERE id = ?')
  return function* (job) {
    for (const id of order.iterate(job)) {
      const found = one.get(id)
      if (found !== undefined)
        yield { ...found, list: JSON.parse(found.list) as MiniBatchFiles['list'] }
    }
  }
}
