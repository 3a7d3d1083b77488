import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Views } from '#agent/ports/views.ts'
import type { PipelineView, ScheduleView } from '#protocol/control/pipeline-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PipelineFold, ScheduleFold } from '#protocol/model/fold.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { findJob } from '../control/find-job.ts'
import { forgottenRefusal } from '../keeper/forgetting.ts'
import type { LiveJobs } from '../control/live-jobs.ts'
import { pipelineToView, scheduleToView, toComparison, toExperiments } from './pipeline-views.ts'
import { jobsByStep } from './run-engine.ts'
import type { RunEngine, RunRules } from './run-engine.ts'
import type { Runs } from './run-wishes.ts'
import type { Schedules } from './schedules.ts'

export interface PipelineHandlerDeps {
  readonly self: PeerId
  readonly views: Views
  readonly live: LiveJobs
  readonly nameOf: (peer: PeerId) => string
  readonly withNames: (sentence: string) => string
  readonly runLife: {
    readonly runs: Runs
    readonly schedules: Schedules
    readonly rules: RunRules
    readonly engine: Pick<RunEngine, 'waitsFor'>
  }
}

type Handlers<Name extends keyof ControlHandlers> = Pick<ControlHandlers, Name>

const done = { done: true } as const

const viewOf = async (
  deps: PipelineHandlerDeps,
  key: string,
): Promise<Result<PipelineView, MusterError>> => {
  const fold = await findPipeline(deps.views, key)
  return fold.ok ? ok(await toView(deps, fold.value)) : fold
}

const submitHandlers = (
  deps: PipelineHandlerDeps,
): Handlers<'submitPipeline' | 'resubmitPipeline' | 'retryFailed'> => {
  const { views, live } = deps
  const { runs } = deps.runLife
  return {
    submitPipeline: async ({ body, signal }) => {
      const { parameters = {}, overrides = {}, ...rest } = body
      const submitted = await runs.submit(
        { ...withoutUndefined(rest), parameters, overrides },
        signal,
      )
      if (!submitted.ok) return submitted
      const { warnings } = submitted.value
      if (submitted.value.kind === 'schedule') {
        const fold = { schedule: submitted.value.schedule, pausedAt: null, pauseClock: 0 }
        const schedule = scheduleView(deps, fold)
        return ok({ pipeline: null, schedule, warnings: [...warnings] })
      }
      const pipeline = await viewOf(deps, submitted.value.run.id)
      if (!pipeline.ok) return pipeline
      return ok({ pipeline: pipeline.value, schedule: null, warnings: [...warnings] })
    },
    resubmitPipeline: async ({ query, body, signal }) => {
      const fold = await findPipeline(views, query.pipeline)
      if (!fold.ok) return fold
      for (const id of fold.value.jobs) {
        const job = await views.job(id)
        const gone = job && forgottenRefusal(job, deps.nameOf)
        if (gone !== undefined) return err(gone)
      }
      const { parameters = {}, overrides = {}, ...rest } = body
      const wish = { ...withoutUndefined(rest), parameters, overrides }
      const run = await runs.resubmit(fold.value.run, wish, signal)
      return run.ok ? viewOf(deps, run.value.run.id) : run
    },
    retryFailed: async ({ query, body, signal }) => {
      const fold = await findJob(views, query.job)
      if (!fold.ok) return fold
      const retry = await runs.retryFailed(fold.value, body.submissionId, signal)
      if (!retry.ok) return retry
      const after = await findJob(views, retry.value.job.id)
      if (!after.ok) return after
      const { items, wholeMiniBatches } = retry.value
      return ok({ job: live.toView(after.value), items: items.length, wholeMiniBatches })
    },
  }
}

export const pipelineHandlers = (
  deps: PipelineHandlerDeps,
): Handlers<
  | 'submitPipeline'
  | 'resubmitPipeline'
  | 'retryFailed'
  | 'pipelines'
  | 'pipeline'
  | 'cancelPipeline'
  | 'pausePipeline'
  | 'resumePipeline'
> => {
  const { views, runLife } = deps
  const change = async (
    key: string,
    act: (fold: PipelineFold) => Promise<Result<void, MusterError>>,
  ): Promise<Result<PipelineView, MusterError>> => {
    const fold = await findPipeline(views, key)
    if (!fold.ok) return fold
    const changed = await act(fold.value)
    return changed.ok ? viewOf(deps, fold.value.run.id) : changed
  }
  const { cancel, pause } = runLife.runs
  return {
    ...submitHandlers(deps),
    pipelines: async ({ query }) => {
      const folds = await views.pipelines({
        limit: query.limit ?? limits.snapshotJobs,
        ...(query.experiment === undefined ? {} : { experiment: query.experiment }),
      })
      return ok({ pipelines: await Promise.all(folds.map((fold) => toView(deps, fold))) })
    },
    pipeline: async ({ query }) => viewOf(deps, query.pipeline),
    cancelPipeline: ({ query }) => change(query.pipeline, cancel),
    pausePipeline: ({ query }) => change(query.pipeline, (fold) => pause(fold, true)),
    resumePipeline: ({ query }) => change(query.pipeline, (fold) => pause(fold, false)),
  }
}

export const experimentHandlers = (
  deps: PipelineHandlerDeps,
): Handlers<'experiments' | 'compareExperiments'> => {
  const { views } = deps
  return {
    experiments: async () => {
      const folds = await views.pipelines({ limit: limits.openPipelines })
      return ok({ experiments: [...toExperiments(folds)] })
    },
    compareExperiments: async ({ query }) => {
      const folds: PipelineFold[] = []
      for (const key of query.of.split(',').map((part) => part.trim())) {
        const found = await runsOf(views, key, query.limit ?? limits.comparedRuns)
        if (!found.ok) return found
        folds.push(...found.value)
      }
      const runs = folds
        .filter((fold, i) => folds.findIndex((one) => one.run.id === fold.run.id) === i)
        .slice(0, limits.comparedRuns)
        .toSorted((a, b) => a.run.submittedAt - b.run.submittedAt)
      const shown = await Promise.all(
        runs.map(async (fold) => ({ fold, view: await toView(deps, fold) })),
      )
      return ok(toComparison(shown))
    },
  }
}

export const scheduleHandlers = (
  deps: PipelineHandlerDeps,
): Handlers<'schedules' | 'pauseSchedule' | 'resumeSchedule' | 'removeSchedule'> => {
  const { views, runLife } = deps
  const pause = async (key: string, paused: boolean) => {
    const found = await findSchedule(deps, key)
    if (!found.ok) return found
    const changed = await runLife.runs.pauseSchedule(found.value, paused)
    if (!changed.ok) return changed
    const after = await findSchedule(deps, found.value.schedule.id)
    return after.ok ? ok(scheduleView(deps, after.value)) : after
  }
  return {
    schedules: async () =>
      ok({ schedules: (await views.schedules()).map((one) => scheduleView(deps, one)) }),
    pauseSchedule: ({ query }) => pause(query.schedule, true),
    resumeSchedule: ({ query }) => pause(query.schedule, false),
    removeSchedule: async ({ query }) => {
      const found = await findSchedule(deps, query.schedule)
      if (!found.ok) return found
      const removed = await runLife.runs.removeSchedule(found.value.schedule)
      return removed.ok ? ok(done) : removed
    },
  }
}

const toView = async (deps: PipelineHandlerDeps, fold: PipelineFold): Promise<PipelineView> => {
  const jobs = await jobsByStep(deps.views, fold)
  const { rules, engine } = deps.runLife
  return pipelineToView({ ...deps, rules, waitsFor: engine.waitsFor }, fold, jobs)
}

const scheduleView = (deps: PipelineHandlerDeps, fold: ScheduleFold): ScheduleView => {
  const { schedules } = deps.runLife
  return scheduleToView(fold, deps.nameOf, {
    note: schedules.memoryOf(fold.schedule.id),
    nextAt: schedules.nextOf(fold.schedule),
  })
}

/** Runs of an experiment, newest first, or one run by its id. */
const runsOf = async (
  views: Views,
  key: string,
  limit: number,
): Promise<Result<readonly PipelineFold[], MusterError>> => {
  const ofExperiment = await views.pipelines({ limit, experiment: key })
  if (ofExperiment.length > 0) return ok(ofExperiment)
  const one = await findPipeline(views, key)
  if (one.ok) return ok([one.value])
  const message = `There is no experiment and no pipeline run "${key}"; \`muster experiment list\` shows the experiments.`
  return err(musterError('NotFound', message))
}

/** A run by its id, by that of one of its jobs, or by an unambiguous start of either. */
const findPipeline = async (
  views: Views,
  key: string,
): Promise<Result<PipelineFold, MusterError>> => {
  const [first, second] = await views.findPipelines(key)
  const [job, otherJob] = first === undefined ? await views.findJobs(key) : []
  const ofJob =
    job === undefined || otherJob !== undefined
      ? undefined
      : (await views.job(job))?.job.run?.pipeline
  const id = first ?? ofJob
  const fold = id === undefined || second !== undefined ? undefined : await views.pipeline(id)
  if (fold !== undefined) return ok(fold)
  return err(
    musterError(
      'JobUnknown',
      second === undefined && otherJob === undefined
        ? `There is no pipeline run "${key}"; \`muster pipeline list\` shows all of them.`
        : `Several pipeline runs start with "${key}"; give more of the id.`,
    ),
  )
}

/** A schedule by its id or name; one of this agent goes before others of that name. */
const findSchedule = async (
  { views, self }: PipelineHandlerDeps,
  key: string,
): Promise<Result<ScheduleFold, MusterError>> => {
  const found = (await views.schedules()).filter(
    ({ schedule }) => schedule.id === key || schedule.name === key,
  )
  const one = found.find(({ schedule }) => schedule.submitter === self) ?? found[0]
  if (one !== undefined) return ok(one)
  const message = `There is no schedule "${key}"; \`muster schedule list\` shows all of them.`
  return err(musterError('NotFound', message))
}

type Defined<T> = { readonly [Key in keyof T]: Exclude<T[Key], undefined> }

/** The value with those fields left out that are undefined. */
const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Defined<T>
