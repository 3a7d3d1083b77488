import type { JobView } from '#protocol/control/job-views.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { findJob } from '../find-job.ts'
import { forgottenRefusal } from '../../keeper/forgetting.ts'
import { jobToDetail } from '../job-views.ts'
import type { HandlerDeps } from './handler-deps.ts'
import type { Handlers } from './handler-deps.ts'

export const jobHandlers = (
  deps: HandlerDeps,
): Handlers<'submitJob' | 'resubmitJob' | 'jobs' | 'job'> => {
  const { views, live, nameOf } = deps
  const find = (key: string): Promise<Result<JobFold, MusterError>> => findJob(views, key)
  return {
    submitJob: async ({ body, signal }) => {
      const { submissionId } = body
      const submitted = await deps.runLife.runs.submit(
        {
          text: body.text,
          file: body.file,
          parameters: {},
          overrides: body.overrides ?? {},
          single: true,
          ...(submissionId === undefined ? {} : { submissionId }),
        },
        signal,
      )
      if (!submitted.ok) return submitted
      const [job] = submitted.value.kind === 'run' ? submitted.value.jobs : []
      const fold = await find(job?.id ?? '')
      const { warnings } = submitted.value
      return fold.ok ? ok({ ...live.toView(fold.value), warnings: [...warnings] }) : fold
    },
    resubmitJob: async ({ query, body, signal }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const gone = forgottenRefusal(fold.value, nameOf)
      if (gone !== undefined) return err(gone)
      const { overrides: changes = {}, submissionId } = body
      const wish = { changes, ...(submissionId === undefined ? {} : { submissionId }) }
      const job = await deps.runLife.runs.resubmitJob(fold.value.job, wish, signal)
      if (!job.ok) return job
      const after = await find(job.value.id)
      return after.ok ? ok(live.toView(after.value)) : after
    },
    jobs: async ({ query }) => {
      const jobs = await views.jobs(query.limit ?? limits.snapshotJobs)
      return ok({ jobs: jobs.map(live.toView) })
    },
    job: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const { id } = fold.value.job
      const shares = await views.shares(id)
      const groups = await views.failureGroups(id, limits.failureGroups)
      const failures = await Promise.all(groups.map((group) => deps.withItem(id, group)))
      return ok(
        jobToDetail(live.toView(fold.value), { fold: fold.value, shares, failures, nameOf }),
      )
    },
  }
}

export const changeHandlers = (
  deps: HandlerDeps,
): Handlers<'cancelJob' | 'pauseJob' | 'resumeJob' | 'forgetJob'> => {
  const change = createChange(deps)
  return {
    cancelJob: ({ query }) => change(query.job, deps.submitting.cancel),
    pauseJob: ({ query }) => change(query.job, (job) => deps.pauseJob(job, true)),
    resumeJob: ({ query }) => change(query.job, (job) => deps.pauseJob(job, false)),
    forgetJob: async ({ query }) => {
      const fold = await findJob(deps.views, query.job)
      if (!fold.ok) return fold
      const { spec } = fold.value.job
      const left = spec.outputPlace?.path ?? ''
      // Afterwards nobody knows any more.
      const sharedWith = [...(await deps.views.sharedRows(fold.value.job.id))]
      const forgotten = await change(fold.value.job.id, () => deps.forgetJob(fold.value))
      return forgotten.ok ? ok({ ...forgotten.value, left, sharedWith }) : forgotten
    },
  }
}

/** Changes a job and shows it as it is then. */
const createChange =
  ({ views, live }: HandlerDeps) =>
  async (
    key: string,
    work: (job: JobId) => Promise<Result<void, MusterError>>,
  ): Promise<Result<JobView, MusterError>> => {
    const fold = await findJob(views, key)
    if (!fold.ok) return fold
    const changed = await work(fold.value.job.id)
    if (!changed.ok) return changed
    const after = await findJob(views, fold.value.job.id)
    return after.ok ? ok(live.toView(after.value)) : after
  }
