import type { JobId } from '#protocol/model/ids.ts'
import type { NamedJob } from '#agent/ports/views.ts'
import type { Db } from '../database.ts'

/** Which jobs have rows of a job too, since one took them over from the other, directly or through others. */
export const createSharedRows = (db: Db): ((job: JobId) => readonly NamedJob[]) => {
  const keyOf = db
    .prepare<[string], string | null>(
      `SELECT json_extract(s.body, '$.reuse.key') FROM job_submitted AS s
       JOIN job ON job.id = s.job WHERE name = ?`,
    )
    .pluck()
  const taken = db.prepare<[string], Taken>(
    `SELECT DISTINCT name AS id, json_extract(s.body, '$.spec.name') AS name,
       json_extract(p.body, '$.taken.from') AS source
     FROM job_submitted AS s JOIN job ON job.id = s.job JOIN plan_chunk AS p ON p.job = s.job
     WHERE json_extract(s.body, '$.reuse.key') = ? ORDER BY s.submitted_at, job.name`,
  )
  return (job) => {
    const key = keyOf.get(job)
    if (key === undefined || key === null) return []
    const all = taken.all(key)
    const found = new Set([job])
    for (let size = 0; size < found.size;) {
      size = found.size
      for (const { id, source } of all)
        if (source !== null && (found.has(id) || found.has(source))) found.add(id).add(source)
    }
    found.delete(job)
    const names = new Map(all.map(({ id, name }) => [id, name]))
    return [...names].filter(([id]) => found.has(id)).map(([id, name]) => ({ id, name }))
  }
}

interface Taken {
  readonly id: JobId
  readonly name: string
  readonly source: JobId | null
}
