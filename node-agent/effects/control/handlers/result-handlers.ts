import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { findJob, findKeptJob } from '../find-job.ts'
import { rowToView } from '../job-views.ts'
import type { HandlerDeps } from './handler-deps.ts'
import type { Handlers } from './handler-deps.ts'

export const resultHandlers = (
  deps: HandlerDeps,
): Handlers<'results' | 'miniBatches' | 'timeline' | 'explain'> => {
  const { views, nameOf } = deps
  const find = (key: string): Promise<Result<JobFold, MusterError>> => findJob(views, key)
  return {
    results: async ({ query }) => {
      const fold = await findKeptJob(deps, query.job)
      if (!fold.ok) return fold
      const page = await views.rows({
        job: fold.value.job.id,
        limit: query.limit ?? 100,
        ...(query.cursor === undefined ? {} : { after: query.cursor }),
        ...(query.offset === undefined ? {} : { offset: query.offset }),
        ...(query.search === undefined ? {} : { search: query.search }),
        ...(query.equals === undefined
          ? {}
          : { where: { field: query.field ?? '', equals: query.equals } }),
        ...(query.only === undefined ? {} : { only: query.only }),
      })
      return ok({ ...page, rows: page.rows.map((row) => rowToView(row, nameOf)) })
    },
    miniBatches: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const { from, count, peers } = query
      return ok(await deps.miniBatchMap(fold.value, { from, count, peers: peers === 'true' }))
    },
    timeline: async ({ query }) => {
      const fold = await find(query.job)
      return fold.ok ? ok(deps.timeline(fold.value, query.since ?? 0)) : fold
    },
    explain: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const lines = await deps.explain(fold.value, query.miniBatch)
      return ok({ job: fold.value.job.id, lines: [...lines] })
    },
  }
}
