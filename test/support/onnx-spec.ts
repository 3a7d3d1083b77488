import type { OnnxJobSpec } from '#protocol/model/job.ts'
import { processing } from './processing.ts'

/** A job over the files of a folder, as a worker process is given it. */
export const onnxSpec = (root: string, changes: Partial<OnnxJobSpec> = {}): OnnxJobSpec => ({
  name: 'test',
  description: '',
  tags: {},
  runtime: 'onnx',
  model: { name: 'stripes', version: 3, files: [] },
  inputs: [{ kind: 'files', name: 'in', root, patterns: ['*'] }],
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
  ...processing(),
  ...changes,
})
