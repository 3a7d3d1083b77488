import type { AnswerOf } from '#protocol/control/api.ts'
import { anna, submitted } from './cli-example.ts'
import type { CliExample } from './cli-example.ts'
import { runExamples } from './cli-examples-runs.ts'
import { dataExamples } from './cli-examples-data.ts'
import { poolExamples } from './cli-examples-pools.ts'
import { logExamples } from './cli-examples-logs.ts'
import { shellExamples } from './cli-examples-shell.ts'

const ben = '12D3KooWBMJsvCW7yXnR5Bqd4QiJB4WyU7z4ZhgDmzwRPGNhKn5s'
const clusterId = '5f0c2a9d7be1430c8a64f1d2b79be5a0c3d4e1f2a5b6978899aabbccddeeff00'
const job = '01K9Z3T8M4Q6V2R7X1B5N0C9DE'

const cluster: AnswerOf<'cluster'> = {
  id: clusterId,
  name: 'office',
  roles: ['admin', 'submit', 'work'],
  head: anna,
  headName: 'anna',
  term: 1,
}

const machine: AnswerOf<'peers'>['peers'][number] = {
  peer: ben,
  name: 'ben',
  roles: ['work'],
  liveness: 'alive',
  isHead: false,
  lastHeardAt: submitted + 61_000,
  slots: 4,
  busySlots: 4,
  load: 0.93,
  reason: '',
  cores: 8,
  memoryBytes: 17_179_869_184,
  platform: 'linux x64',
  agentVersion: '0.1.0',
  devices: ['cpu'],
  addresses: [`/ip4/192.0.2.8/tcp/7432/p2p/${ben}`],
}

const model: AnswerOf<'model'> = {
  name: 'mnist',
  version: 1,
  description: 'Reads handwritten digits',
  tags: { dataset: 'mnist' },
  files: [{ path: 'mnist.onnx', blob: clusterId.replace('5f', 'c1'), bytes: 113_672 }],
  inputs: [{ name: 'image', type: 'float32', shape: ['batch', 1, 28, 28] }],
  outputs: [{ name: 'scores', type: 'float32', shape: ['batch', 10] }],
  opset: 17,
  producer: 'pytorch',
  parameters: 28_138,
  bytes: 113_672,
  registeredBy: anna,
  registeredAt: submitted - 60_000,
}

const queued: AnswerOf<'submitJob'> = {
  id: job,
  name: 'digits',
  description: 'Reads handwritten digits from the MNIST test set',
  tags: { example: 'mnist' },
  state: 'Preparing',
  reason: 'the plan is being written',
  headline: '',
  submitter: anna,
  submitterName: 'anna',
  keeper: anna,
  keeperName: 'anna',
  dataPeer: anna,
  dataPeerName: 'anna',
  model: 'mnist:1',
  submittedAt: submitted,
  startedAt: null,
  endedAt: null,
  planComplete: false,
  items: 0,
  itemsSucceeded: 0,
  itemsFailed: 0,
  miniBatches: 0,
  committed: 0,
  failed: 0,
  canceled: 0,
  leased: 0,
  charged: 0,
  leasesLost: 0,
  rows: 0,
  rowsHere: 0,
  itemsPerSecond: null,
  secondsLeft: null,
  output: '',
  pipeline: '01K9Z3T8M3P4Q5R6S7T8V9W0XA',
  pipelineName: 'digits',
  step: 'digits',
  experiment: 'digits',
  takenOver: 0,
  takenFrom: '',
  reuse: '',
  outputFiles: null,
  forgotten: null,
}

const running: AnswerOf<'submitJob'> = {
  ...queued,
  state: 'Running',
  reason: '',
  startedAt: submitted + 900,
  planComplete: true,
  items: 10_000,
  itemsSucceeded: 8_337,
  itemsFailed: 3,
  miniBatches: 1_000,
  committed: 834,
  leased: 96,
  rows: 8_337,
  rowsHere: 8_120,
  itemsPerSecond: 12_900,
  secondsLeft: [0.11, 0.16],
}

const setting: AnswerOf<'changeSetting'> = {
  key: 'slots',
  value: 3,
  text: '3',
  from: 'setting',
  default: 'auto',
  allowed: '"auto" or a whole number from 0 to 1024',
  description: 'Worker processes at most; auto: one less than there are cores, at least one',
  effect: 'now',
  note: '',
}

const storeReport: NonNullable<AnswerOf<'storeWork'>['report']> = {
  sound: true,
  findings: [],
  notes: [],
  bytes: 4_812_800,
  segments: 212,
  records: 9_410,
  blobs: { present: 14, bytes: 901_220, orphan: 0, missing: 0, corrupt: 0 },
  digestBefore: clusterId,
  digestAfter: clusterId,
}

export const cliExamples: readonly CliExample[] = [
  {
    command: 'agent',
    line: 'muster agent --home ~/anna --name anna',
    schema: 'AgentReady',
    answer: {
      event: 'ready',
      webAddress: 'http://127.0.0.1:41234',
      home: '/home/anna/anna',
      peer: anna,
      pid: 4711,
    },
  },
  { command: 'stop', line: 'muster stop', schema: 'Done', answer: { done: true } },
  {
    command: 'ui',
    line: 'muster ui --print',
    schema: 'SignInCode',
    answer: {
      code: 'q8Zk2V0sTn6mYc4RwL1XbA',
      url: 'http://127.0.0.1:41234/#code=q8Zk2V0sTn6mYc4RwL1XbA',
      expiresAt: submitted + 60_000,
    },
  },
  { command: 'peers', line: 'muster peers', schema: 'Peers', answer: { peers: [machine] } },
  {
    command: 'cluster create',
    line: 'muster cluster create office',
    schema: 'ClusterCreated',
    answer: { ...cluster, recoveryCode: 'TZ4K-9QMW-3HXN-7RVA-C2PD' },
  },
  { command: 'cluster show', line: 'muster cluster show', schema: 'Cluster', answer: cluster },
  {
    command: 'cluster invite',
    line: 'muster cluster invite --roles work,submit --expires 1h',
    schema: 'Invitation',
    answer: {
      code: 'muster-J4PHWoZYIHyQ...',
      words: 'amber harbor violin',
      roles: ['work', 'submit'],
      expiresAt: submitted + 3_600_000,
      addresses: [`/ip4/192.0.2.7/tcp/7432/p2p/${anna}`],
    },
  },
  {
    command: 'cluster join',
    line: 'muster cluster join muster-J4PHWoZYIHyQ...',
    schema: 'Joined',
    answer: { ...cluster, roles: ['work', 'submit'], words: 'amber harbor violin' },
  },
  {
    command: 'cluster members',
    line: 'muster cluster members',
    schema: 'Members',
    answer: { members: [machine] },
  },
  {
    command: 'cluster remove',
    line: 'muster cluster remove ben',
    schema: 'Done',
    answer: { done: true },
  },
  {
    command: 'cluster add-address',
    line: 'muster cluster add-address /ip4/192.0.2.8/tcp/7432/p2p/12D3KooWBMJsvCW7yXnR5Bqd4QiJB4WyU7z4ZhgDmzwRPGNhKn5s',
    schema: 'Done',
    answer: { done: true },
  },
  {
    command: 'model register',
    line: 'muster model register model/mnist.onnx --name mnist --tag dataset=mnist',
    schema: 'Model',
    answer: model,
  },
  {
    command: 'model list',
    line: 'muster model list',
    schema: 'Models',
    answer: { models: [model] },
  },
  { command: 'model show', line: 'muster model show mnist:1', schema: 'Model', answer: model },
  {
    command: 'job retry-failed',
    line: 'muster job retry-failed 01K9Z3',
    schema: 'Retry',
    answer: { job: queued, items: 7, wholeMiniBatches: 0 },
  },
  ...runExamples,
  ...dataExamples,
  {
    command: 'job submit',
    line: 'muster job submit job.yml --set mini_batch_size=100',
    schema: 'Job',
    answer: queued,
  },
  {
    command: 'job resubmit',
    line: `muster job resubmit ${job.slice(0, 14)} --set mini_batch_size=100`,
    schema: 'Job',
    answer: { ...queued, id: '01K9Z42C7W0J5F8A3G6H1M2P4S' },
  },
  {
    command: 'job list',
    line: 'muster job list --limit 1',
    schema: 'Jobs',
    answer: { jobs: [running] },
  },
  {
    command: 'job show',
    line: `muster job show ${job.slice(0, 14)}`,
    schema: 'JobDetail',
    answer: {
      ...running,
      spec: { name: 'digits', runtime: 'onnx', miniBatchSize: 10 },
      file: { name: 'digits', runtime: 'onnx', mini_batch_size: 10 },
      peers: [{ peer: ben, name: 'ben', miniBatches: 834, items: 8_340, share: 1 }],
      failures: [
        {
          message: 'The file is no image that can be decoded.',
          common: 'The file is no image that can be decoded.',
          cause: 'item',
          count: 3,
          first: { item: '0412.png', miniBatch: 41, attempt: 1, peer: ben, peerName: 'ben' },
        },
      ],
    },
  },
  { command: 'job watch', line: `muster job watch ${job}`, schema: 'Job', answer: running },
  {
    command: 'job forget',
    line: `muster job forget ${job}`,
    schema: 'ForgottenJob',
    answer: {
      ...running,
      state: 'Completed',
      reason:
        'It was forgotten by ben at 2026-11-22T18:00:00.000Z: its rows, its logs and the names of its items are gone.',
      rows: 0,
      rowsHere: 0,
      forgotten: { by: ben, byName: 'ben', at: 1_795_370_400_000 },
      left: '',
      sharedWith: [],
    },
  },
  {
    command: 'job cancel',
    line: `muster job cancel ${job}`,
    schema: 'Job',
    answer: { ...running, state: 'CancelRequested' },
  },
  {
    command: 'job pause',
    line: `muster job pause ${job}`,
    schema: 'Job',
    answer: { ...running, state: 'Paused', reason: 'It goes on when it is resumed.' },
  },
  {
    command: 'job resume',
    line: `muster job resume ${job}`,
    schema: 'Job',
    answer: running,
  },
  ...poolExamples,
  {
    command: 'job results',
    line: `muster job results ${job} --head 1`,
    schema: 'RowPage',
    answer: {
      rows: [
        {
          item: 0,
          name: '0000.png',
          miniBatch: 0,
          peer: ben,
          peerName: 'ben',
          attempt: 1,
          value: { label: '7', score: 0.998 },
          failure: '',
        },
      ],
      total: 10_000,
      next: '1',
    },
  },
  ...logExamples(job),
  {
    command: 'job explain',
    line: `muster job explain ${job} --mini-batch 41`,
    schema: 'Explain',
    answer: {
      job,
      lines: [
        'Mini-batch 41 holds the items 410 to 419.',
        'Attempt 1 was granted to ben and committed 0.2 s later: 9 rows, 1 failed item.',
      ],
    },
  },
  {
    command: 'doctor',
    line: 'muster doctor',
    schema: 'Doctor',
    answer: {
      level: 'warn',
      running: true,
      checks: [
        {
          id: 'member',
          about: 'ben',
          level: 'warn',
          message: 'ben does not answer at any of its addresses.',
          advice: 'Switch it on and wake it up; if it runs, allow Muster in its firewall.',
          tried: [{ address: '/ip4/192.0.2.8/tcp/7432', outcome: 'no answer' }],
        },
      ],
    },
  },
  {
    command: 'store check',
    line: 'muster store check',
    schema: 'StoreReport',
    answer: storeReport,
  },
  {
    command: 'store rebuild',
    line: 'muster store rebuild',
    schema: 'StoreReport',
    answer: storeReport,
  },
  {
    command: 'settings list',
    line: 'muster settings list',
    schema: 'Settings',
    answer: { settings: [setting] },
  },
  {
    command: 'settings get',
    line: 'muster settings get slots',
    schema: 'Setting',
    answer: setting,
  },
  {
    command: 'settings set',
    line: 'muster settings set slots 3',
    schema: 'Setting',
    answer: setting,
  },
  ...shellExamples,
]
