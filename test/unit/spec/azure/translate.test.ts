import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { jobNameOf } from '#protocol/spec/azure/names.ts'
import { isAzureFile, translateAzure } from '#protocol/spec/azure/translate.ts'

const fixture = async (name: string) =>
  translateAzure(
    parse(await readFile(new URL(`../../../fixtures/azure/${name}.yml`, import.meta.url), 'utf8')),
  )

const told = (
  notes: readonly { readonly path: readonly (string | number)[]; readonly words: string }[],
) => notes.map(({ path, words }) => `${path.join('.')} ${words}`)

/** A pipeline of one parallel step; `step` replaces or adds fields of it. */
const pipeline = (step: object = {}, top: object = {}) =>
  translateAzure({
    type: 'pipeline',
    ...top,
    jobs: {
      score: {
        type: 'parallel',
        inputs: { images: { type: 'uri_folder', path: './images' } },
        input_data: '${{inputs.images}}',
        task: { type: 'run_function', code: './src', entry_script: 'score.ts' },
        ...step,
      },
    },
  })

const inputs = (images: unknown, more: object = {}) => ({ inputs: { images, ...more } })
const faultsOf = ({ faults }: ReturnType<typeof translateAzure>) =>
  faults.map(({ message }) => message)

describe("the fields of Azure's public examples", () => {
  it('digits by files: the command that cuts them is not run, its folder is read', async () => {
    const { fields, warnings, faults } = await fixture('digits')
    expect(faults).toEqual([])
    expect(fields).toEqual({
      name: 'name-digits',
      description: 'Reads every scanned digit',
      experiment: 'archive',
      tags: { team: 'archive', stage: 'test', display_name: 'digits-of-the-archive' },
      compute: 'office',
      inputs: { scans: { path: './cut_digits/digits_png' } },
      model: { path: './digit_models' },
      mini_batch_size: '5',
      mini_batch_error_threshold: 5,
      logging_level: 'DEBUG',
      max_concurrency_per_instance: 2,
      resources: { instance_count: 2 },
      retry_settings: { max_retries: 2, timeout: 60 },
      environment_variables: { STAGE: 'test' },
      entry_script: './script/name_digits.py',
      source_directory: './script',
      arguments: ['--model', 'digit_model'],
      output_action: 'append_row',
      append_row_file_name: 'names.csv',
    })
    expect(told(warnings)).toEqual([
      'jobs.name_digits.task.environment.image has no effect: no container is used: what the script imports is bundled into it',
      'jobs.name_digits.task.environment.conda_file has no effect: no Python is used: what the script imports is bundled into it',
      'jobs.cut_digits is a command, which is not run here: what it writes as "digits_png" is read from ./cut_digits/digits_png',
    ])
  })

  it("flowers from a table: the runtime's flags become fields", async () => {
    const { fields, warnings, faults } = await fixture('flowers')
    expect(faults).toEqual([])
    expect(fields).toMatchObject({
      name: 'name-flowers',
      compute: 'greenhouse',
      inputs: { measures: { path: './measures-mltable', type: 'mltable' } },
      model: { path: './flower-model' },
      mini_batch_size: '10kb',
      error_threshold: 5,
      mini_batch_error_threshold: 5,
      allowed_failed_percent: '30',
      task_overhead_timeout: '1200',
      progress_update_timeout: '600',
      first_task_creation_timeout: '600',
      arguments: ['--model', 'flower_model'],
    })
    expect(told(warnings)).toEqual([
      'jobs.name_flowers.task.environment.image has no effect: no container is used: what the script imports is bundled into it',
      'jobs.name_flowers.task.environment.conda_file has no effect: no Python is used: what the script imports is bundled into it',
      'jobs.name_flowers.task.program_arguments has --resource_monitor_interval, which has no effect: machines tell their load once a second',
    ])
  })

  it('juice by shop and brand: the command that sorts by these keys is passed over', async () => {
    const { fields, warnings, faults } = await fixture('juice')
    expect(faults).toEqual([])
    expect(fields).toMatchObject({
      name: 'forecast',
      inputs: { sales: { path: './sales', pattern: 'sales.csv', type: 'table' } },
      partition_keys: ['Shop', 'Brand'],
      arguments: [
        '--left_out',
        'Revenue,Shop,Brand',
        '--target',
        'Bottles',
        '--date',
        'Week',
        '--lags',
        '1,2,3',
        '--forecasts',
        'forecasts',
      ],
      output_action: 'summary_only',
    })
    expect(fields).not.toHaveProperty('side_inputs')
    expect(fields).not.toHaveProperty('model')
    expect(told(warnings).at(-1)).toBe(
      'jobs.sort_sales is a command, which is not run here: its inputs.sales is read in place of "sorted_sales", and cut by the same keys',
    )
  })
})

describe('a place in the translation', () => {
  it('is the place in the file that it came from', async () => {
    const { origin } = await fixture('digits')
    const step = ['jobs', 'name_digits']
    expect(origin(['mini_batch_size'])).toEqual([...step, 'mini_batch_size'])
    expect(origin(['retry_settings', 'timeout'])).toEqual([...step, 'retry_settings', 'timeout'])
    expect(origin(['environment_variables', 'STAGE'])).toEqual([
      ...step,
      'environment_variables',
      'STAGE',
    ])
    expect(origin(['model', 'path'])).toEqual([...step, 'inputs', 'digit_model', 'path'])
    expect(origin(['arguments', 1])).toEqual([...step, 'task', 'program_arguments', 1])
    expect(origin(['preprocess'])).toEqual([])
  })

  it('of a lone parallel job has no jobs before it', () => {
    const lone = translateAzure({
      type: 'parallel',
      name: 'score_all',
      inputs: { images: { path: './images' } },
      input_data: '${{inputs.images}}',
      mini_batch_size: 3,
      distribution: { type: 'mpi' },
      task: { code: '.', entry_script: 'score.ts' },
    })
    expect(lone.fields).toMatchObject({ name: 'score-all', mini_batch_size: 3 })
    expect(lone.origin(['mini_batch_size'])).toEqual(['mini_batch_size'])
    expect(lone.warnings.map(({ path }) => path)).toEqual([['distribution']])
    const empty = translateAzure({ type: 'parallel', task: {} })
    expect(faultsOf(empty)).toEqual([
      '"input_data" is missing: it must name the input that is split, such as ${{inputs.images}}',
      '"task.entry_script" is missing: it must be the path of a script',
    ])
  })
})

describe('an input', () => {
  it.each([
    ['a folder', { path: './images' }, { path: './images' }],
    [
      'a file',
      { type: 'uri_file', path: 'data/a[1].csv' },
      { path: 'data', pattern: 'a[[]1[]].csv' },
    ],
    ['a file beside', { type: 'uri_file', path: 'a.csv' }, { path: '.', pattern: 'a.csv' }],
    ['a dataset', { path: 'azureml:july:3' }, { dataset: 'july', version: 3 }],
    ['the newest of a dataset', { path: 'azureml:july@latest' }, { dataset: 'july' }],
    ['a dataset by its name alone', 'azureml:july:3', { dataset: 'july', version: 3 }],
    [
      'a place in a datastore',
      { path: 'azureml://datastores/scans/paths/2026/july/' },
      { datastore: 'scans', path: '2026/july' },
    ],
    [
      'a place in the default datastore',
      { path: 'azureml://datastores/${{default_datastore}}/paths/july' },
      { datastore: 'default', path: 'july' },
    ],
    [
      'a place in a datastore of a workspace',
      {
        path: 'azureml://subscriptions/1/resourcegroups/2/workspaces/3/datastores/scans/paths/july',
      },
      { datastore: 'scans', path: 'july' },
    ],
  ])('may be %s', (_, written, becomes) => {
    const { fields, faults } = pipeline(inputs(written))
    expect(faults).toEqual([])
    expect(fields['inputs']).toEqual({ images: becomes })
  })

  it('of the pipeline is followed', () => {
    const top = { inputs: { all: { type: 'mltable', path: './t' }, size: 7 } }
    const { fields, faults } = pipeline(
      {
        inputs: { images: '${{parent.inputs.all}}' },
        mini_batch_size: '${{parent.inputs.size}}kb',
      },
      top,
    )
    expect(faults).toEqual([])
    expect(fields['inputs']).toEqual({ images: { path: './t', type: 'mltable' } })
    expect(fields['mini_batch_size']).toBe('7kb')
  })

  it('that is neither split nor the model is a side input; a plain one is a value', () => {
    const { fields, faults } = pipeline({
      ...inputs(
        { path: './images' },
        { words: { path: './words' }, least: 0.9, own_model: { path: 'azureml:m:2' } },
      ),
      task: {
        entry_script: 'score.ts',
        program_arguments: "--words ${{ inputs.words }} --least=${{inputs.least}} 'two words'",
      },
    })
    expect(faults).toEqual([])
    expect(fields['side_inputs']).toEqual({ words: { path: './words' } })
    expect(fields['model']).toEqual({ name: 'm', version: 2 })
    expect(fields['arguments']).toEqual(['--words', 'words', '--least=0.9', 'two words'])
    expect(fields['entry_script']).toBe('score.ts')
  })

  it.each([
    [{ path: 'https://example.org/a' }, 'lies outside the cluster'],
    [{ path: 'wasbs://x@y/z' }, 'lies outside the cluster'],
    [{ path: 'azureml:july@gold' }, 'has the label "gold"'],
    [{ path: 'azureml:july:v1' }, 'has the version "v1"'],
    [{ type: 'uri_folder' }, 'needs a path'],
    [{ type: 'sql', path: './a' }, 'must be one of uri_folder'],
    ['${{parent.inputs.none}}', 'names the input "none", which the pipeline does not have'],
    ['${{name}}', 'which stands for nothing that can be read here'],
    ['plain', 'is split, so it must be data'],
    [[1], 'must be a value, or a map with type and path'],
  ])('%j is refused', (written, words) => {
    const faults = faultsOf(pipeline(inputs(written)))
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(words)
    expect(faults[0]).toMatch(/^"jobs\.score\.inputs\.images(\.path|\.type)?" /)
  })

  it.each([
    ['file:///data/images', { path: '/data/images' }],
    ['file:///C:/images', { path: 'C:/images' }],
    ['file:./images', { path: './images' }],
    ['azureml://registries/r/data/july/versions/2', { dataset: 'july', version: 2 }],
    [
      'azureml://subscriptions/s/resourceGroups/g/workspaces/w/data/july/labels/latest',
      { dataset: 'july' },
    ],
    [
      'azureml://subscriptions/s/resourcegroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/datastores/scans/paths/a/b/',
      { datastore: 'scans', path: 'a/b' },
    ],
  ])('may be written as %s', (path, fields) => {
    const translated = pipeline(inputs({ path }))
    expect(translated.faults).toEqual([])
    expect(translated.fields['inputs']).toEqual({ images: fields })
  })

  it('of a compute may be its whole name', () => {
    const compute =
      'azureml:/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/computes/office'
    expect(pipeline({ compute }).fields['compute']).toBe('office')
  })

  it.for([
    ['ro_mount', undefined],
    ['eval_mount', undefined],
    ['download', 'download'],
    ['eval_download', 'download'],
    ['direct', 'direct'],
  ] as const)('mode %s', ([written, mode]) => {
    const { fields, faults } = pipeline(inputs({ path: './images', mode: written }))
    expect(faults).toEqual([])
    const images = (fields['inputs'] as { images: { mode?: string } }).images
    expect(images.mode).toBe(mode)
  })

  it('the records of a table are read whatever its mode; other words are refused', () => {
    const table = pipeline(inputs({ type: 'mltable', path: './t', mode: 'direct' }))
    expect(table.fields['inputs']).toEqual({ images: { path: './t', type: 'mltable' } })
    expect(faultsOf(pipeline(inputs({ path: './images', mode: 'fetch' })))[0]).toContain(
      '"jobs.score.inputs.images.mode" must be one of ro_mount',
    )
  })

  it('several models are known by the names of their inputs', () => {
    const two = { a_model: { path: './a' }, b: { type: 'mlflow_model', path: 'azureml:b:3' } }
    const { fields, faults } = pipeline(inputs({ path: './images' }, two))
    expect(faults).toEqual([])
    expect(fields).toMatchObject({
      models: { a_model: { path: './a' }, b: { name: 'b', version: 3 } },
    })
    expect(fields['model']).toBeUndefined()
  })
})

describe('program_arguments', () => {
  const task = (program_arguments: string) => ({
    task: { code: './src', entry_script: 'score.ts', program_arguments },
  })

  it('lose the flags of the runtime, whichever way they are written', () => {
    const { fields, warnings, faults } = pipeline(
      task(
        '--least 0.9 --error_threshold=3 --copy_logs_to_parent --append_row_dataframe_header True -v',
      ),
    )
    expect(faults).toEqual([])
    expect(fields).toMatchObject({
      arguments: ['--least', '0.9', '-v'],
      error_threshold: '3',
      append_row_header: 'true',
    })
    expect(told(warnings)).toEqual([
      'jobs.score.task.program_arguments has --copy_logs_to_parent, which has no effect: all steps of a run keep their logs in one place',
    ])
  })

  it('have a flag of the runtime also by its beginning, as in one of the public examples', () => {
    const { fields, warnings, faults } = pipeline(
      task('--resource_monitor_interva 20 --append_row_data True --error 3 --progress 1'),
    )
    expect(faults).toEqual([])
    expect(fields).toMatchObject({
      arguments: ['--error', '3', '--progress', '1'],
      append_row_header: 'true',
    })
    expect(told(warnings)).toEqual([
      'jobs.score.task.program_arguments has --resource_monitor_interva, which has no effect: machines tell their load once a second',
      'jobs.score.task.program_arguments has --append_row_data, which is read as --append_row_dataframe_header',
    ])
  })

  it.each([
    ["--a 'b", 'has a quotation mark that is not closed'],
    ['--rank_mini_batch_count 3', 'cannot be used: a mini-batch has at least one item'],
    ['--error_threshold', 'has --error_threshold without a value'],
    ['--a ${{inputs.nothing}}', 'names the input "nothing", which the step does not have'],
    ['--a ${{search_space.x}}', 'stands for nothing that can be read here'],
  ])('%s is refused', (words, why) => {
    expect(faultsOf(pipeline(task(words))).join()).toContain(why)
  })
})

describe('several parallel steps', () => {
  const two = (second: object, first: object = {}) =>
    translateAzure({
      type: 'pipeline',
      display_name: 'Find & name',
      jobs: {
        find_faces: {
          type: 'parallel',
          inputs: { photos: { path: './photos' } },
          outputs: { faces: { type: 'uri_folder' }, rows: { type: 'uri_file' } },
          input_data: '${{inputs.photos}}',
          task: { code: './find', entry_script: 'find.ts' },
          ...first,
        },
        name: {
          type: 'parallel',
          inputs: { faces: { path: '${{parent.jobs.find_faces.outputs.faces}}' } },
          input_data: '${{inputs.faces}}',
          task: { code: './name', entry_script: 'name.ts' },
          ...second,
        },
      },
    })

  it('are the steps of a pipeline, wired by their outputs', () => {
    const { fields, faults, origin } = two({ mini_batch_size: 2 })
    expect(faults).toEqual([])
    expect(fields).toEqual({
      name: 'find-name',
      description: 'Find & name',
      continue_on_step_failure: true,
      steps: {
        'find-faces': {
          entry_script: './find/find.ts',
          source_directory: './find',
          output_action: 'summary_only',
          output_name: 'faces',
          inputs: { photos: { path: './photos' } },
        },
        name: {
          mini_batch_size: 2,
          entry_script: './name/name.ts',
          source_directory: './name',
          output_action: 'summary_only',
          inputs: { faces: { path: '${{steps.find-faces.outputs.faces}}' } },
        },
      },
    })
    expect(origin(['steps', 'name', 'mini_batch_size'])).toEqual([
      'jobs',
      'name',
      'mini_batch_size',
    ])
  })

  it('may have the output of another as an input that is not split', () => {
    const side = {
      inputs: {
        photos: { type: 'uri_folder', path: './photos' },
        faces: { path: '${{parent.jobs.find_faces.outputs.faces}}' },
      },
      input_data: '${{inputs.photos}}',
    }
    const { fields, faults } = two(side)
    expect(faults).toEqual([])
    expect(fields['steps']).toMatchObject({
      'find-faces': { output_name: 'faces' },
      name: {
        inputs: { photos: { path: './photos' } },
        side_inputs: { faces: { path: '${{steps.find-faces.outputs.faces}}' } },
      },
    })
  })

  it('give one output each: rows or files', () => {
    const rows = { task: { entry_script: 'find.ts', append_row_to: '${{outputs.rows}}' } }
    expect(faultsOf(two({}, rows))[0]).toContain('a step gives either files or rows')
    const both = {
      inputs: {
        faces: { path: '${{parent.jobs.find_faces.outputs.faces}}' },
        rows: { path: '${{parent.jobs.find_faces.outputs.rows}}' },
      },
    }
    expect(faultsOf(two(both))[0]).toContain('of which another step reads "faces"')
  })

  it('name steps that are there', () => {
    const lost = { inputs: { faces: { path: '${{parent.jobs.lost.outputs.faces}}' } } }
    expect(faultsOf(two(lost))[0]).toContain('names the step "lost"')
  })
})

describe('what is unknown or of another kind', () => {
  it('is refused with the nearest name', () => {
    expect(faultsOf(pipeline({ mini_batch_sice: 3 }))).toEqual([
      '"jobs.score.mini_batch_sice" is not a field of an Azure ML job that is known here: did you mean "jobs.score.mini_batch_size"?',
    ])
    expect(faultsOf(pipeline({}, { colour: 1 }))[0]).toContain('the fields there are $schema, type')
  })

  it('a step of another type is refused, and so is a pipeline without a parallel one', () => {
    expect(faultsOf(pipeline({ type: 'sweep' }))).toEqual([
      '"jobs.score" must have the type parallel, but its type is "sweep"',
    ])
    const command = { type: 'command', command: 'true', anything: 1 }
    expect(faultsOf(translateAzure({ type: 'pipeline', jobs: { a: command } }))).toEqual([
      '"jobs" has no step of the type parallel: there is nothing to run',
    ])
  })

  it('only files with these types are taken for ones of Azure', () => {
    expect(isAzureFile({ type: 'pipeline', jobs: {} })).toBe(true)
    expect(isAzureFile({ type: 'parallel' })).toBe(true)
    expect(isAzureFile({ type: 'pipeline', steps: {} })).toBe(false)
    expect(isAzureFile({ name: 'digits' })).toBe(false)
  })

  it('is never thrown at', () => {
    const key = fc.constantFrom(
      'type',
      'jobs',
      'inputs',
      'outputs',
      'task',
      'path',
      'a',
      'settings',
      'input_data',
      'program_arguments',
      'append_row_to',
      'tags',
      '__proto__',
    )
    const leaf = fc.oneof(
      fc.constantFrom(
        'parallel',
        'command',
        '${{inputs.a}}',
        '${{parent.inputs.a}}',
        '${{parent.jobs.a.outputs.a}}',
        '${{outputs.a}}',
        null,
        3,
        true,
        'azureml:a:1',
      ),
      fc.string(),
    )
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        leaf,
        fc.array(tie('tree'), { maxLength: 2 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(fc.dictionary(key, tree), fc.dictionary(key, tree), (top, step) => {
        const value = { ...top, type: 'pipeline', jobs: { a: { ...step, type: 'parallel' } } }
        const { fields, faults } = translateAzure(value)
        for (const { message } of faults) expect(message).toMatch(/^"/)
        expect(fields).toBeTypeOf('object')
      }),
      { numRuns: 2_000 },
    )
  })
})

it('names of steps become names of jobs', () => {
  expect(jobNameOf('batch_prediction')).toBe('batch-prediction')
  expect(jobNameOf('A')).toBe('step-a')
  expect(jobNameOf('4 eyes')).toBe('eyes')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (written) => {
      expect(jobNameOf(written)).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
      expect(jobNameOf(written).length).toBeLessThanOrEqual(32)
      expect(jobNameOf(written).length).toBeGreaterThanOrEqual(3)
    }),
  )
})
