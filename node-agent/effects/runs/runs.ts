import type { GivenValues, RunFile, StepFile } from '#agent/ports/job-file.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import { asPipelineId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type {
  PipelineRun,
  PipelineSource,
  PipelineStep,
  RunOrigin,
} from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { pinsOf, withModels } from './pins.ts'
import type { Pinned } from './pins.ts'
import { failedItems } from './failed-items.ts'
import { forgottenRefusal } from '../keeper/forgetting.ts'
import { asOneStep, readAgain, resubmitElsewhere } from './resubmit.ts'
import type { Besides, Changes } from './resubmit.ts'
import type { JobMore } from './run-jobs.ts'
import { cancel, pause, pauseSchedule, removeSchedule, schedule } from './run-orders.ts'
import type {
  RunAgainWish,
  RunWish,
  Runs,
  RunsDeps,
  Retry,
  Submitted,
  SubmittedRun,
} from './run-wishes.ts'

export const createRuns = (deps: RunsDeps): Runs => ({
  submit: (wish, signal) => submit(deps, wish, signal),
  resubmit: (run, wish, signal) => resubmit(deps, run, wish, signal),
  resubmitJob: (job, wish, signal) => resubmitJob(deps, job, wish, signal),
  retryFailed: (fold, submissionId, signal) => retryFailed(deps, fold, submissionId, signal),
  cancel: (fold) => cancel(deps, fold),
  pause: (fold, paused) => pause(deps, fold, paused),
  pauseSchedule: (fold, paused) => pauseSchedule(deps, fold, paused),
  removeSchedule: (schedule) => removeSchedule(deps, schedule),
})

const submit = async (
  deps: RunsDeps,
  wish: RunWish,
  signal: AbortSignal,
): Promise<Result<Submitted, MusterError>> => {
  const refusal = deps.submitting.refusal('submit jobs')
  if (refusal !== undefined) return err(refusal)
  const earlier = await earlierRun(deps, wish.submissionId)
  if (earlier !== undefined) return ok({ ...earlier, warnings: [] })
  const { text, file, parameters, overrides } = wish
  const read = deps.jobFiles.readRun(text, file, {
    parameters,
    overrides,
    known: await deps.known(),
  })
  if (!read.ok) return read
  const { steps: planned, schedule: wanted } = read.value
  if (wish.single === true && (planned.length > 1 || wanted !== undefined))
    return err(notSingle(read.value))
  const source = sourceOf(wish, read.value)
  const steps = await prepareSteps(deps, read.value, () => ({}), signal)
  const isScheduled = wanted !== undefined && wish.now !== true
  // A folder that is watched for files may be empty now.
  if (!steps.ok && !(isScheduled && steps.error.code === 'InputEmpty')) return steps
  const submitted =
    isScheduled || !steps.ok
      ? await schedule(deps, read.value, { source, parameters })
      : await record(deps, {
          file: read.value,
          steps: steps.value,
          source,
          origin: wish.origin ?? { kind: 'submitted' },
          regenerate: wish.regenerate ?? false,
          submissionId: wish.submissionId,
        })
  return submitted.ok ? ok({ ...submitted.value, warnings: read.value.warnings }) : submitted
}

/**
 * What a later run of this one reads: just what was submitted, also where other files said a part of it. Places
 * in that text are none of the person's own file, so it has a name of its own, in the same folder.
 */
const sourceOf = ({ text, file, overrides }: RunWish, { whole }: RunFile): PipelineSource =>
  whole === undefined
    ? { text, file, overrides }
    : { text: whole, file: `${file} (as submitted)`, overrides }

const notSingle = ({ name, steps }: RunFile): MusterError =>
  musterError(
    'NotOneJob',
    `The file of ${name} ${steps.length > 1 ? `has ${steps.length} steps` : 'has a schedule'}: submit it as a pipeline, for example with \`muster job submit\`.`,
  )

const prepareSteps = async (
  deps: RunsDeps,
  file: RunFile,
  pinned: (step: RunFile['steps'][number]) => Pinned,
  signal: AbortSignal,
): Promise<Result<readonly PipelineStep[], MusterError>> => {
  const steps: PipelineStep[] = []
  const isSingle = file.steps.length === 1
  for (const one of file.steps) {
    const { model, models, ...recorded } = pinned(one)
    const job = withModels(one.job, model, models)
    const spec = await deps.submitting.prepare(job, recorded, signal)
    if (!spec.ok) return isSingle ? spec : err(inStep(one.name, spec.error))
    const { name, after, output, allowReuse } = one
    const wires = one.wires.map(({ input, step, side }) =>
      side === undefined ? { input, step } : { input, step, side },
    )
    const { dataPeer } = one.job
    const step = { name, spec: spec.value, wires, after, output, allowReuse }
    steps.push(dataPeer === undefined ? step : { ...step, dataPeer })
  }
  return ok(steps)
}

const inStep = (step: string, error: MusterError): MusterError => ({
  ...error,
  message: `In step "${step}": ${error.message}`,
})

interface NewRun {
  readonly file: Omit<RunFile, 'steps' | 'warnings' | 'schedule' | 'whole'>
  readonly steps: readonly PipelineStep[]
  readonly source: PipelineSource
  readonly origin: RunOrigin
  readonly regenerate: boolean
  readonly submissionId: string | undefined
  readonly more?: JobMore
}

/** The run and the jobs that start at once become durable together. */
const record = async (
  deps: RunsDeps,
  { file, steps, source, origin, regenerate, submissionId, more }: NewRun,
): Promise<Result<SubmittedRun, MusterError>> => {
  const run: PipelineRun = {
    id: asPipelineId(deps.random.jobId()),
    name: file.name,
    experiment: file.experiment,
    description: file.description,
    tags: file.tags,
    parameters: file.parameters,
    continueOnStepFailure: file.continueOnStepFailure,
    regenerateOutputs: file.regenerateOutputs || regenerate,
    steps,
    source,
    origin,
    submitter: deps.self,
    submittedAt: deps.clock.now(),
  }
  const first = steps.filter(({ wires, after }) => wires.length === 0 && after.length === 0)
  const jobs = first.map((step) => deps.runJobs.make(run, step, more))
  if (submissionId !== undefined)
    await deps.views.setSetting(submissionSetting(submissionId), run.id)
  const added = await deps.ledger.append([
    { kind: 'pipeline-submitted', run },
    ...jobs.map((job) => ({ kind: 'job-submitted', job }) as const),
  ])
  return added.ok ? ok({ kind: 'run', run, jobs }) : added
}

const submissionSetting = (id: string): string => `submission/${id}`

const earlierRun = async (
  { views }: RunsDeps,
  id: string | undefined,
): Promise<SubmittedRun | undefined> => {
  if (id === undefined) return undefined
  const known = await views.setting(submissionSetting(id))
  const fold = typeof known === 'string' ? await views.pipeline(asPipelineId(known)) : undefined
  if (fold === undefined) return undefined
  const jobs = await Promise.all(fold.jobs.map((job) => views.job(job)))
  return { kind: 'run', run: fold.run, jobs: jobs.flatMap((job) => job?.job ?? []) }
}

const resubmit = async (
  deps: RunsDeps,
  run: PipelineRun,
  wish: RunAgainWish,
  signal: AbortSignal,
): Promise<Result<SubmittedRun, MusterError>> => {
  const refusal = deps.submitting.refusal('submit jobs') ?? elsewhere(deps, run)
  if (refusal !== undefined) return err(refusal)
  const earlier = await earlierRun(deps, wish.submissionId)
  if (earlier !== undefined) return ok(earlier)
  const overrides = { ...run.source.overrides, ...wish.overrides }
  const parameters = { ...run.parameters, ...wish.parameters }
  const known = await deps.known()
  const readWith = (given: Pick<GivenValues, 'overrides' | 'parameters'>) =>
    deps.jobFiles.readRun(run.source.text, run.source.file, { ...given, known, isAgain: true })
  const read = readWith({ overrides, parameters })
  if (!read.ok) return read
  const changed = Object.keys(wish.overrides)
  const isChanged = changed.length + Object.keys(wish.parameters).length > 0
  const unchanged = isChanged
    ? readWith({ overrides: run.source.overrides, parameters: run.parameters })
    : read
  const before = unchanged.ok ? unchanged.value.steps : []
  const pins = (step: StepFile) => pinsOf({ run, before, changed }, step)
  const steps = await prepareSteps(deps, read.value, pins, signal)
  if (!steps.ok) return steps
  return record(deps, {
    file: read.value,
    steps: steps.value,
    source: { ...run.source, overrides },
    origin: { kind: 'resubmitted', pipeline: run.id },
    // Who asks for the very same again wants it computed again.
    regenerate: wish.regenerate ?? !isChanged,
    submissionId: wish.submissionId,
  })
}

const elsewhere = ({ self, nameOf }: RunsDeps, run: PipelineRun): MusterError | undefined =>
  run.submitter === self
    ? undefined
    : musterError(
        'InputMissing',
        `The files of ${run.name} are on ${nameOf(run.submitter)}, so only that machine can submit it anew; open its window, or run this command there.`,
      )

const resubmitJob = async (
  deps: RunsDeps,
  job: Job,
  { changes, submissionId }: { readonly changes: Changes; readonly submissionId?: string },
  signal: AbortSignal,
): Promise<Result<Job, MusterError>> => {
  const refusal =
    deps.submitting.refusal('submit jobs') ?? resubmitElsewhere(job, deps.self, deps.nameOf)
  if (refusal !== undefined) return err(refusal)
  const earlier = await earlierRun(deps, submissionId)
  if (earlier?.jobs[0] !== undefined) return ok(earlier.jobs[0])
  const again = readAgain(deps.jobFiles, job.spec, await besidesOf(deps, job), changes)
  if (!again.ok) return again
  const { file, source } = again.value
  const { sideInputs } = job.spec
  const recorded = job.spec.runtime === 'node' ? { script: job.spec.script, sideInputs } : {}
  const steps = await prepareSteps(deps, file, () => recorded, signal)
  if (!steps.ok) return steps
  const submitted = await record(deps, {
    file,
    steps: steps.value,
    source,
    origin: originOf(job),
    regenerate: Object.keys(changes).length === 0,
    submissionId,
  })
  return submitted.ok ? firstJob(submitted.value) : submitted
}

/** What the job's run says of it; jobs of older versions have none. */
const besidesOf = async ({ views }: RunsDeps, { run }: Job): Promise<Besides> => {
  const fold = run === undefined ? undefined : await views.pipeline(run.pipeline)
  const step = fold?.run.steps.find(({ name }) => name === run?.step)
  const experiment = run === undefined || run.experiment === run.name ? undefined : run.experiment
  return { experiment, allowReuse: step?.allowReuse ?? true }
}

const originOf = ({ run }: Job): RunOrigin =>
  run === undefined ? { kind: 'submitted' } : { kind: 'resubmitted', pipeline: run.pipeline }

const firstJob = ({ jobs: [job] }: SubmittedRun): Result<Job, MusterError> => {
  if (job === undefined) throw new Error('a run of one step without a job')
  return ok(job)
}

const retryFailed = async (
  deps: RunsDeps,
  fold: JobFold,
  submissionId: string | undefined,
  signal: AbortSignal,
): Promise<Result<Retry, MusterError>> => {
  const { job } = fold
  const refusal =
    deps.submitting.refusal('submit jobs') ??
    forgottenRefusal(fold, deps.nameOf) ??
    resubmitElsewhere(job, deps.self, deps.nameOf)
  if (refusal !== undefined) return err(refusal)
  if (fold.sealed === null) return err(stillRuns(job))
  const failed = await failedItems(deps.views, fold)
  if (!failed.ok) return failed
  const earlier = await earlierRun(deps, submissionId)
  if (earlier?.jobs[0] !== undefined) return ok({ ...failed.value, job: earlier.jobs[0] })
  signal.throwIfAborted()
  const { items } = failed.value
  const list = Buffer.from(Uint32Array.from(items).buffer)
  const blob = await deps.blobs.put(list)
  if (!blob.ok) return blob
  const only = { job: job.id, blob: blob.value, items: items.length }
  const recorded = await record(deps, {
    ...asOneStep(job.spec, await besidesOf(deps, job)),
    origin: { kind: 'failed-items', job: job.id },
    regenerate: true,
    submissionId,
    more: { only },
  })
  if (!recorded.ok) return recorded
  const first = firstJob(recorded.value)
  return first.ok ? ok({ ...failed.value, job: first.value }) : first
}

const stillRuns = ({ spec }: Job): MusterError =>
  musterError(
    'RequestInvalid',
    `Job ${spec.name} has not ended yet, so more of its items may fail; wait for it, or cancel it first.`,
  )
