import type { EndState, JobState } from '#protocol/model/job.ts'
import type {
  PipelineRun,
  PipelineState,
  RunOrder,
  StepProgress,
} from '#protocol/model/pipeline.ts'
import { needsOf } from './cut/cycle.ts'
import type { Steps } from './cut/cycle.ts'

/** What shall happen to steps of which nothing is recorded. */
export interface NextSteps {
  /** Their inputs are sealed: submit their jobs. */
  readonly start: readonly string[]
  /** They will never start: record why. */
  readonly skip: readonly { readonly step: string; readonly reason: string }[]
}

/** Which open steps start now and which never will. Skipped steps count as ended for those behind them. */
export const nextSteps = (
  run: { readonly steps: Steps } & Pick<PipelineRun, 'continueOnStepFailure'>,
  progressOf: (step: string) => StepProgress,
  order: RunOrder,
): NextSteps => {
  const start: string[] = []
  const skip: { readonly step: string; readonly reason: string }[] = []
  const failed = run.steps.find(({ name }) => isEndedAs(progressOf(name), 'Failed'))?.name
  const skipped = new Set<string>()
  const whyNot = (step: Steps[number]): string | undefined => {
    if (order === 'cancel') return 'The pipeline run was canceled before it started.'
    const lacking = needsOf(step).find((need) => skipped.has(need) || isLost(progressOf(need)))
    if (lacking !== undefined)
      return `It was not started, since step "${lacking}" ${lossOf(lacking)}.`
    if (failed === undefined || run.continueOnStepFailure) return undefined
    return `It was not started, since step "${failed}" failed.`
  }
  const lossOf = (step: string): string =>
    isEndedAs(progressOf(step), 'Failed') ? 'failed' : 'gave no output'
  // A step may stand before those it needs: go round until nothing more is skipped.
  for (let more = true; more;) {
    more = false
    for (const step of run.steps) {
      if (progressOf(step.name).kind !== 'open' || skipped.has(step.name)) continue
      const reason = whyNot(step)
      if (reason === undefined) continue
      skipped.add(step.name)
      skip.push({ step: step.name, reason })
      more = true
    }
  }
  if (order === 'pause') return { start, skip }
  for (const step of run.steps) {
    if (progressOf(step.name).kind !== 'open' || skipped.has(step.name)) continue
    if (needsOf(step).every((need) => isEndedAs(progressOf(need), 'Completed')))
      start.push(step.name)
  }
  return { start, skip }
}

/** State of a run and, once it is over or fails, the first cause in one sentence. */
export const pipelineState = (
  steps: Steps,
  progressOf: (step: string) => StepProgress,
  order: RunOrder,
): { readonly state: PipelineState; readonly headline: string } => {
  const all = steps.map(({ name }) => ({ name, progress: progressOf(name) }))
  const failure = all.find(({ progress }) => isEndedAs(progress, 'Failed'))
  const headline = failure === undefined ? '' : failureOf(failure)
  const open = all.filter(({ progress }) => progress.kind !== 'ended')
  if (open.length === 0) return { state: endState(all.map(({ progress }) => progress)), headline }
  if (order === 'cancel') return { state: 'CancelRequested', headline }
  const running = open.flatMap(({ progress }) =>
    progress.kind === 'running' ? [progress.state] : [],
  )
  const most = liveliest.find((state) => running.includes(state))
  const begun = open.length < all.length
  const waiting = order === 'pause' ? 'Paused' : begun ? 'Preparing' : 'NotStarted'
  return { state: most ?? waiting, headline }
}

/** Of several running jobs, the state that says most about the whole. */
const liveliest: readonly JobState[] = [
  'Running',
  'Finalizing',
  'Queued',
  'Preparing',
  'Paused',
  'CancelRequested',
  'NotStarted',
]

const endState = (all: readonly StepProgress[]): EndState => {
  if (all.some((one) => isEndedAs(one, 'Failed'))) return 'Failed'
  return all.some((one) => isEndedAs(one, 'Canceled')) ? 'Canceled' : 'Completed'
}

const isEndedAs = (progress: StepProgress, state: EndState): boolean =>
  progress.kind === 'ended' && progress.state === state

const isLost = (progress: StepProgress): boolean =>
  progress.kind === 'ended' && progress.state !== 'Completed'

const failureOf = ({ name, progress }: { name: string; progress: StepProgress }): string => {
  const why = progress.kind === 'ended' ? progress.headline : ''
  return why === '' ? `Step "${name}" failed.` : `Step "${name}" failed: ${why}`
}
