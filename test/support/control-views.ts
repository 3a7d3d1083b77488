import type { DatasetView, DatastoreView } from '#protocol/control/registry-views.ts'
import type { JobView, RowView } from '#protocol/control/job-views.ts'
import type { MachineView, ModelView } from '#protocol/control/views.ts'

/** Complete views for tests; give only the fields the test is about. */
export const makeJob = (id: string, change: Partial<JobView> = {}): JobView => ({
  id,
  name: 'digits',
  description: '',
  tags: {},
  state: 'Queued',
  reason: '',
  headline: '',
  submitter: 'peer-anna',
  submitterName: 'anna',
  keeper: 'peer-anna',
  keeperName: 'anna',
  dataPeer: 'peer-anna',
  dataPeerName: 'anna',
  model: 'mnist:1',
  submittedAt: 1_700_000_000_000,
  startedAt: null,
  endedAt: null,
  planComplete: true,
  items: 25,
  itemsSucceeded: 0,
  itemsFailed: 0,
  miniBatches: 3,
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
  pipeline: '',
  pipelineName: '',
  step: '',
  experiment: '',
  takenOver: 0,
  takenFrom: '',
  reuse: '',
  outputFiles: null,
  forgotten: null,
  ...change,
})

export const makeMachine = (change: Partial<MachineView>): MachineView => ({
  peer: 'peer',
  name: 'machine',
  roles: ['work'],
  liveness: 'alive',
  isHead: false,
  lastHeardAt: 1_700_000_000_000,
  slots: 4,
  busySlots: 1,
  load: 0.25,
  reason: '',
  cores: 8,
  memoryBytes: 16 * 1024 ** 3,
  platform: 'linux x64',
  agentVersion: '0.1.0',
  devices: ['cpu'],
  addresses: [],
  ...change,
})

export const makeModel = (name: string, version: number): ModelView => ({
  name,
  version,
  description: '',
  tags: {},
  files: [{ path: 'mnist.onnx', blob: 'b'.repeat(64), bytes: 43_210 }],
  inputs: [{ name: 'input', type: 'float32', shape: ['batch', 1, 28, 28] }],
  outputs: [{ name: 'logits', type: 'float32', shape: ['batch', 10] }],
  opset: 17,
  producer: 'pytorch',
  parameters: 10_000,
  bytes: 43_210,
  registeredBy: 'anna',
  registeredAt: 1_700_000_000_000,
})

const registered = (name: string, version: number) => ({
  name,
  version,
  description: '',
  tags: {},
  registeredBy: 'peer-anna',
  registeredByName: 'anna',
  registeredAt: 1_700_000_000_000,
})

export const makeDatastore = (name: string, path: string, share = ''): DatastoreView => ({
  ...registered(name, 1),
  kind: share === '' ? 'folder' : 'share',
  path,
  share,
  peer: share === '' ? 'peer-anna' : '',
  peerName: share === '' ? 'anna' : '',
  isDefault: name === 'default',
})

export const makeDataset = (name: string, version: number): DatasetView => ({
  ...registered(name, version),
  type: 'file',
  datastore: 'scans',
  path: name,
  share: '',
  peer: '',
  peerName: '',
  patterns: ['*.png'],
  options: {},
})

/** Item 6, 13, 20, ... failed. Item 3's label needs quoting in CSV. */
export const makeRow = (item: number): RowView => {
  const failed = item % 7 === 6
  return {
    item,
    name: `${String(item).padStart(4, '0')}.png`,
    miniBatch: Math.floor(item / 10),
    peer: 'peer-ben',
    peerName: 'ben',
    attempt: 1,
    value: failed ? null : { label: item === 3 ? 'a "b", c' : String(item % 10), score: 0.5 },
    failure: failed ? 'The file is no image.' : '',
  }
}
