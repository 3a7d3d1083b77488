import type {
  ComparisonView,
  ExperimentView,
  PipelineView,
  ScheduleView,
  StepView,
} from '#protocol/control/pipeline-views.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { makeStepView } from './run-fixture.ts'

/** Made-up pipeline runs and schedules for the window. */
export interface RunData {
  readonly runs: readonly PipelineView[]
  readonly schedules: readonly ScheduleView[]
}

const hour = 3_600_000

export const makeRunView = (id: string, change: Partial<PipelineView> = {}): PipelineView => ({
  id,
  name: 'shelf-photos',
  experiment: 'shelves',
  description: '',
  tags: {},
  state: 'Completed',
  headline: '',
  origin: 'It was submitted.',
  submitter: 'peer-0',
  submitterName: 'anna',
  submittedAt: Date.now() - hour,
  pausedAt: null,
  endedAt: Date.now() - hour + 82_000,
  parameters: {},
  continueOnStepFailure: false,
  regenerateOutputs: false,
  steps: [makeStepView('find', completed('find'))],
  ...change,
})

const completed = (name: string, items = 1_000): Partial<StepView> => ({
  state: 'Completed',
  job: `01KA0STEP${name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '')
    .padStart(17, '0')}`.slice(0, 26),
  output: `/home/anna/.local/share/muster/output/${name}/${name}.jsonl`,
  items,
  itemsSucceeded: items,
  miniBatches: Math.ceil(items / 10),
  seconds: 41.2,
})

/** The step of a job that the fixture has, too. */
const ofJob = (name: string, job: JobView | undefined): StepView =>
  makeStepView(name, {
    state: job?.state ?? 'Completed',
    job: job?.id ?? '',
    items: job?.items ?? 0,
    itemsSucceeded: job?.itemsSucceeded ?? 0,
    itemsFailed: job?.itemsFailed ?? 0,
    miniBatches: job?.miniBatches ?? 0,
    seconds:
      job === undefined || job.endedAt === null ? null : (job.endedAt - job.submittedAt) / 1_000,
    output: job?.output ?? '',
  })

const parameters = { confidence: 0.5, season: 'autumn', photos: '/home/anna/shelves/2026-11' }

/** A run at work, one with everything taken over, one that failed on its way, two of a schedule. */
export const littleRuns = (jobs: readonly JobView[], now: number): RunData => ({
  runs: [
    makeRunView('p1KA0RUN0000000000000000005', {
      state: 'Running',
      submittedAt: now - 47_000,
      endedAt: null,
      parameters,
      steps: [
        makeStepView('find', {
          ...completed('find', 4_000),
          takenOver: 320,
          takenFrom: jobs[1]?.id ?? '',
          reuse: `320 of 400 mini-batches were taken over from job ${jobs[1]?.id ?? ''}; 80 files changed.`,
        }),
        { ...ofJob('read-digits', jobs[0]), needs: ['find'] },
        makeStepView('sort', { ...completed('sort', 4_000), needs: ['find'] }),
        makeStepView('report', {
          needs: ['read-digits', 'sort'],
          reason: 'Waits for read-digits.',
        }),
      ],
    }),
    makeRunView('p1KA0RUN0000000000000000004', {
      submittedAt: now - 2 * hour,
      endedAt: now - 2 * hour + 3_100,
      parameters: { ...parameters, confidence: 0.4 },
      origin: 'It was submitted anew from run p1KA0RUN0000000000000000003.',
      steps: [
        makeStepView('find', {
          ...completed('find', 4_000),
          takenOver: 400,
          takenFrom: jobs[1]?.id ?? '',
          reuse: `All 400 mini-batches were taken over from job ${jobs[1]?.id ?? ''}: same script, model, settings and files.`,
          seconds: 0.4,
        }),
        makeStepView('sort', { ...completed('sort', 4_000), needs: ['find'], seconds: 2.6 }),
      ],
    }),
    makeRunView('p1KA0RUN0000000000000000003', {
      state: 'Failed',
      submittedAt: now - 5 * hour,
      endedAt: now - 5 * hour + 61_000,
      headline: 'The step find failed: more than 20 items failed: the file is no image.',
      parameters: { ...parameters, confidence: 0.4 },
      steps: [
        { ...ofJob('find', jobs[2]), reason: jobs[2]?.headline ?? '' },
        makeStepView('sort', {
          state: 'Canceled',
          needs: ['find'],
          reason: 'It needs find, which failed.',
        }),
      ],
    }),
    ...[1, 2].map((day) =>
      makeRunView(`p1KA0RUN000000000000000000${3 - day}`, {
        name: 'nightly-scans',
        experiment: 'nightly-scans',
        submittedAt: now - day * 24 * hour,
        endedAt: now - day * 24 * hour + 190_000 + day * 1_000,
        origin: 'It was started by its schedule at 2026-11-22T05:00:00.000Z.',
        steps: [ofJob('nightly-scans', jobs[1])],
      }),
    ),
  ],
  schedules: [
    makeScheduleView('nightly-scans', {
      when: '0 6 * * 1-5',
      timezone: 'Europe/Vienna',
      nextAt: now + 13 * hour,
      lastRun: 'p1KA0RUN0000000000000000002',
      setAt: now - 72 * hour,
    }),
    makeScheduleView('incoming', {
      kind: 'folder',
      when: '/srv/scanner/incoming',
      parameters: { confidence: 0.5 },
      setAt: now - 30 * hour,
      missedAt: now - 3 * hour,
      missed: 'the run before had not ended.',
    }),
    makeScheduleView('stock-take', {
      when: '15 4 1-7 * 6#1',
      submitter: 'peer-1',
      submitterName: 'ben',
      nextAt: now + 12 * 24 * hour,
      setAt: now - 9 * 24 * hour,
      problem: 'Its input folder /mnt/stock is not there; mount it, and the next run goes on.',
    }),
  ],
})

export const makeScheduleView = (
  name: string,
  change: Partial<ScheduleView> = {},
): ScheduleView => ({
  id: `s1KA0${name.toUpperCase().padStart(21, '0')}`.slice(0, 26),
  name,
  kind: 'cron',
  when: '0 6 * * *',
  timezone: '',
  overlap: false,
  parameters: {},
  submitter: 'peer-0',
  submitterName: 'anna',
  setAt: 0,
  pausedAt: null,
  nextAt: null,
  lastRun: null,
  missedAt: null,
  missed: '',
  problem: '',
  ...change,
})

const names = ['shelf-photos', 'nightly-scans', 'leaf-survey', 'invoices']
const states = ['Completed', 'Completed', 'Completed', 'Failed', 'Completed', 'Canceled'] as const

/** Fifty steps of a run at work, and hundreds of runs before it. */
export const muchRuns = (jobs: readonly JobView[], now: number): RunData => ({
  runs: [
    makeRunView('p1KA0RUN00000000000000FIFTY', {
      name: 'whole-archive',
      experiment: 'archive',
      state: 'Running',
      submittedAt: now - 3 * hour,
      endedAt: null,
      parameters: manyParameters,
      steps: fiftySteps(jobs),
    }),
    ...Array.from({ length: 600 }, (_, index) => oldRun(index, now)),
  ],
  schedules: Array.from({ length: 40 }, (_, index) =>
    makeScheduleView(`${names[index % 4] ?? ''}-${index}`, {
      kind: index % 3 === 2 ? 'folder' : 'cron',
      when:
        index % 3 === 2
          ? `/srv/${'a-very-long-folder-name/'.repeat(3)}incoming-${index}`
          : `${index} ${index % 24} * * *`,
      nextAt: index % 3 === 2 ? null : now + index * hour,
      setAt: now - index * hour,
      lastRun: index % 5 === 4 ? null : runId(index),
    }),
  ),
})

const manyParameters = Object.fromEntries(
  Array.from({ length: 14 }, (_, index) => [
    `parameter-${index}`,
    index % 4 === 3 ? `/srv/archive/${'a-very-long-folder-name/'.repeat(4)}${index}` : index * 7,
  ]),
)

/** Ten chains of four steps between a beginning and an end, with some that cross. */
const fiftySteps = (jobs: readonly JobView[]): StepView[] => [
  { ...ofJob('list-everything', jobs[0]), state: 'Completed' },
  ...Array.from({ length: 48 }, (_, index) => {
    const [chain, place] = [index % 12, Math.floor(index / 12)]
    const needs = place === 0 ? ['list-everything'] : [`part-${chain}-${place - 1}`]
    if (place === 2 && chain > 0) needs.push(`part-${chain - 1}-1`)
    const name = `part-${chain}-${place}`
    if (place === 0) return makeStepView(name, { ...completed(name, 12_000), needs })
    if (place === 1 && chain < 7)
      return makeStepView(name, {
        ...completed(name, 12_000),
        needs,
        itemsFailed: chain === 3 ? 12 : 0,
      })
    if (place === 1)
      return {
        ...ofJob(name, jobs[chain]),
        needs,
        state: 'Running' as const,
        seconds: null,
        output: '',
      }
    return makeStepView(name, { needs })
  }),
  makeStepView('join-everything-into-one-report', {
    needs: Array.from({ length: 12 }, (_, chain) => `part-${chain}-3`),
  }),
]

const runId = (index: number): string => `p1KA0OLD${String(index).padStart(18, '0')}`

const oldRun = (index: number, now: number): PipelineView => {
  const state = states[index % states.length] ?? 'Completed'
  const at = now - (index + 4) * hour
  return makeRunView(runId(index), {
    name: `${names[index % 4] ?? ''}-${Math.floor(index / 4)}`,
    experiment: names[index % 4] ?? '',
    state,
    headline: state === 'Failed' ? 'The step find failed: the file is no image.' : '',
    submittedAt: at,
    endedAt: at + 20_000 + ((index * 7_919) % 900_000),
    submitterName: ['anna', 'ben', 'cem', 'dora'][index % 4] ?? '',
    parameters: { confidence: (index % 9) / 10, season: index % 2 === 0 ? 'autumn' : 'winter' },
    steps: Array.from({ length: 1 + (index % 5) }, (_, step) =>
      makeStepView(`step-${step}`, {
        ...completed(`step-${step}`, 500 + ((index * 37) % 9_000)),
        ...(state === 'Completed' || step === 0 ? {} : { state: 'Canceled', job: '', output: '' }),
        needs: step === 0 ? [] : [`step-${step - 1}`],
      }),
    ),
  })
}

/** As the agent tells of the same runs. */
export const experimentsOf = (runs: readonly PipelineView[]): ExperimentView[] =>
  [...Map.groupBy(runs, ({ experiment }) => experiment)].map(([name, of]) => ({
    name,
    runs: of.length,
    completed: of.filter(({ state }) => state === 'Completed').length,
    failed: of.filter(({ state }) => state === 'Failed').length,
    open: of.filter(({ endedAt }) => endedAt === null).length,
    firstAt: Math.min(...of.map(({ submittedAt }) => submittedAt)),
    lastAt: Math.max(...of.map(({ submittedAt }) => submittedAt)),
  }))

export const comparisonOf = (runs: readonly PipelineView[]): ComparisonView => {
  const sorted = runs.toSorted((a, b) => a.submittedAt - b.submittedAt)
  const sum = (run: PipelineView, field: 'items' | 'itemsSucceeded' | 'itemsFailed'): number =>
    run.steps.reduce((all, step) => all + step[field], 0)
  const parameterNames = [...new Set(sorted.flatMap((run) => Object.keys(run.parameters)))]
  const settings = [
    ...parameterNames.map((name) => ({
      name: `parameters.${name}`,
      values: sorted.map(({ parameters: given }) =>
        given[name] === undefined ? null : String(given[name]),
      ),
    })),
    ...sharedSettings.map(([name, value]) => ({ name, values: sorted.map(() => value) })),
  ].map((one) => ({ ...one, differs: new Set(one.values).size > 1 }))
  return {
    runs: sorted.map((run) => ({
      id: run.id,
      name: run.name,
      experiment: run.experiment,
      state: run.state,
      submittedAt: run.submittedAt,
      items: sum(run, 'items'),
      itemsSucceeded: sum(run, 'itemsSucceeded'),
      itemsFailed: sum(run, 'itemsFailed'),
      seconds: run.endedAt === null ? null : (run.endedAt - run.submittedAt) / 1_000,
      headline: run.headline,
    })),
    settings: [
      ...settings.filter(({ differs }) => differs),
      ...settings.filter(({ differs }) => !differs),
    ],
  }
}

const sharedSettings: readonly (readonly [string, string])[] = [
  ['steps.find.runtime', 'node'],
  ['steps.find.model.name', 'shelf-detector'],
  ['steps.find.model.version', '4'],
  ['steps.find.inputs.photos.patterns', '["**/*.jpg","**/*.jpeg","**/*.png"]'],
  ['steps.find.mini_batch_size', '10'],
  ['steps.find.error_threshold', '-1'],
  ['steps.find.run_invocation_timeout', '60'],
  ['steps.find.run_max_try', '3'],
  ['steps.find.output_action', 'append_row'],
  ['steps.find.append_row_file_name', 'found.jsonl'],
  ['steps.find.arguments', '["--confidence","0.5","--keep","/srv/shelves/keep-these-files.txt"]'],
  ['steps.sort.runtime', 'node'],
  ['steps.sort.mini_batch_size', '10'],
]
