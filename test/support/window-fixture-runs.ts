import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { PipelineView } from '#protocol/control/pipeline-views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { musterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { makeJob } from './control-views.ts'
import { makeStepView } from './run-fixture.ts'
import { comparisonOf, experimentsOf, makeRunView } from './window-runs.ts'
import type { RunData } from './window-runs.ts'

/** What the handlers of runs read and change. */
export interface FakeRuns {
  readonly state: { runs: readonly PipelineView[]; schedules: RunData['schedules'] }
  readonly commands: { name: string; query: unknown; body: unknown }[]
  readonly tellJob: (job: JobView) => void
}

type RunHandlers = Pick<
  ControlHandlers,
  | 'pipelines'
  | 'pipeline'
  | 'cancelPipeline'
  | 'pausePipeline'
  | 'resumePipeline'
  | 'resubmitPipeline'
  | 'retryFailed'
  | 'experiments'
  | 'compareExperiments'
  | 'schedules'
  | 'pauseSchedule'
  | 'resumeSchedule'
  | 'removeSchedule'
>

/** Answers as the agent does, for runs that are made up. */
export const runHandlers = (fake: FakeRuns): RunHandlers => {
  const { state, commands } = fake
  const find = (id: string) => {
    const run = state.runs.find((known) => known.id === id)
    return run === undefined
      ? err(musterError('NotFound', `No pipeline run starts with ${id}.`))
      : ok(run)
  }
  type RunCommand = 'cancelPipeline' | 'pausePipeline' | 'resumePipeline'
  const changeRun = (name: RunCommand, id: string, change: Partial<PipelineView>) => {
    commands.push({ name, query: { pipeline: id }, body: {} })
    const run = find(id)
    if (!run.ok) return run
    const changed = { ...run.value, ...change }
    state.runs = state.runs.map((known) => (known.id === changed.id ? changed : known))
    tellOf(fake, changed)
    return ok(changed)
  }
  const pauseSchedule = (name: 'pauseSchedule' | 'resumeSchedule', id: string) => {
    commands.push({ name, query: { schedule: id }, body: {} })
    const known = state.schedules.find((one) => one.id === id)
    if (known === undefined) return err(musterError('NotFound', 'There is no such schedule.'))
    const changed = { ...known, pausedAt: name === 'pauseSchedule' ? 1 : null }
    state.schedules = state.schedules.map((one) => (one.id === id ? changed : one))
    return ok(changed)
  }
  return {
    pipelines: async ({ query }) =>
      ok({
        pipelines: state.runs
          .filter(({ experiment }) => (query.experiment ?? experiment) === experiment)
          .slice(0, query.limit ?? 500),
      }),
    pipeline: async ({ query }) => find(query.pipeline),
    cancelPipeline: async ({ query }) =>
      changeRun('cancelPipeline', query.pipeline, { state: 'CancelRequested' }),
    pausePipeline: async ({ query }) =>
      changeRun('pausePipeline', query.pipeline, { state: 'Paused', pausedAt: 1 }),
    resumePipeline: async ({ query }) =>
      changeRun('resumePipeline', query.pipeline, { state: 'Running', pausedAt: null }),
    resubmitPipeline: async ({ query, body }) => resubmit(fake, query.pipeline, body),
    retryFailed: async ({ query, body }) => {
      commands.push({ name: 'retryFailed', query, body })
      const job = makeJob('01KA0RETRY0000000000000000', { name: 'find-retry', items: 21 })
      fake.tellJob(job)
      return ok({ job, items: 21, wholeMiniBatches: 0 })
    },
    experiments: async () => ok({ experiments: experimentsOf(state.runs) }),
    compareExperiments: async ({ query }) => {
      const ids = query.of.split(',')
      return ok(comparisonOf(state.runs.filter(({ id }) => ids.includes(id))))
    },
    schedules: async () => ok({ schedules: [...state.schedules] }),
    pauseSchedule: async ({ query }) => pauseSchedule('pauseSchedule', query.schedule),
    resumeSchedule: async ({ query }) => pauseSchedule('resumeSchedule', query.schedule),
    removeSchedule: async ({ query }) => {
      commands.push({ name: 'removeSchedule', query, body: {} })
      state.schedules = state.schedules.filter(({ id }) => id !== query.schedule)
      return ok({ done: true as const })
    },
  }
}

/** A run is heard of by its jobs alone. */
const tellOf = ({ tellJob }: FakeRuns, run: PipelineView): void =>
  tellJob(makeJob(`01KA0OF${run.id.slice(-19)}`, { name: run.name, state: run.state }))

/** One parameter is checked, as the agent does. */
const resubmit = async (
  fake: FakeRuns,
  id: string,
  body: {
    parameters?: Record<string, string | number | boolean> | undefined
    overrides?: Record<string, string | number | boolean> | undefined
  },
) => {
  const { state, commands } = fake
  commands.push({ name: 'resubmitPipeline', query: { pipeline: id }, body })
  const before = state.runs.find((known) => known.id === id)
  if (before === undefined)
    return err(musterError('NotFound', `No pipeline run starts with ${id}.`))
  const { parameters = {}, overrides = {} } = body
  if (Number(parameters['confidence']) > 1)
    return err(
      musterError('JobFileInvalid', 'The parameter "confidence" is 2, but must be from 0 to 1.'),
    )
  const [unknown] = Object.keys(overrides).filter((name) => !name.startsWith('steps.'))
  if (unknown !== undefined)
    return err(musterError('JobFileInvalid', `The file has no field "${unknown}".`))
  const run = makeRunView(`p1KA0AGAIN${String(state.runs.length).padStart(17, '0')}`, {
    ...before,
    id: `p1KA0AGAIN${String(state.runs.length).padStart(17, '0')}`,
    state: 'Running',
    headline: '',
    origin: `It was submitted anew from run ${id}.`,
    submittedAt: Date.now(),
    endedAt: null,
    parameters: { ...before.parameters, ...parameters },
    steps: before.steps.map(({ name, needs }) => makeStepView(name, { needs })),
  })
  state.runs = [run, ...state.runs]
  tellOf(fake, run)
  return ok(run)
}
