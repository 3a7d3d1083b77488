import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { forgottenRefusal } from '../keeper/forgetting.ts'

/**
 * A job by id or an unambiguous start of it. People call a run of one job a job: its id, which lists and
 * submissions show too, is that of its job.
 */
export const findJob = async (views: Views, key: string): Promise<Result<JobFold, MusterError>> => {
  const [first, second] = await views.findJobs(key)
  if (first === undefined) return jobOfRun(views, key)
  if (second !== undefined)
    return err(musterError('JobUnknown', `Several jobs start with "${key}"; give more of the id.`))
  const fold = await views.job(first satisfies JobId)
  return fold === undefined ? err(musterError('JobUnknown', `There is no job "${key}".`)) : ok(fold)
}

const jobOfRun = async (views: Views, key: string): Promise<Result<JobFold, MusterError>> => {
  const [run, other] = await views.findPipelines(key)
  const fold = run === undefined || other !== undefined ? undefined : await views.pipeline(run)
  const [only, ...more] = fold?.jobs ?? []
  const job = only === undefined || more.length > 0 ? undefined : await views.job(only)
  if (job !== undefined && fold?.run.steps.length === 1) return ok(job)
  const sentence =
    fold === undefined
      ? `There is no job "${key}"; \`muster job list\` shows all jobs.`
      : `"${key}" is the pipeline run ${fold.run.name}, which has ${fold.run.steps.length} steps; \`muster pipeline show ${key}\` shows the job of each.`
  return err(musterError('JobUnknown', sentence))
}

/** The same, if its rows and logs may still be had. */
export const findKeptJob = async (
  deps: { readonly views: Views; readonly nameOf: (peer: PeerId) => string },
  key: string,
): Promise<Result<JobFold, MusterError>> => {
  const fold = await findJob(deps.views, key)
  const refusal = fold.ok ? forgottenRefusal(fold.value, deps.nameOf) : undefined
  return refusal === undefined ? fold : err(refusal)
}
