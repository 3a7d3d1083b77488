import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { deploymentFields, runConfigFields } from '#protocol/spec/azure/flat-fields.ts'
import { isAzureFile, translateAzure } from '#protocol/spec/azure/translate.ts'

const translate = (text: string) => {
  const value = parse(text) as Readonly<Record<string, unknown>>
  expect(isAzureFile(value)).toBe(true)
  const { fields, warnings, faults, isWithoutData, origin } = translateAzure(value)
  return {
    fields,
    isWithoutData,
    origin,
    warnings: warnings.map(({ path, words }) => `${path.join('.')} ${words}`),
    faults: faults.map(({ message }) => message),
  }
}

const deployment = `$schema: https://azuremlschemas.azureedge.net/latest/modelBatchDeployment.schema.json
endpoint_name: mail-batch
name: mail_sorter
description: Sorts letters
type: model
model: azureml:letters@latest
environment: { image: registry.example/a, conda_file: environment/conda.yml }
code_configuration:
  code: code/
  scoring_script: sort.py
compute: azureml:post-room
resources: { instance_count: 2, instance_type: STANDARD_D2 }
tags: { floor: '1' }
`

describe('a batch deployment', () => {
  it('is the job that one call of it would be', () => {
    const { fields, warnings, faults, isWithoutData, origin } = translate(`${deployment}settings:
  max_concurrency_per_instance: 2
  mini_batch_size: 10
  output_action: Append_Row
  output_file_name: sorted.csv
  retry_settings: { max_retries: 0, timeout: 300 }
  error_threshold: 0
  logging_level: info
  environment_variables: { STAGE: test }
`)
    expect(faults).toEqual([])
    expect(isWithoutData).toBe(true)
    expect(fields).toEqual({
      name: 'mail-sorter',
      description: 'Sorts letters',
      tags: { floor: '1' },
      compute: 'post-room',
      model: { name: 'letters' },
      entry_script: 'code/sort.py',
      source_directory: 'code',
      resources: { instance_count: 2 },
      max_concurrency_per_instance: 2,
      mini_batch_size: 10,
      output_action: 'append_row',
      append_row_file_name: 'sorted.csv',
      retry_settings: { max_retries: 0, timeout: 300 },
      error_threshold: 0,
      logging_level: 'INFO',
      environment_variables: { STAGE: 'test' },
    })
    expect(origin(['retry_settings', 'timeout'])).toEqual(['settings', 'retry_settings', 'timeout'])
    expect(origin(['entry_script'])).toEqual(['code_configuration', 'scoring_script'])
    expect(warnings).toEqual([
      'environment.image has no effect: no container is used: what the script imports is bundled into it',
      'environment.conda_file has no effect: no Python is used: what the script imports is bundled into it',
      'resources.instance_type has no effect: machines are those of the cluster: its owners set what they give',
    ])
  })

  it('of the older kind has its settings at the top', () => {
    const { fields, faults } = translate(
      `${deployment}mini_batch_size: 3\noutput_file_name: a.csv\nretry_settings: { timeout: 30 }\n`,
    )
    expect(faults).toEqual([])
    expect(fields).toMatchObject({
      mini_batch_size: 3,
      append_row_file_name: 'a.csv',
      retry_settings: { timeout: 30 },
    })
  })

  it('writes predictions.csv, or files only', () => {
    expect(translate(deployment).fields['append_row_file_name']).toBe('predictions.csv')
    const files = translate(`${deployment}settings: { output_action: summary_only }\n`)
    expect(files.fields).toMatchObject({ output_action: 'summary_only' })
    expect(files.fields).not.toHaveProperty('append_row_file_name')
  })

  it.each([
    ['{ name: letters, path: model }', { path: 'model' }],
    ['{ name: letters, version: 3 }', 'letters:3'],
    ['./letters', { path: './letters' }],
    ['azureml:letters:2', { name: 'letters', version: 2 }],
    ['azureml://registries/azureml/models/letters/versions/4', { name: 'letters', version: 4 }],
  ])('has the model %s', (written, model) => {
    const { fields, faults } = translate(deployment.replace('azureml:letters@latest', written))
    expect(faults).toEqual([])
    expect(fields['model']).toEqual(model)
  })

  it('without a script is refused with what to do', () => {
    const plain = deployment.replace(/code_configuration:\n.*\n.*\n/, '')
    expect(translate(plain).faults.join()).toMatch(
      /^"code_configuration" is missing: without a script Azure has MLflow run the model/,
    )
  })

  it('of a pipeline component is refused, and so are fields that it does not have', () => {
    const pipeline = 'type: pipeline\nname: all\nendpoint_name: e\ncomponent: azureml:all:1\n'
    expect(translate(pipeline).faults).toEqual([
      '"type" is pipeline: a deployment of a pipeline component is not read; submit the YAML file of a pipeline job with parallel steps',
    ])
    expect(translate(`${deployment}settings: { mini_bach_size: 1 }\n`).faults).toEqual([
      '"settings.mini_bach_size" is not a field of an Azure ML job that is known here: did you mean "settings.mini_batch_size"?',
    ])
  })

  it('of an endpoint that waits for calls is none', () => {
    expect(isAzureFile({ endpoint_name: 'e', type: 'managed', model: 'm' })).toBe(false)
  })
})

describe('a saved ParallelRunConfig', () => {
  const saved = `parallel_run_config:
  mini_batch_size: 1048576
  error_threshold: 10
  output_action: append_row
  logging_level: DEBUG
  compute_target_name: post-room
  node_count: 2
  process_count_per_node:
  entry_script: Sort-Letters.py
  source_directory: scripts
  description:
  run_invocation_timeout: 60
  run_max_try: 3
  append_row_file_name: sorted.txt
  environment: { name: env, docker: { baseImage: a }, python: {} }
`
  it('is the job of its step', () => {
    const { fields, warnings, faults, isWithoutData, origin } = translate(saved)
    expect(faults).toEqual([])
    expect(isWithoutData).toBe(true)
    expect(fields).toEqual({
      name: 'sort-letters',
      compute: 'post-room',
      entry_script: 'scripts/Sort-Letters.py',
      source_directory: 'scripts',
      mini_batch_size: 1_048_576,
      error_threshold: 10,
      output_action: 'append_row',
      append_row_file_name: 'sorted.txt',
      logging_level: 'DEBUG',
      node_count: 2,
      run_invocation_timeout: 60,
      run_max_try: 3,
    })
    expect(origin(['node_count'])).toEqual(['parallel_run_config', 'node_count'])
    expect(warnings).toEqual([
      'parallel_run_config.environment has no effect: no container is used: what the script imports is bundled into it',
    ])
  })

  it('without a script, or with other fields, is refused', () => {
    expect(translate('parallel_run_config: { node_count: 1 }').faults).toEqual([
      '"parallel_run_config" needs "entry_script", the path of a script',
    ])
    expect(translate('parallel_run_config: { entry_script: a.ts, colour: 1 }').faults[0]).toMatch(
      /^"parallel_run_config\.colour" is not a field/,
    )
  })
})

describe('a file of Azure that is no job here', () => {
  const schema = 'https://azuremlschemas.azureedge.net/latest/'
  const component = { type: 'parallel', name: 'score', inputs: { a: { type: 'uri_folder' } } }
  it.each([
    [
      'a command',
      { type: 'command', command: 'echo' },
      'type',
      /^"type" is command, which is not run here: of /,
    ],
    [
      'a pipeline without jobs',
      { type: 'pipeline', inputs: {} },
      'type',
      /^"type" is pipeline, which is not run here/,
    ],
    [
      'an endpoint',
      { $schema: `${schema}batchEndpoint.schema.json`, name: 'e' },
      '$schema',
      /^"\$schema" is that of batchEndpoint, which is no job/,
    ],
    [
      'an online deployment',
      { $schema: `${schema}managedOnlineDeployment.schema.json`, code_configuration: {} },
      '$schema',
      /managedOnlineDeployment, which is no job/,
    ],
    [
      'a component',
      { ...component, version: 1 },
      'version',
      /^This file is a component, which has no data/,
    ],
    [
      'a component by its schema',
      { ...component, $schema: `${schema}parallelComponent.schema.json` },
      '$schema',
      /^This file is a component/,
    ],
  ])('%s is refused with what is taken', (_, value, at, sentence) => {
    expect(isAzureFile(value)).toBe(true)
    const { faults } = translateAzure(value)
    expect(faults.map(({ path }) => path)).toEqual([[at]])
    expect(faults[0]?.message).toMatch(sentence)
  })

  it('is no job file of Muster', () => {
    for (const value of [{ name: 'digits', inputs: {} }, { steps: {} }, { type: 'table' }])
      expect(isAzureFile(value)).toBe(false)
  })
})

it('each field of these files is in its table once', () => {
  for (const fields of [deploymentFields, runConfigFields]) {
    const paths = fields.map(({ path }) => path)
    expect(paths.filter((path, at) => paths.indexOf(path) !== at)).toEqual([])
  }
})
