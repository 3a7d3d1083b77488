import type { FileInput } from '#protocol/model/input.ts'
import type { JobSpecBase, OnnxJobSpec } from '#protocol/model/job.ts'
import { processing } from './processing.ts'

/** What every job file ends up with when it says no more than it must. */
export const plainBase = (input: Pick<FileInput, 'root' | 'patterns'>): JobSpecBase => ({
  name: 'test',
  description: '',
  tags: {},
  inputs: [{ kind: 'files', name: 'in', ...input }],
  sideInputs: [],
  miniBatchSize: { kind: 'items', items: 10 },
  partitionKeys: [],
  errorThreshold: -1,
  miniBatchErrorThreshold: -1,
  runLimitMs: 60_000,
  maxAttempts: 3,
  outputAction: 'append_row',
  outputFileName: 'out.txt',
  loggingLevel: 'INFO',
  device: 'cpu',
  inPlace: true,
})

/** A job over the files of a folder, as a worker process is given it. */
export const onnxSpec = (root: string, changes: Partial<OnnxJobSpec> = {}): OnnxJobSpec => ({
  ...plainBase({ root, patterns: ['*'] }),
  runtime: 'onnx',
  model: { name: 'stripes', version: 3, files: [] },
  ...processing(),
  ...changes,
})

/** A job over pictures of digits, for tests that never run it. */
export const digitsSpec = (changes: Partial<OnnxJobSpec> = {}): OnnxJobSpec => ({
  ...plainBase({ root: '/digits', patterns: ['**/*.png'] }),
  name: 'digits',
  runtime: 'onnx',
  model: { name: 'mnist', version: 1, files: [] },
  ...processing({ width: 28, height: 28, mean: [0], std: [1] }, { k: 1 }),
  ...changes,
})
