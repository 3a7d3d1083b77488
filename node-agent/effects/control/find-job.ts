import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { forgottenRefusal } from '../keeper/forgetting.ts'

/** A job by id or an unambiguous start of it. */
export const findJob = async (views: Views, key: string): Promise<Result<JobFold, MusterError>> => {
  const [first, second] = await views.findJobs(key)
  if (first === undefined)
    return err(
      musterError('JobUnknown', `There is no job "${key}"; \`muster job list\` shows all jobs.`),
    )
  if (second !== undefined)
    return err(musterError('JobUnknown', `Several jobs start with "${key}"; give more of the id.`))
  const fold = await views.job(first satisfies JobId)
  return fold === undefined ? err(musterError('JobUnknown', `There is no job "${key}".`)) : ok(fold)
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
