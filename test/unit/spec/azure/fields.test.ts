import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { azureFields, azureFlags } from '#protocol/spec/azure/fields.ts'
import { translateAzure } from '#protocol/spec/azure/translate.ts'
import { azureDocsPath, freshAzureDocs } from '../../../../tools/azure-docs.ts'

type Fields = Readonly<Record<string, unknown>>

const base: Fields = {
  type: 'pipeline',
  inputs: { x: { path: './all' } },
  outputs: { x: {} },
  jobs: {
    x: {
      type: 'parallel',
      inputs: { x: { path: './images' }, y: '${{parent.inputs.x}}' },
      outputs: { x: {} },
      input_data: '${{inputs.x}}',
      task: { entry_script: 'score.ts' },
    },
  },
}
const step = (base['jobs'] as Record<string, Fields>)['x'] as Fields
const withRows = {
  outputs: { x: {} },
  task: { entry_script: 'score.ts', append_row_to: '${{outputs.x}}' },
}
const piped = { outputs: { x: '${{parent.outputs.x}}' }, task: withRows.task }

const plainInput = { type: 'integer', default: 1 }
const argued = (input: string) => ({
  task: { entry_script: 'score.ts', program_arguments: `--n \${{inputs.${input}}}` },
})
const plainStep = {
  inputs: { x: plainInput, z: { path: './images' } },
  input_data: '${{inputs.z}}',
  ...argued('x'),
}

/** One value for every field of the table, and, where it needs them, other fields of the file or the step. */
const samples: Readonly<Record<string, readonly [value: unknown, step?: Fields, top?: Fields]>> = {
  $schema: ['https://example.org/schema.json'],
  type: ['pipeline'],
  name: ['whole run', {}, { jobs: { x: step, z: step } }],
  display_name: ['Digits'],
  description: ['All digits'],
  experiment_name: ['archive'],
  tags: [{ team: 'archive' }],
  compute: ['azureml:office'],
  settings: [{}],
  'settings.default_compute': ['azureml:office'],
  'settings.default_datastore': ['azureml:blobs'],
  'settings.continue_on_step_failure': [false, {}, { jobs: { x: step, z: step } }],
  'settings.force_rerun': [true],
  inputs: [base['inputs']],
  'inputs.*': [{ path: './others' }],
  'inputs.*.type': ['mltable'],
  'inputs.*.path': ['./others'],
  'inputs.*.mode': ['download'],
  'inputs.*.description': ['All of them'],
  'inputs.*.value': [3, argued('y'), { inputs: { x: plainInput } }],
  'inputs.*.default': [3, argued('y'), { inputs: { x: plainInput } }],
  outputs: [base['outputs']],
  'outputs.*': [{ path: 'azureml://datastores/a/paths/b/rows.csv' }, piped],
  'outputs.*.type': ['uri_file'],
  'outputs.*.mode': ['upload'],
  'outputs.*.path': ['azureml://datastores/a/paths/b/rows.csv', piped],
  'outputs.*.name': ['rows'],
  'outputs.*.version': ['1'],
  identity: [{ type: 'user_identity' }],
  properties: [{ a: 'b' }],
  jobs: [{ x: { ...step, mini_batch_size: 3 } }],
  'jobs.*': [{ ...step, mini_batch_size: 3 }],
  'jobs.*.type': ['command', {}, { jobs: { x: step, z: step } }],
  'jobs.*.display_name': ['Digits'],
  'jobs.*.description': ['All digits'],
  'jobs.*.tags': [{ team: 'archive' }],
  'jobs.*.name': ['digits'],
  'jobs.*.compute': ['azureml:office'],
  'jobs.*.inputs': [step['inputs']],
  'jobs.*.inputs.*': [{ path: './others' }],
  'jobs.*.inputs.*.type': ['mltable'],
  'jobs.*.inputs.*.path': ['azureml:july:2'],
  'jobs.*.inputs.*.mode': ['download'],
  'jobs.*.inputs.*.description': ['All of them'],
  'jobs.*.inputs.*.value': [3, plainStep],
  'jobs.*.inputs.*.default': [3, plainStep],
  'jobs.*.outputs': [step['outputs']],
  'jobs.*.outputs.*': [{ path: 'azureml://datastores/a/paths/b/rows.csv' }, withRows],
  'jobs.*.outputs.*.type': ['uri_file'],
  'jobs.*.outputs.*.mode': ['rw_mount'],
  'jobs.*.outputs.*.path': ['azureml://datastores/a/paths/b/rows.csv', withRows],
  'jobs.*.outputs.*.name': ['rows'],
  'jobs.*.outputs.*.version': ['1'],
  'jobs.*.input_data': ['${{inputs.y}}'],
  'jobs.*.mini_batch_size': ['10 kb'],
  'jobs.*.partition_keys': [['shop']],
  'jobs.*.error_threshold': [0],
  'jobs.*.mini_batch_error_threshold': [0],
  'jobs.*.logging_level': ['debug'],
  'jobs.*.max_concurrency_per_instance': [2],
  'jobs.*.resources': [{}],
  'jobs.*.resources.instance_count': [2],
  'jobs.*.resources.instance_type': ['STANDARD_D2'],
  'jobs.*.resources.docker_args': ['--ipc=host'],
  'jobs.*.resources.shm_size': ['2g'],
  'jobs.*.resources.properties': [{ a: 'b' }],
  'jobs.*.retry_settings': [{}],
  'jobs.*.retry_settings.max_retries': [0],
  'jobs.*.retry_settings.timeout': [5],
  'jobs.*.environment_variables': [{ STAGE: 'test' }],
  'jobs.*.is_deterministic': [false],
  'jobs.*.identity': [{ type: 'managed' }],
  'jobs.*.properties': [{ a: 'b' }],
  'jobs.*.distribution': [{ type: 'mpi' }],
  'jobs.*.services': [{ a: { type: 'ssh' } }],
  'jobs.*.queue_settings': [{ job_tier: 'spot' }],
  'jobs.*.component': ['./component.yml'],
  'jobs.*.trial': [{}],
  'jobs.*.task': [step['task']],
  'jobs.*.task.type': ['function'],
  'jobs.*.task.code': ['./src'],
  'jobs.*.task.entry_script': ['other.ts'],
  'jobs.*.task.environment': ['azureml:office-env@latest'],
  'jobs.*.task.environment.name': ['office-env'],
  'jobs.*.task.environment.version': [1],
  'jobs.*.task.environment.description': ['All of it'],
  'jobs.*.task.environment.tags': [{ team: 'archive' }],
  'jobs.*.task.environment.image': ['registry.example/openmpi'],
  'jobs.*.task.environment.conda_file': ['./conda.yml'],
  'jobs.*.task.environment.build': [{ path: './docker' }],
  'jobs.*.task.environment.inference_config': [{}],
  'jobs.*.task.environment.os_type': ['linux'],
  'jobs.*.task.program_arguments': ['--least 0.9'],
  'jobs.*.task.args': ['--least 0.9'],
  'jobs.*.task.append_row_to': ['${{outputs.x}}'],
  'jobs.*.task.model': ['azureml:m:1'],
}

/** Fields with one value and its synonym: the sample changes nothing. */
const sameAsBase = new Set(['type', 'jobs.*.task.type'])

const withValue = (
  map: Fields,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): Fields => {
  const below = (map[name] ?? {}) as Fields
  return { ...map, [name]: rest.length === 0 ? value : withValue(below, rest, value) }
}

describe('every field of the table', () => {
  it('has a sample', () => {
    expect(Object.keys(samples)).toEqual(azureFields.map(({ path }) => path))
  })

  it.each(azureFields)('$path is $fate.kind', ({ path, fate }) => {
    const [value, ofStep = {}, top = {}] = samples[path] ?? []
    const names = path.split('.').map((name) => (name === '*' ? 'x' : name))
    const whole: Fields = { ...base, jobs: { x: { ...step, ...ofStep } }, ...top }
    const before = translateAzure(whole)
    const after = translateAzure(withValue(whole, names, value))
    expect(before.faults).toEqual([])
    expect(before.warnings).toEqual([])
    const at = names.join('.')
    const warnedAt = after.warnings.map((note) => note.path.join('.'))
    const faultsAt = after.faults.map((fault) => fault.path.join('.'))
    switch (fate.kind) {
      case 'mapped':
        // Whoever reads the file puts components in; one that is left stands where there can be none.
        if (path === 'jobs.*.component') return expect(faultsAt).toEqual([at])
        expect(faultsAt).toEqual([])
        if (sameAsBase.has(path)) expect(after.fields).toEqual(before.fields)
        else expect(after.fields).not.toEqual(before.fields)
        break
      case 'met':
        expect([...faultsAt, ...warnedAt]).toEqual([])
        expect(after.fields).toEqual(before.fields)
        break
      case 'warned':
        expect(faultsAt).toEqual([])
        expect(warnedAt).toEqual([at])
        expect(after.fields).toEqual(before.fields)
        break
      case 'refused':
        expect(faultsAt).toEqual([at])
    }
  })

  it.each(Object.entries(azureFlags))('the flag --%s is what the table says', (name, fate) => {
    const task = { entry_script: 'score.ts', program_arguments: `--${name} 1 --own 2` }
    const { fields, warnings, faults } = translateAzure(
      withValue(base, ['jobs', 'x', 'task'], task),
    )
    expect(fields['arguments']).toEqual(['--own', '2'])
    expect(warnings).toHaveLength(fate.kind === 'warned' ? 1 : 0)
    expect(faults).toHaveLength(fate.kind === 'refused' ? 1 : 0)
    if (fate.kind === 'mapped') expect(fields).toHaveProperty(fate.to.replaceAll('`', ''), '1')
  })
})

it('docs/azure.md is what tools/azure-docs.ts writes', async () => {
  const text = await readFile(azureDocsPath, 'utf8')
  expect(freshAzureDocs(text)).toBe(text)
})
