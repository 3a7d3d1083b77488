import type { AnswerOf } from '#protocol/control/api.ts'
import type { CliExample } from './cli-example.ts'
import { anna, submitted } from './cli-example.ts'

const datastore: AnswerOf<'datastore'> = {
  name: 'scans',
  version: 1,
  description: '',
  tags: {},
  registeredBy: anna,
  registeredByName: 'anna',
  registeredAt: submitted - 90_000,
  kind: 'folder',
  path: '/data/scans',
  share: '',
  peer: anna,
  peerName: 'anna',
  isDefault: false,
}

const dataset: AnswerOf<'dataset'> = {
  name: 'july',
  version: 2,
  description: 'What was scanned in July',
  tags: {},
  registeredBy: anna,
  registeredByName: 'anna',
  registeredAt: submitted - 80_000,
  type: 'file',
  datastore: 'scans',
  path: '2026/july',
  share: '',
  peer: '',
  peerName: '',
  patterns: ['**/*.png'],
  options: {},
}

/** Examples of the commands about datastores and datasets. */
export const dataExamples: readonly CliExample[] = [
  {
    command: 'datastore register',
    line: 'muster datastore register scans --path /data/scans',
    schema: 'Datastore',
    answer: datastore,
  },
  {
    command: 'datastore list',
    line: 'muster datastore list',
    schema: 'Datastores',
    answer: { datastores: [datastore] },
  },
  {
    command: 'datastore show',
    line: 'muster datastore show scans',
    schema: 'Datastore',
    answer: datastore,
  },
  {
    command: 'datastore remove',
    line: 'muster datastore remove scans',
    schema: 'Done',
    answer: { done: true },
  },
  {
    command: 'dataset register',
    line: "muster dataset register july --datastore scans --path 2026/july --pattern '**/*.png'",
    schema: 'Dataset',
    answer: dataset,
  },
  {
    command: 'dataset list',
    line: 'muster dataset list',
    schema: 'Datasets',
    answer: { datasets: [dataset] },
  },
  {
    command: 'dataset show',
    line: 'muster dataset show july',
    schema: 'Dataset',
    answer: dataset,
  },
  {
    command: 'dataset preview',
    line: 'muster dataset preview sales --head 1',
    schema: 'Preview',
    answer: {
      kind: 'table',
      files: [{ name: 'july.csv', bytes: 20_480, modifiedAt: submitted - 100_000 }],
      columns: ['shop', 'sold'],
      rows: [{ name: 'july.csv#1', value: { shop: 'north', sold: '3' }, problem: '' }],
      more: true,
    },
  },
  {
    command: 'job check',
    line: 'muster job check job.yml',
    schema: 'Checked',
    answer: {
      kind: 'job',
      fields: { name: 'digits', mini_batch_sice: 20 },
      steps: [],
      warnings: [],
      problem: {
        code: 'JobFileInvalid',
        message: '"mini_batch_sice" is not a field of job files: did you mean "mini_batch_size"?',
        retryable: false,
        position: { file: '/home/anna/job.yml', line: 2, column: 1 },
      },
    },
  },
  {
    command: 'job try',
    line: 'muster job try job.yml --items 1',
    schema: 'Tried',
    answer: {
      step: 'digits',
      rows: [{ item: 0, name: '0001.png', value: { label: '7', score: 0.99 }, failure: '' }],
      files: [],
      problem: '',
      runMs: 21.5,
      warnings: [],
    },
  },
  {
    command: 'model try',
    line: 'muster model try mnist digits --items 1',
    schema: 'Tried',
    answer: {
      step: 'model-try',
      rows: [
        {
          item: 0,
          name: '0001.png',
          value: {
            item: '0001.png',
            prediction: 7,
            score: 11.2,
            top: [{ label: 7, score: 11.2 }],
          },
          failure: '',
        },
      ],
      files: [],
      problem: '',
      runMs: 18.2,
      warnings: [],
    },
  },
  {
    command: 'script skeleton',
    line: 'muster script skeleton score.py',
    schema: 'Skeleton',
    answer: {
      file: '/home/ada/score.py',
      output: '/home/ada/score.ts',
      command: 'python -m tf2onnx.convert --keras model.h5 --output model.onnx',
      hint: '',
    },
  },
]
