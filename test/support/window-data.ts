import type { ClusterView, MachineView, ModelView } from '#protocol/control/views.ts'
import type { JobDetailView, JobView, RowView, TimelineView } from '#protocol/control/job-views.ts'
import { makeJob, makeMachine, makeModel } from './control-views.ts'
import { littleRuns, muchRuns } from './window-runs.ts'
import type { RunData } from './window-runs.ts'
import { makeTimeline } from './window-timeline.ts'

/** What a fixture agent shows: pure data, made from numbers, so that a million rows cost nothing. */
export interface WindowData extends RunData {
  readonly cluster: ClusterView | null
  readonly machines: readonly MachineView[]
  readonly jobs: readonly JobView[]
  readonly models: readonly ModelView[]
  /** Rows of a job by position; its number is `rowsHere` plus failed items. */
  readonly row: (job: JobView, item: number) => RowView
  readonly states: (job: JobView) => string
  readonly detail: (job: JobView) => JobDetailView
  /** Who did mini-batch `index`: a place in `peers`. */
  readonly peerOf: (index: number) => number
  readonly peers: readonly { readonly peer: string; readonly name: string }[]
  readonly timeline: (job: JobView, since: number) => TimelineView
}

const hour = 3_600_000
const names = ['anna', 'ben', 'cem', 'dora', 'emil', 'fatma', 'greta', 'hugo', 'ines', 'jan']
const itemsPerMiniBatch = 10

/** An agent just started: no cluster, no machine but itself, nothing done. */
export const noData = (): WindowData => ({
  ...shared,
  cluster: null,
  machines: [makeMachine({ peer: 'peer-anna', name: 'anna', liveness: 'self', busySlots: 0 })],
  jobs: [],
  models: [],
  runs: [],
  schedules: [],
})

/** A small office: four machines, one running job, three that ended. */
export const littleData = (now = Date.now()): WindowData => {
  const jobs = littleJobs(now)
  return {
    ...shared,
    ...littleRuns(jobs, now),
    cluster: office,
    machines: [
      machineOf(0, { liveness: 'self', isHead: true, busySlots: 2, slots: 2, load: 0.41 }),
      machineOf(1, { busySlots: 4, load: 0.78 }),
      machineOf(2, { slots: 0, busySlots: 0, load: 0.12, reason: 'its owner is back' }),
      machineOf(3, {
        liveness: 'lost',
        busySlots: 0,
        slots: 0,
        load: 0,
        lastHeardAt: now - 92_000,
      }),
    ],
    jobs,
    models: [digitsModel(2, now), digitsModel(1, now)],
  }
}

const littleJobs = (now: number): readonly JobView[] => [
  runningDigits(now),
  makeJob('01K9ZD4V7Q2M8R3T5W6X0Y1A2B', {
    name: 'digits-first-try',
    state: 'Completed',
    items: 1_000,
    itemsSucceeded: 1_000,
    miniBatches: 100,
    committed: 100,
    rows: 1_000,
    rowsHere: 1_000,
    submittedAt: now - 2 * hour,
    startedAt: now - 2 * hour + 900,
    endedAt: now - 2 * hour + 2_300,
    output: '/home/anna/.local/share/muster/output/digits-first-try/predictions.csv',
  }),
  makeJob('01K9ZB1C3D5F7G9H2J4K6M8N0P', {
    name: 'scans-october',
    state: 'Failed',
    headline: 'More than 20 items failed: the file is no image.',
    items: 4_000,
    itemsSucceeded: 1_204,
    itemsFailed: 21,
    miniBatches: 400,
    committed: 122,
    failed: 0,
    canceled: 278,
    rows: 1_204,
    rowsHere: 1_204,
    submittedAt: now - 5 * hour,
    startedAt: now - 5 * hour + 2_000,
    endedAt: now - 5 * hour + 61_000,
  }),
  makeJob('01K9Z8Q0R2S4T6V8W0X2Y4Z6A8', {
    name: 'digits-half',
    state: 'Canceled',
    items: 10_000,
    itemsSucceeded: 4_980,
    miniBatches: 1_000,
    committed: 498,
    canceled: 502,
    rows: 4_980,
    rowsHere: 4_980,
    submittedAt: now - 26 * hour,
    startedAt: now - 26 * hour,
    endedAt: now - 26 * hour + 9_000,
  }),
]

/** The job on the picture: 8,340 of 10,000 digits done. */
export const runningDigits = (now: number): JobView =>
  makeJob('01KA0F6WQ8ZJ3N5P7R9T1V3X5Z', {
    name: 'digits',
    description: 'Reads handwritten digits from the MNIST test set',
    tags: { example: 'mnist' },
    state: 'Running',
    model: 'mnist:2',
    items: 10_000,
    itemsSucceeded: 8_337,
    itemsFailed: 3,
    miniBatches: 1_000,
    committed: 834,
    leased: 24,
    charged: 2,
    rows: 8_337,
    rowsHere: 8_337,
    submittedAt: now - 9_000,
    startedAt: now - 7_600,
    itemsPerSecond: 1_290,
    secondsLeft: [1, 2],
  })

/** A large office on a long day: 60 machines, 500 jobs, one with a million rows. */
export const muchData = (now = Date.now()): WindowData => {
  const jobs = [millionJob(now), ...Array.from({ length: 499 }, (_, index) => oldJob(index, now))]
  return {
    ...shared,
    ...muchRuns(jobs, now),
    cluster: { ...office, name: 'Headquarters' },
    machines: Array.from({ length: 60 }, (_, index) => {
      const state = index % 10
      return machineOf(index, {
        liveness: index === 0 ? 'self' : state === 8 ? 'suspect' : state === 9 ? 'lost' : 'alive',
        isHead: index === 0,
        cores: 8 + (index % 4) * 8,
        slots: state === 7 ? 0 : 4 + (index % 4) * 8,
        busySlots: state >= 6 ? 0 : 2 + (index % 4) * 7,
        load: state >= 8 ? 0 : ((index * 37) % 100) / 100,
        reason: state === 7 ? 'its owner is back' : state === 6 ? 'on battery' : '',
        lastHeardAt: now - (state >= 8 ? 4_000 : 300),
      })
    }),
    jobs,
    models: Array.from({ length: 40 }, (_, index) => ({
      ...makeModel(`classifier-${String(Math.floor(index / 4)).padStart(2, '0')}`, (index % 4) + 1),
      registeredBy: 'peer-0',
      registeredAt: now - index * hour,
      bytes: 43_210 * (index + 1) ** 2,
      parameters: 10_000 * (index + 1) ** 2,
    })),
  }
}

export const millionJob = (now: number): JobView =>
  makeJob('01KA0MILLION00000000000000', {
    name: 'archive-2016-to-2026',
    state: 'Completed',
    model: 'classifier-09:4',
    items: 1_000_000,
    itemsSucceeded: 999_000,
    itemsFailed: 1_000,
    miniBatches: 100_000,
    committed: 100_000,
    rows: 999_000,
    rowsHere: 999_000,
    submittedAt: now - hour,
    startedAt: now - hour + 2_000,
    endedAt: now - hour + 812_000,
    output: `/srv/archive/muster/output/${'a-very-long-folder-name/'.repeat(5)}predictions.csv`,
  })

const office: ClusterView = {
  id: 'a'.repeat(64),
  name: 'Second floor',
  roles: ['admin', 'submit', 'work'],
  head: 'peer-0',
  headName: 'anna',
  term: 3,
}

const platforms = ['linux x64', 'win32 x64', 'darwin arm64', 'linux x64']

const machineOf = (index: number, change: Partial<MachineView>): MachineView =>
  makeMachine({
    peer: `peer-${index}`,
    name: `${names[index % names.length] ?? 'peer'}${index >= names.length ? `-${index}` : ''}`,
    roles: index === 0 ? ['admin', 'submit', 'work'] : ['submit', 'work'],
    platform: platforms[index % platforms.length] ?? '',
    lastHeardAt: Date.now() - 400,
    ...change,
  })

const digitsModel = (version: number, now: number): ModelView => ({
  ...makeModel('mnist', version),
  description: 'Small convolutional network for 28 x 28 digits',
  registeredBy: 'peer-0',
  registeredAt: now - version * 3 * hour,
})

const oldJob = (index: number, now: number): JobView => {
  const failed = index % 17 === 5
  const items = 500 + ((index * 7_919) % 90_000)
  return makeJob(`01KA0OLD${String(index).padStart(18, '0')}`, {
    name: `${['digits', 'scans', 'invoices', 'leaves'][index % 4] ?? 'job'}-${index}`,
    state: failed ? 'Failed' : index % 23 === 7 ? 'Canceled' : 'Completed',
    headline: failed ? 'More than 20 items failed: the file is no image.' : '',
    submitterName: names[index % names.length] ?? 'anna',
    model: `classifier-0${index % 10}:${(index % 4) + 1}`,
    items,
    itemsSucceeded: failed ? Math.floor(items / 3) : items,
    itemsFailed: failed ? 21 : 0,
    rows: items,
    rowsHere: items,
    submittedAt: now - (index + 2) * hour,
    startedAt: now - (index + 2) * hour + 1_000,
    endedAt: now - (index + 2) * hour + 60_000 + index * 100,
  })
}

/** True digits of the first MNIST test images, so that the picture shows what the rows say. */
const firstDigits =
  '7210414959069015973496654074013134727121174235124463556041957893746430702917329776'

/** Fixed but scattered, so that scores look as scores do. */
const scatter = (item: number): number => ((item * 2_654_435_761) >>> 0) / 2 ** 32

const failsAt = (job: JobView, item: number): boolean =>
  job.itemsFailed > 0 && item % Math.max(1, Math.floor(job.items / job.itemsFailed)) === 11

/** Grants come in batches of a few mini-batches. */
const peerOf = (miniBatch: number): number =>
  [1, 0, 1, 2, 0, 1, 1, 0][Math.floor(miniBatch / 6) % 8] ?? 0

const rowOf = (job: JobView, item: number): RowView => {
  const miniBatch = Math.floor(item / itemsPerMiniBatch)
  const peer = peerOf(miniBatch)
  const score = 1 - scatter(item) ** 6 * 0.4
  const name = `${String(item).padStart(5, '0')}.png`
  const failed = failsAt(job, item)
  return {
    item,
    name,
    miniBatch,
    peer: `peer-${peer}`,
    peerName: names[peer] ?? '',
    attempt: miniBatch % 29 === 3 ? 2 : 1,
    value: failed
      ? null
      : {
          item: name,
          prediction: firstDigits[item] ?? String(Math.floor(scatter(item + 1) * 10)),
          score,
        },
    failure: failed ? 'The file is no image: its first bytes are those of no known format.' : '',
  }
}

const statesOf = (job: JobView): string => {
  const letters: string[] = []
  for (let index = 0; index < job.miniBatches; index += 1) {
    if (index < job.committed) letters.push(index % 29 === 3 ? 'r' : 'c')
    else if (index < job.committed + job.leased) letters.push('l')
    else letters.push(job.endedAt === null ? '.' : 'x')
  }
  for (let at = 7; at < job.committed && job.itemsFailed > 100; at += 9_973) letters[at] = 'f'
  return letters.join('')
}

const detailOf = (job: JobView): JobDetailView => ({
  ...job,
  spec,
  file: { ...file, name: job.name },
  peers: [4_180, 3_117, 1_040].map((items, index) => ({
    peer: `peer-${[1, 0, 2][index] ?? 0}`,
    name: names[[1, 0, 2][index] ?? 0] ?? '',
    items,
    miniBatches: Math.round(items / itemsPerMiniBatch),
    share: items / 8_337,
  })),
  failures:
    job.itemsFailed === 0
      ? []
      : [
          {
            message: 'The file is no image: its first bytes are those of no known format.',
            common: 'The file is no image: its first bytes are those of no known format.',
            cause: 'item',
            count: job.itemsFailed,
            first: failure('00011.png', 1, 1),
          },
          {
            message: 'The worker process ended while it ran the mini-batch.',
            common: 'The worker process ended while it ran the mini-batch.',
            cause: 'process-died',
            count: 2,
            first: failure('', 90, 2),
          },
        ],
})

const failure = (item: string, miniBatch: number, attempt: number) => ({
  item,
  miniBatch,
  attempt,
  peer: 'peer-1',
  peerName: 'ben',
})

const spec: JobDetailView['spec'] = {
  name: 'digits',
  runtime: 'onnx',
  model: { name: 'mnist', version: 2 },
  inputs: [{ kind: 'files', name: 'digits', root: '/home/anna/digits', patterns: ['*.png'] }],
  sideInputs: [],
  miniBatchSize: { kind: 'items', items: itemsPerMiniBatch },
  partitionKeys: [],
  errorThreshold: -1,
  runLimitMs: 60_000,
  maxAttempts: 3,
  outputAction: 'append_row',
  outputFileName: 'predictions.csv',
  preprocess: { decode: 'image', width: 28, height: 28, channels: 'gray', mean: [], std: [] },
  postprocess: { kind: 'argmax', softmax: true, labels: ['0', '1', '2', '3', '4', '5'] },
}

const file: JobDetailView['file'] = {
  name: 'digits',
  runtime: 'onnx',
  model: { name: 'mnist', version: 2 },
  inputs: { digits: { path: '/home/anna/digits', patterns: ['*.png'] } },
  mini_batch_size: itemsPerMiniBatch,
  error_threshold: -1,
  mini_batch_error_threshold: -1,
  run_invocation_timeout: 60,
  run_max_try: 3,
  output_action: 'append_row',
  append_row_file_name: 'predictions.csv',
  logging_level: 'INFO',
  device: 'auto',
  in_place: true,
}

const shared = {
  row: rowOf,
  states: statesOf,
  detail: detailOf,
  timeline: makeTimeline,
  peerOf,
  peers: names.map((name, index) => ({ peer: `peer-${index}`, name })),
}
