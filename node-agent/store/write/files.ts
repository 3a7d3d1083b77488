import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import type { AttemptFiles } from '#protocol/model/rows.ts'
import type { Db } from '../database.ts'

/** Remembers which files came with the rows of a mini-batch. Runs inside the caller's transaction. */
export const createFileBook = (db: Db) => {
  const add = db.prepare<[number, number, string, string]>(
    'INSERT OR REPLACE INTO kept_files (job, mini_batch, pack, list) VALUES (?, ?, ?, ?)',
  )
  const remove = db.prepare<[number, number]>(
    'DELETE FROM kept_files WHERE job = ? AND mini_batch = ?',
  )
  return {
    keep: (job: number, miniBatch: MiniBatchIndex, files: AttemptFiles | undefined): void => {
      if (files !== undefined) add.run(job, miniBatch, files.pack, JSON.stringify(files.list))
    },
    drop: (job: number, miniBatch: MiniBatchIndex): void => void remove.run(job, miniBatch),
  }
}
