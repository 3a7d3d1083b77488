import type {
  ComparisonView,
  ExperimentView,
  PipelineView,
  ScheduleView,
  StepView,
} from '#protocol/control/pipeline-views.ts'
import type { JobFold, PipelineFold, ScheduleFold } from '#protocol/model/fold.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { PipelineStep, RunOrigin } from '#protocol/model/pipeline.ts'
import { specToFile } from '#protocol/spec/spec-to-file.ts'
import { orderOf, progressIn } from './run-engine.ts'
import type { RunEngine, RunRules } from './run-engine.ts'
import type { LiveJobs } from '../control/live-jobs.ts'
import type { ScheduleNote } from './schedules.ts'

/** Turns runs and schedules into what the control API shows. */
export interface PipelineViewDeps {
  readonly nameOf: (peer: PeerId) => string
  readonly withNames: (sentence: string) => string
  readonly live: Pick<LiveJobs, 'toView'>
  readonly rules: RunRules
  /** What the submitter's agent knows of a step that could start and did not. */
  readonly waitsFor: RunEngine['waitsFor']
}

export const pipelineToView = (
  deps: PipelineViewDeps,
  fold: PipelineFold,
  jobs: ReadonlyMap<string, JobFold>,
): PipelineView => {
  const { run, ended } = fold
  const progressOf = progressIn(fold, jobs, (job) => deps.live.toView(job).state)
  const now = deps.rules.pipelineState(run.steps, progressOf, orderOf(fold))
  return {
    id: run.id,
    name: run.name,
    experiment: run.experiment,
    description: run.description,
    tags: { ...run.tags },
    state: ended?.state ?? now.state,
    headline: deps.withNames(now.headline),
    origin: originText(run.origin),
    submitter: run.submitter,
    submitterName: deps.nameOf(run.submitter),
    submittedAt: run.submittedAt,
    pausedAt: ended === null ? fold.pausedAt : null,
    endedAt: ended?.at ?? null,
    parameters: { ...run.parameters },
    continueOnStepFailure: run.continueOnStepFailure,
    regenerateOutputs: run.regenerateOutputs,
    steps: run.steps.map((step) => stepToView(deps, fold, step, jobs.get(step.name))),
  }
}

const stepToView = (
  deps: PipelineViewDeps,
  fold: PipelineFold,
  step: PipelineStep,
  job: JobFold | undefined,
): StepView => {
  const skipped = fold.skipped.find((one) => one.step === step.name)
  const view = job === undefined ? undefined : deps.live.toView(job)
  const reason = view?.reason === '' ? view.headline : view?.reason
  return {
    name: step.name,
    state: view?.state ?? skipped?.state ?? 'NotStarted',
    reason: reason ?? skipped?.reason ?? whyNotYet(deps, fold, step.name),
    job: view?.id ?? '',
    needs: [...new Set([...step.wires.map((wire) => wire.step), ...step.after])],
    outputName: step.output,
    output: outputOf(job),
    items: view?.items ?? 0,
    itemsSucceeded: view?.itemsSucceeded ?? 0,
    itemsFailed: view?.itemsFailed ?? 0,
    miniBatches: view?.miniBatches ?? 0,
    takenOver: view?.takenOver ?? 0,
    takenFrom: view?.takenFrom ?? '',
    reuse: view?.reuse ?? '',
    seconds: view === undefined ? null : secondsOf(view.submittedAt, view.endedAt),
  }
}

const whyNotYet = (
  deps: PipelineViewDeps,
  { run, pausedAt }: PipelineFold,
  step: string,
): string =>
  pausedAt === null ? deps.waitsFor(run.id, step) : 'It waits until the run is resumed.'

/** Where other steps find its output: the file with the rows, or the folder of collected files. */
const outputOf = (job: JobFold | undefined): string => {
  const file = job?.sealed?.output ?? ''
  return file === '' ? (job?.sealed?.outputFiles?.folder ?? '') : file
}

const secondsOf = (from: Millis, to: Millis | null): number | null =>
  to === null ? null : Math.max(0, to - from) / 1_000

const originText = (origin: RunOrigin): string => {
  switch (origin.kind) {
    case 'submitted':
      return 'It was submitted.'
    case 'resubmitted':
      return `It was submitted anew from run ${origin.pipeline}.`
    case 'failed-items':
      return `It tries the failed items of job ${origin.job} again.`
    case 'scheduled':
      return `It was started by its schedule at ${new Date(origin.dueAt).toISOString()}.`
  }
}

/** Experiments of the given runs, the last used first. */
export const toExperiments = (folds: readonly PipelineFold[]): readonly ExperimentView[] =>
  [...Map.groupBy(folds, ({ run }) => run.experiment)]
    .map(([name, runs]) => {
      const times = runs.map(({ run }) => run.submittedAt)
      const ended = (state: string): number =>
        runs.filter((one) => one.ended?.state === state).length
      return {
        name,
        runs: runs.length,
        completed: ended('Completed'),
        failed: ended('Failed'),
        open: runs.filter((one) => one.ended === null).length,
        firstAt: Math.min(...times),
        lastAt: Math.max(...times),
      }
    })
    .toSorted((a, b) => b.lastAt - a.lastAt)

/** Runs side by side. */
export const toComparison = (
  runs: readonly { readonly fold: PipelineFold; readonly view: PipelineView }[],
): ComparisonView => {
  const columns = runs.map(({ fold }) => settingsOf(fold))
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))]
  const settings = names.map((name) => {
    const values = columns.map((column) => column.get(name) ?? null)
    return { name, values, differs: values.some((value) => value !== values[0]) }
  })
  return {
    runs: runs.map(({ view }) => ({
      id: view.id,
      name: view.name,
      experiment: view.experiment,
      state: view.state,
      submittedAt: view.submittedAt,
      items: sum(view.steps, 'items'),
      itemsSucceeded: sum(view.steps, 'itemsSucceeded'),
      itemsFailed: sum(view.steps, 'itemsFailed'),
      seconds: secondsOf(view.submittedAt, view.endedAt),
      headline: view.headline,
    })),
    settings: [
      ...settings.filter(({ differs }) => differs),
      ...settings.filter(({ differs }) => !differs),
    ],
  }
}

const sum = (
  steps: readonly StepView[],
  field: 'items' | 'itemsSucceeded' | 'itemsFailed',
): number => steps.reduce((all, step) => all + step[field], 0)

/** Parameters, then every field of every step by its dotted name. */
const settingsOf = ({ run }: PipelineFold): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries(run.parameters))
    found.set(`parameters.${name}`, String(value))
  const prefixOf = (step: string): string => (run.steps.length === 1 ? '' : `steps.${step}.`)
  const walk = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [field, below] of Object.entries(value)) walk(`${name}.${field}`, below)
    else found.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  for (const step of run.steps)
    for (const [field, value] of Object.entries(specToFile(step.spec)))
      if (field !== 'name') walk(prefixOf(step.name) + field, value)
  return found
}

export const scheduleToView = (
  { schedule, pausedAt }: ScheduleFold,
  nameOf: (peer: PeerId) => string,
  around: { readonly note: ScheduleNote | undefined; readonly nextAt: Millis | undefined },
): ScheduleView => {
  const { trigger } = schedule
  const { note, nextAt } = around
  return {
    id: schedule.id,
    name: schedule.name,
    kind: trigger.kind,
    when: trigger.kind === 'cron' ? trigger.expression : trigger.path,
    timezone: trigger.kind === 'cron' ? (trigger.timezone ?? '') : '',
    overlap: schedule.overlap,
    parameters: { ...schedule.parameters },
    submitter: schedule.submitter,
    submitterName: nameOf(schedule.submitter),
    setAt: schedule.setAt,
    pausedAt,
    nextAt: pausedAt === null ? (nextAt ?? null) : null,
    lastRun: note?.lastRun ?? null,
    missedAt: note?.missedAt ?? null,
    missed: note?.missed ?? '',
    problem: note?.problem ?? '',
  }
}
