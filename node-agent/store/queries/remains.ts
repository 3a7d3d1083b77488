import type { JobRemains } from '#agent/ports/views.ts'
import type { BlobHash, JobId } from '#protocol/model/ids.ts'
import type { Db } from '../database.ts'

/** What forgotten jobs left on this machine, and what of it others need. */
export const createRemains = (db: Db) => {
  const all = db.prepare<[], { readonly job: JobId; readonly blobs: string }>(
    'SELECT job, blobs FROM to_remove ORDER BY job',
  )
  const naming = [
    'SELECT body FROM job_submitted WHERE job NOT IN (SELECT job FROM gone)',
    'SELECT body FROM model_registered',
    'SELECT body FROM plan_chunk',
    'SELECT DISTINCT lower(hex(hash)) FROM chunk JOIN counted_commit ON chunk.id = chunk',
    'SELECT pack FROM kept_files',
  ].map((sql) => db.prepare<[], string>(sql).pluck())
  return {
    toRemove: (): readonly JobRemains[] =>
      all.all().map(({ job, blobs }) => ({ job, blobs: JSON.parse(blobs) as readonly BlobHash[] })),
    unnamed: (blobs: readonly BlobHash[]): readonly BlobHash[] => {
      const left = new Set<string>(blobs)
      for (const texts of naming)
        for (const text of texts.iterate())
          for (const [name] of text.matchAll(/\b[0-9a-f]{64}\b/g)) left.delete(name)
      return [...left] as BlobHash[]
    },
  }
}
