import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connectAddress } from '#agent/sdk/connection.ts'
import {
  Dataset,
  Datastore,
  Environment,
  Experiment,
  Model,
  MusterFailure,
  ParallelRunConfig,
  ParallelRunStep,
  Pipeline,
  PipelineParameter,
  Pool,
  Schedule,
  Workspace,
} from '#agent/sdk/index.ts'

const ws = new Workspace(connectAddress('http://127.0.0.1:1', 'token'))
/** As a program in plain JavaScript gives it. */
const wrong = (value: unknown): never => value as never

const config = new ParallelRunConfig({ entryScript: 'score.ts' })
const step = (more: object): ParallelRunStep =>
  new ParallelRunStep(wrong({ name: 'find', parallelRunConfig: config, inputs: [], ...more }))

const mistakes: readonly (readonly [string, () => unknown])[] = [
  [
    'ParallelRunConfig has no option "mini_batch_size"; did you mean miniBatchSize?',
    () => new ParallelRunConfig(wrong({ mini_batch_size: 5 })),
  ],
  [
    'PipelineParameter takes its options as { name: ... }; give them so.',
    () => new PipelineParameter(wrong('size')),
  ],
  [
    'Environment has no option "docker"; it has name, runtime, environmentVariables.',
    () => new Environment(wrong({ docker: true })),
  ],
  [
    'ParallelRunStep lacks the option "inputs"; give it.',
    () => new ParallelRunStep(wrong({ name: 'find', parallelRunConfig: config })),
  ],
  [
    'The parallelRunConfig of step "find" is not a ParallelRunConfig; give that.',
    () => step({ parallelRunConfig: {} }),
  ],
  [
    `"inputs" of step "find" is not a list; write it as [data.asNamedInput('NAME')].`,
    () => step({ inputs: 'folder' }),
  ],
  [
    `"sideInputs" of step "find" holds what is no input; name each dataset with data.asNamedInput('NAME').`,
    async () => step({ sideInputs: [await Dataset.File.fromFiles('.')] }),
  ],
  [
    'Pipeline takes its options as { steps: ... }; give them so.',
    () => new Pipeline(ws, wrong([])),
  ],
  ['A Pipeline without steps does nothing; give it one.', () => new Pipeline(ws, { steps: [] })],
  [
    "An Experiment's workspace is not a Workspace, from `await Workspace.fromConfig()`; give that.",
    () => new Experiment(wrong(undefined), 'digits'),
  ],
  [
    'What is submitted is not a Pipeline; give that.',
    () => new Experiment(ws, 'digits').submit(wrong(step({}))),
  ],
  [
    'A dataset is made of paths; give one or a list of them: texts, or `datastore.path(...)`.',
    () => Dataset.File.fromFiles(wrong(undefined)),
  ],
  [
    'Datastore.register lacks the option "kind"; give it.',
    () => Datastore.register(ws, wrong({ name: 'scans', path: '.' })),
  ],
  [
    'Model.register lacks the option "modelPath"; give it.',
    () => Model.register(ws, wrong({ modelName: 'mnist' })),
  ],
  [
    'Pool.create has no option "min_peers"; did you mean minPeers?',
    () => Pool.create(ws, wrong({ name: 'office', min_peers: 1 })),
  ],
  [
    'A schedule has either a time (cron) or a folder (watch); give one of them.',
    () => Schedule.create(new Pipeline(ws, { steps: [step({})] }), { overlap: true }),
  ],
]

test.each(mistakes)('%s', async (sentence, act) => {
  const thrown: unknown = await (async () => act())().catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(MusterFailure)
  expect((thrown as MusterFailure).message).toBe(sentence)
  expect((thrown as MusterFailure).error.code).toBe('RequestInvalid')
})

test('a config is saved as YAML with the names of a job file, and the defaults of parameters', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-sdk-'))
  const path = await config
    .with({
      miniBatchSize: new PipelineParameter({ name: 'size', defaultValue: '1MB' }),
      computeTarget: { name: 'office' },
      environment: new Environment({ runtime: 'node', environmentVariables: { MODE: 'fast' } }),
      errorThreshold: 0,
    })
    .saveToYaml(join(folder, 'config.yml'))
  expect(await readFile(path, 'utf8')).toBe(
    [
      'entry_script: "score.ts"',
      'mini_batch_size: "1MB"',
      'error_threshold: 0',
      'compute: "office"',
      'runtime: "node"',
      'environment_variables: {"MODE":"fast"}',
      '',
    ].join('\n'),
  )
  await rm(folder, { recursive: true })
})
