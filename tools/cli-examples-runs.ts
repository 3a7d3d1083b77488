import type { AnswerOf } from '#protocol/control/api.ts'
import type { CliExample } from './cli-example.ts'
import { anna, submitted } from './cli-example.ts'

const id = '01K9Z3T8M3P4Q5R6S7T8V9W0XA'

const step: AnswerOf<'pipeline'>['steps'][number] = {
  name: 'find',
  state: 'Completed',
  reason: '',
  job: '01K9Z3T8M4Q6V2R7X1B5N0C9DE',
  needs: [],
  outputName: 'output',
  output: '/home/anna/.muster/outputs/01K9Z3T8M4Q6V2R7X1B5N0C9DE/found.jsonl',
  items: 2_000,
  itemsSucceeded: 2_000,
  itemsFailed: 0,
  miniBatches: 200,
  takenOver: 198,
  takenFrom: '01K9Z1A8M4Q6V2R7X1B5N0C9DE',
  reuse:
    '198 of 200 mini-batches were taken over from job 01K9Z1A8M4Q6V2R7X1B5N0C9DE; 2 files changed.',
  seconds: 1.4,
}

const pipeline: AnswerOf<'pipeline'> = {
  id,
  name: 'shelf-photos',
  experiment: 'shelves',
  description: '',
  tags: {},
  state: 'Running',
  headline: '',
  origin: 'It was submitted.',
  submitter: anna,
  submitterName: 'anna',
  submittedAt: submitted,
  pausedAt: null,
  endedAt: null,
  parameters: { confidence: 0.5, season: 'autumn' },
  continueOnStepFailure: false,
  regenerateOutputs: false,
  steps: [
    step,
    {
      ...step,
      name: 'sort',
      state: 'Queued',
      job: '01K9Z3T9M4Q6V2R7X1B5N0C9DE',
      needs: ['find'],
      output: '',
      items: 0,
      itemsSucceeded: 0,
      miniBatches: 0,
      takenOver: 0,
      takenFrom: '',
      reuse: '',
      seconds: null,
    },
  ],
}

const compared: AnswerOf<'compareExperiments'>['runs'][number] = {
  id,
  name: 'shelf-photos',
  experiment: 'shelves',
  state: 'Completed',
  submittedAt: submitted,
  items: 4_000,
  itemsSucceeded: 3_998,
  itemsFailed: 2,
  seconds: 21.5,
  headline: '',
}

const schedule: AnswerOf<'pauseSchedule'> = {
  id: '01K9Z3T8M3P4Q5R6S7T8V9W0XS',
  name: 'shelf-photos',
  kind: 'cron',
  when: '0 6 * * 1-5',
  timezone: 'Europe/Vienna',
  overlap: false,
  parameters: {},
  submitter: anna,
  submitterName: 'anna',
  setAt: submitted,
  pausedAt: null,
  nextAt: submitted + 7_200_000,
  lastRun: id,
  missedAt: null,
  missed: '',
  problem: '',
}

/** Examples of the commands about pipeline runs, experiments and schedules. */
export const runExamples: readonly CliExample[] = [
  {
    command: 'pipeline list',
    line: 'muster pipeline list --experiment shelves',
    schema: 'Pipelines',
    answer: { pipelines: [pipeline] },
  },
  {
    command: 'pipeline show',
    line: `muster pipeline show ${id}`,
    schema: 'Pipeline',
    answer: pipeline,
  },
  {
    command: 'pipeline watch',
    line: `muster pipeline watch ${id}`,
    schema: 'Pipeline',
    answer: pipeline,
  },
  {
    command: 'pipeline cancel',
    line: `muster pipeline cancel ${id}`,
    schema: 'Pipeline',
    answer: { ...pipeline, state: 'CancelRequested' },
  },
  {
    command: 'pipeline pause',
    line: `muster pipeline pause ${id}`,
    schema: 'Pipeline',
    answer: { ...pipeline, state: 'Paused', pausedAt: submitted + 4_000 },
  },
  {
    command: 'pipeline resume',
    line: `muster pipeline resume ${id}`,
    schema: 'Pipeline',
    answer: pipeline,
  },
  {
    command: 'experiment list',
    line: 'muster experiment list',
    schema: 'Experiments',
    answer: {
      experiments: [
        {
          name: 'shelves',
          runs: 12,
          completed: 10,
          failed: 1,
          open: 1,
          firstAt: submitted - 86_400_000,
          lastAt: submitted,
        },
      ],
    },
  },
  {
    command: 'experiment show',
    line: 'muster experiment show shelves',
    schema: 'Pipelines',
    answer: { pipelines: [pipeline] },
  },
  {
    command: 'experiment compare',
    line: 'muster experiment compare shelves --limit 2',
    schema: 'Comparison',
    answer: {
      runs: [compared, { ...compared, id: '01K9Z4A8M3P4Q5R6S7T8V9W0XA', seconds: 18.2 }],
      settings: [
        { name: 'parameters.confidence', values: ['0.5', '0.8'], differs: true },
        { name: 'steps.find.device', values: ['auto', 'auto'], differs: false },
      ],
    },
  },
  {
    command: 'schedule list',
    line: 'muster schedule list',
    schema: 'Schedules',
    answer: { schedules: [schedule] },
  },
  {
    command: 'schedule pause',
    line: 'muster schedule pause shelf-photos',
    schema: 'Schedule',
    answer: { ...schedule, pausedAt: submitted + 60_000, nextAt: null },
  },
  {
    command: 'schedule resume',
    line: 'muster schedule resume shelf-photos',
    schema: 'Schedule',
    answer: schedule,
  },
  {
    command: 'schedule remove',
    line: 'muster schedule remove shelf-photos',
    schema: 'Done',
    answer: { done: true },
  },
]
