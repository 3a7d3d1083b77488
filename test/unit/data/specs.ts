import { asJobId, asPeerId } from '#protocol/model/ids.ts'
import type { FileInput, JobSpec } from '#protocol/model/job.ts'

export const job = asJobId('01jd3x8w5k7m9n2p4q6r8s0t1v')
export const peer = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')

/** A complete spec over one folder. */
export const specOf = (
  input: Partial<FileInput> & { readonly root: string },
  miniBatchSize = 10,
): JobSpec => ({
  name: 'digits',
  description: '',
  tags: {},
  runtime: 'onnx',
  model: { name: 'mnist', version: 1, files: [] },
  inputs: [{ kind: 'files', name: 'digits', patterns: ['**/*'], ...input }],
  sideInputs: [],
  miniBatchSize: { kind: 'items', items: miniBatchSize },
  partitionKeys: [],
  errorThreshold: -1,
  miniBatchErrorThreshold: -1,
  runLimitMs: 60_000,
  maxAttempts: 3,
  outputAction: 'append_row',
  outputFileName: 'rows.csv',
  loggingLevel: 'INFO',
  device: 'auto',
  preprocess: {
    decode: 'image',
    width: 28,
    height: 28,
    fit: 'stretch',
    channels: 'gray',
    layout: 'NCHW',
    dtype: 'float32',
    scale: 1,
    mean: [0],
    std: [1],
  },
  postprocess: [{ kind: 'argmax', softmax: false, k: 5, labels: [] }],
  inPlace: true,
})
