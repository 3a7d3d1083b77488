import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Views } from '#agent/ports/views.ts'
import { thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold, PipelineFold } from '#protocol/model/fold.ts'
import type { JobId, PeerId, PipelineId } from '#protocol/model/ids.ts'
import type { JobState } from '#protocol/model/job.ts'
import type { PipelineRun, PipelineState } from '#protocol/model/pipeline.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { RunJobs } from './run-jobs.ts'

/**
 * Drives the runs that this agent submitted: starts steps whose inputs are sealed, passes over those that
 * cannot start any more, and says the last word. All it knows stands in the ledger, so it goes on after a
 * restart where it was.
 */
export interface RunEngine extends AsyncDisposable {
  /** Something was recorded about a run. */
  readonly touched: (pipeline: PipelineId) => void
  /** A job was sealed: the run it belongs to may go on. */
  readonly jobSealed: (job: JobId) => void
  /** Looks at all open runs of this agent. */
  readonly restore: () => Promise<void>
}

export interface RunEngineDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly ledger: Ledger
  readonly views: Views
  readonly runJobs: RunJobs
  readonly rules: RunRules
}

/** Rules of `job/`, handed in by the composition root. */
export interface RunRules {
  readonly nextSteps: (
    run: PipelineRun,
    progressOf: (step: string) => StepProgress,
    cancelRequested: boolean,
  ) => {
    readonly start: readonly string[]
    readonly skip: readonly { readonly step: string; readonly reason: string }[]
  }
  readonly pipelineState: (
    steps: PipelineRun['steps'],
    progressOf: (step: string) => StepProgress,
    cancelRequested: boolean,
  ) => { readonly state: PipelineState; readonly headline: string }
}

/** What is known of a step. */
export type StepProgress =
  | { readonly kind: 'open' }
  | { readonly kind: 'running'; readonly state: JobState }
  | {
      readonly kind: 'ended'
      readonly state: 'Completed' | 'Failed' | 'Canceled'
      readonly headline: string
    }

/** How far each step of a run is. `stateOf` says how a job without a seal stands. */
export const progressIn = (
  fold: PipelineFold,
  jobs: ReadonlyMap<string, JobFold>,
  stateOf: (job: JobFold) => JobState,
): ((step: string) => StepProgress) => {
  const skipped = new Map(fold.skipped.map((one) => [one.step, one]))
  return (step) => {
    const job = jobs.get(step)
    if (job?.sealed) {
      const { state, headline } = job.sealed
      return { kind: 'ended', state, headline }
    }
    if (job !== undefined) return { kind: 'running', state: stateOf(job) }
    const skip = skipped.get(step)
    if (skip !== undefined) return { kind: 'ended', state: skip.state, headline: skip.reason }
    return { kind: 'open' }
  }
}

/** Jobs of a run by their steps; of two for one step the first counts. */
export const jobsByStep = async (
  views: Views,
  fold: PipelineFold,
): Promise<ReadonlyMap<string, JobFold>> => {
  const found = new Map<string, JobFold>()
  for (const id of fold.jobs) {
    const job = await views.job(id)
    const step = job?.job.run?.step
    if (job === undefined || step === undefined || job.job.submitter !== fold.run.submitter)
      continue
    if (!found.has(step)) found.set(step, job)
  }
  return found
}

export const createRunEngine = (deps: RunEngineDeps): RunEngine => {
  const { log, views, self } = deps
  const stopped = new AbortController()
  const dirty = new Set<PipelineId>()
  let working: Promise<void> | undefined

  const workOff = async (): Promise<void> => {
    for (const pipeline of dirty) {
      dirty.delete(pipeline)
      if (stopped.signal.aborted) return
      const fold = await views.pipeline(pipeline)
      if (fold === undefined || fold.run.submitter !== self || fold.ended !== null) continue
      await advance(deps, fold, stopped.signal)
    }
  }
  const start = (): void => {
    working ??= workOff()
      .catch((thrown: unknown) => {
        if (!stopped.signal.aborted)
          log.error('a pipeline run could not be advanced', { detail: thrownToText(thrown) })
      })
      .finally(() => {
        working = undefined
        if (dirty.size > 0 && !stopped.signal.aborted) start()
      })
  }
  const touched = (pipeline: PipelineId): void => {
    if (stopped.signal.aborted) return
    dirty.add(pipeline)
    start()
  }
  return {
    touched,
    jobSealed: (job) => {
      views
        .job(job)
        .then((fold) => fold?.job.run !== undefined && touched(fold.job.run.pipeline))
        .catch((thrown: unknown) =>
          log.error('a job could not be looked up', { detail: thrownToText(thrown) }),
        )
    },
    restore: async () => {
      for (const { run } of await views.pipelines({ only: 'open', limit: limits.openPipelines }))
        if (run.submitter === self) touched(run.id)
    },
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      await working
    },
  }
}

/** One look at a run: what it finds to do is recorded, which brings the next look. */
const advance = async (
  deps: RunEngineDeps,
  fold: PipelineFold,
  signal: AbortSignal,
): Promise<void> => {
  const { run, cancelRequestedAt } = fold
  const jobs = await jobsByStep(deps.views, fold)
  const progressOf = progressIn(fold, jobs, () => 'Running')
  const isCanceled = cancelRequestedAt !== null
  const { start, skip } = deps.rules.nextSteps(run, progressOf, isCanceled)
  const at = deps.clock.now()
  const bodies: RecordBody[] = skip.map(({ step, reason }) =>
    skippedStep(run, step, { state: 'Canceled', reason, at }),
  )
  for (const name of start) bodies.push(await startStep(deps, run, name, { jobs, signal }))
  if (isCanceled) bodies.push(...cancelJobs(jobs, at))
  if (bodies.length === 0) {
    const { state, headline } = deps.rules.pipelineState(run.steps, plainly(progressOf), isCanceled)
    if (state === 'Completed' || state === 'Failed' || state === 'Canceled')
      bodies.push({
        kind: 'pipeline-ended',
        pipeline: run.id,
        state,
        headline: headline.slice(0, limits.sentenceLength),
        at,
      })
  }
  if (bodies.length === 0) return
  const added = await deps.ledger.append(bodies)
  if (!added.ok) deps.log.warn('a pipeline run waits', { pipeline: run.id, error: added.error })
}

/**
 * What goes into the ledger for ever names no cause, since causes name items, and a job may be forgotten:
 * whoever shows the run reads them from its jobs.
 */
const plainly =
  (progressOf: (step: string) => StepProgress) =>
  (step: string): StepProgress => {
    const progress = progressOf(step)
    return progress.kind === 'ended' ? { ...progress, headline: '' } : progress
  }

const skippedStep = (
  run: PipelineRun,
  step: string,
  why: { readonly state: 'Failed' | 'Canceled'; readonly reason: string; readonly at: number },
): RecordBody => ({
  kind: 'pipeline-step-skipped',
  pipeline: run.id,
  step,
  ...why,
  reason: why.reason.slice(0, limits.sentenceLength),
})

/** The record of a step's job, or of why there can be none. */
const startStep = async (
  { runJobs, clock }: RunEngineDeps,
  run: PipelineRun,
  name: string,
  around: { readonly jobs: ReadonlyMap<string, JobFold>; readonly signal: AbortSignal },
): Promise<RecordBody> => {
  const step = run.steps.find((one) => one.name === name)
  if (step === undefined) throw new Error(`no step ${name}`)
  const failed = ({ message }: MusterError): RecordBody =>
    skippedStep(run, name, { state: 'Failed', reason: message, at: clock.now() })
  const wired = await runJobs.wire(step, around.jobs, around.signal)
  if (!wired.ok) return failed(wired.error)
  const { contents } = wired.value
  return { kind: 'job-submitted', job: runJobs.make(run, wired.value.step, { contents }) }
}

const cancelJobs = (jobs: ReadonlyMap<string, JobFold>, at: number): readonly RecordBody[] =>
  [...jobs.values()]
    .filter(
      ({ sealed, closed, cancelRequestedAt }) =>
        sealed === null && closed === null && cancelRequestedAt === null,
    )
    .map(({ job }) => ({ kind: 'job-cancel-requested', job: job.id, at }))
