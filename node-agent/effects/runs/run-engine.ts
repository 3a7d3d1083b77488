import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold, PipelineFold } from '#protocol/model/fold.ts'
import type { JobId, PeerId, PipelineId } from '#protocol/model/ids.ts'
import type { JobState } from '#protocol/model/job.ts'
import type {
  PipelineRun,
  PipelineState,
  RunOrder,
  StepProgress,
} from '#protocol/model/pipeline.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { RunJobs } from './run-jobs.ts'
import { createRunWaits } from './run-waits.ts'
import type { RunProblem } from './run-waits.ts'

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
  /** Why a step that could start has not started, in one sentence; empty if nothing keeps it. */
  readonly waitsFor: (pipeline: PipelineId, step: string) => string
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

export const orderOf = ({ cancelRequestedAt, pausedAt }: PipelineFold): RunOrder => {
  if (cancelRequestedAt !== null) return 'cancel'
  return pausedAt === null ? 'go' : 'pause'
}

/** Rules of `job/`, handed in by the composition root. */
export interface RunRules {
  readonly nextSteps: (
    run: PipelineRun,
    progressOf: (step: string) => StepProgress,
    order: RunOrder,
  ) => {
    readonly start: readonly string[]
    readonly skip: readonly { readonly step: string; readonly reason: string }[]
  }
  readonly pipelineState: (
    steps: PipelineRun['steps'],
    progressOf: (step: string) => StepProgress,
    order: RunOrder,
  ) => { readonly state: PipelineState; readonly headline: string }
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
  const { clock, log, views } = deps
  const stopped = new AbortController()
  const dirty = new Set<PipelineId>()
  let working: Promise<void> | undefined

  const touched = (pipeline: PipelineId): void => {
    if (stopped.signal.aborted) return
    dirty.add(pipeline)
    start()
  }
  const waits = createRunWaits(clock, touched)
  const look = async (pipeline: PipelineId): Promise<void> => {
    dirty.delete(pipeline)
    const problem = await advance(deps, pipeline, stopped.signal).catch((thrown: unknown) => ({
      step: undefined,
      error: toError(thrown),
    }))
    waits.drop(pipeline)
    if (problem === undefined || stopped.signal.aborted) return
    log.warn('a pipeline run waits', { pipeline, ...problem })
    waits.add(pipeline, problem)
  }
  const workOff = async (): Promise<void> => {
    for (const pipeline of dirty) {
      if (stopped.signal.aborted) return
      await look(pipeline)
    }
  }
  const start = (): void => {
    working ??= workOff().finally(() => {
      working = undefined
      if (dirty.size > 0 && !stopped.signal.aborted) start()
    })
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
        if (run.submitter === deps.self) touched(run.id)
    },
    waitsFor: waits.sentenceOf,
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      await working
      waits[Symbol.dispose]()
    },
  }
}

const toError = (thrown: unknown): MusterError =>
  thrown instanceof MusterFailure
    ? thrown.error
    : musterError('Internal', 'The pipeline run could not be advanced; the log says why.', {
        detail: thrownToText(thrown),
      })

/** One look at a run: what it finds to do is recorded, which brings the next look. */
const advance = async (
  deps: RunEngineDeps,
  pipeline: PipelineId,
  signal: AbortSignal,
): Promise<RunProblem | undefined> => {
  const fold = await deps.views.pipeline(pipeline)
  if (fold === undefined || fold.run.submitter !== deps.self || fold.ended !== null)
    return undefined
  const { run } = fold
  const jobs = await jobsByStep(deps.views, fold)
  const progressOf = progressIn(fold, jobs, () => 'Running')
  const order = orderOf(fold)
  const { start, skip } = deps.rules.nextSteps(run, progressOf, order)
  const at = deps.clock.now()
  const bodies: RecordBody[] = skip.map(({ step, reason }) =>
    skippedStep(run, step, { state: 'Canceled', reason, at }),
  )
  if (order === 'cancel') bodies.push(...cancelJobs(jobs, at))
  if (order === 'pause') bodies.push(...pauseUntold(jobs, at))
  if (bodies.length + start.length === 0) {
    const { state, headline } = deps.rules.pipelineState(run.steps, plainly(progressOf), order)
    if (state === 'Completed' || state === 'Failed' || state === 'Canceled')
      bodies.push({
        kind: 'pipeline-ended',
        pipeline: run.id,
        state,
        headline: headline.slice(0, limits.sentenceLength),
        at,
      })
  }
  const problem = await append(deps, bodies)
  return problem ?? startSteps(deps, run, start, { jobs, signal })
}

const append = async (
  { ledger }: RunEngineDeps,
  bodies: readonly RecordBody[],
): Promise<RunProblem | undefined> => {
  const added = await ledger.append(bodies)
  return added.ok ? undefined : { step: undefined, error: added.error }
}

/** Each is recorded when it is ready: what one reads may take long to look at. The first problem is told. */
const startSteps = async (
  deps: RunEngineDeps,
  run: PipelineRun,
  names: readonly string[],
  around: Around,
): Promise<RunProblem | undefined> => {
  let first: RunProblem | undefined
  for (const name of names) {
    const body = await startStep(deps, run, name, around)
    // An agent that stops has looked at nothing to its end.
    if (around.signal.aborted) return undefined
    const problem = 'kind' in body ? await append(deps, [body]) : { step: name, error: body }
    first ??= problem
  }
  return first
}

interface Around {
  readonly jobs: ReadonlyMap<string, JobFold>
  readonly signal: AbortSignal
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

/** The record of a step's job, or of why there can be none. An error is one that may pass. */
const startStep = async (
  { runJobs, clock }: RunEngineDeps,
  run: PipelineRun,
  name: string,
  { jobs, signal }: Around,
): Promise<RecordBody | MusterError> => {
  const step = run.steps.find((one) => one.name === name)
  if (step === undefined) throw new Error(`no step ${name}`)
  const wired = await runJobs.wire(step, jobs, signal)
  if (wired.ok) {
    const { contents } = wired.value
    return { kind: 'job-submitted', job: runJobs.make(run, wired.value.step, { contents }) }
  }
  const { error } = wired
  return error.retryable
    ? error
    : skippedStep(run, name, { state: 'Failed', reason: error.message, at: clock.now() })
}

/** Whoever paused the run from another machine had not heard yet of a step that was just started. */
const pauseUntold = (jobs: ReadonlyMap<string, JobFold>, at: number): readonly RecordBody[] =>
  [...jobs.values()]
    .filter((job) => isOpen(job) && job.pauseClock === 0)
    .map(({ job }) => ({ kind: 'job-pause-changed', job: job.id, paused: true, clock: 1, at }))

/** Whether anything can still be asked of a job. */
export const isOpen = ({ sealed, closed, cancelRequestedAt }: JobFold): boolean =>
  sealed === null && closed === null && cancelRequestedAt === null

const cancelJobs = (jobs: ReadonlyMap<string, JobFold>, at: number): readonly RecordBody[] =>
  [...jobs.values()]
    .filter(isOpen)
    .map(({ job }) => ({ kind: 'job-cancel-requested', job: job.id, at }))
