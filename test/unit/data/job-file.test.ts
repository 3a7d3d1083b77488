import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { limits } from '#protocol/limits.ts'
import { fieldsAt } from '#protocol/spec/known-fields.ts'
import { tempFolder } from './temp.ts'
import { declared, errorOf, file, nothing, read, reader, small } from './job-files.ts'

describe('a job file', () => {
  it('is filled up with the defaults', () => {
    expect(read(small)).toEqual({
      spec: {
        name: 'digits',
        description: '',
        tags: {},
        runtime: 'onnx',
        inputs: [
          { kind: 'files', name: 'digits', root: '/jobs/digits/images', patterns: ['**/*'] },
        ],
        sideInputs: [],
        miniBatchSize: { kind: 'items', items: 10 },
        partitionKeys: [],
        errorThreshold: -1,
        miniBatchErrorThreshold: -1,
        runLimitMs: 60_000,
        maxAttempts: 3,
        outputAction: 'append_row',
        outputFileName: 'parallel_run_step.txt',
        loggingLevel: 'INFO',
        device: 'auto',
        preprocess: {
          decode: 'image',
          width: 28,
          height: 28,
          fit: 'stretch',
          channels: 'rgb',
          layout: 'NCHW',
          dtype: 'float32',
          scale: 1,
          mean: [0, 0, 0],
          std: [1, 1, 1],
        },
        postprocess: [{ kind: 'raw', softmax: false, k: 5, labels: [] }],
        inPlace: true,
      },
      model: { kind: 'registered', name: 'mnist' },
      warnings: [],
    })
  })

  it('of the example is accepted', async () => {
    const path = new URL('../../../examples/mnist/job.yaml', import.meta.url)
    const file = read(await readFile(path, 'utf8'))
    const { model } = file
    const spec = declared(file)
    expect(spec.outputFileName).toBe('predictions.csv')
    expect(spec.preprocess).toMatchObject({ channels: 'gray', mean: [0], std: [1] })
    expect(spec.postprocess[0]?.labels).toHaveLength(10)
    expect(model).toEqual({ kind: 'path', path: '/jobs/digits/model/mnist.onnx' })
  })

  it('of the documentation is accepted, and every field stands there', async () => {
    const docs = await readFile(new URL('../../../docs/job-file.md', import.meta.url), 'utf8')
    const examples = [...docs.matchAll(/```yaml\n(name:.*?)```/gs)].map((match) => match[1] ?? '')
    expect(examples.map((text) => read(text).warnings)).toEqual([[]])
    for (const place of [[], ['preprocess'], ['postprocess']]) {
      const there = fieldsAt(place)
      const names = there?.kind === 'fields' ? there.names : []
      const missing = names.filter(
        (name) =>
          !['$schema', 'retry_settings', 'resources'].includes(name) &&
          !docs.includes(`\`${name}\``),
      )
      expect(missing).toEqual([])
    }
  })

  it('takes numbers and truth values as text too, and 0 as 0', () => {
    const written = `${small}mini_batch_size: "25"
error_threshold: 0
mini_batch_error_threshold: '0'
run_invocation_timeout: "1.5"
in_place: "false"
tags: { version: 2, final: true }
`
    expect(read(written).spec).toMatchObject({
      miniBatchSize: { kind: 'items', items: 25 },
      errorThreshold: 0,
      miniBatchErrorThreshold: 0,
      runLimitMs: 1_500,
      inPlace: false,
      tags: { version: '2', final: 'true' },
    })
  })

  it('takes the names of both Azure versions', () => {
    const v2 = `${small}retry_settings: { max_retries: 0, timeout: 5 }
allowed_failed_count: 4
max_concurrency_per_instance: 2
resources: { instance_count: 3 }
`
    const meaning = {
      maxAttempts: 1,
      runLimitMs: 5_000,
      miniBatchErrorThreshold: 4,
      processesPerPeer: 2,
      peerCount: 3,
    }
    expect(read(v2).spec).toMatchObject(meaning)
    const both = `${v2}run_max_try: 1\nrun_invocation_timeout: 5\nnode_count: 3\n`
    expect(read(both).spec).toMatchObject(meaning)
    expect(errorOf(`${small}run_max_try: 3\nretry_settings: { max_retries: 3 }\n`)).toBe(
      '9:32 "retry_settings.max_retries" is 3, which means run_max_try 4, but "run_max_try" is 3: give only one of the two.',
    )
    expect(errorOf(`${small}node_count: 3\nresources:\n  instance_count: 0\n`)).toContain(
      '10:19 "resources.instance_count" is 0, but must be',
    )
  })

  it.each([
    ['mnist', { kind: 'registered', name: 'mnist' }],
    ['mnist:3', { kind: 'registered', name: 'mnist', version: 3 }],
    ['azureml:mnist:12', { kind: 'registered', name: 'mnist', version: 12 }],
    ['mnist@latest', { kind: 'registered', name: 'mnist' }],
    ['{ name: mnist, version: "2" }', { kind: 'registered', name: 'mnist', version: 2 }],
    ['mnist.onnx', { kind: 'path', path: '/jobs/digits/mnist.onnx' }],
    ['../m/net.onnx', { kind: 'path', path: '/jobs/m/net.onnx' }],
    ['/m/net.onnx', { kind: 'path', path: '/m/net.onnx' }],
    ['{ path: net }', { kind: 'path', path: '/jobs/digits/net' }],
  ])('names its model: %s', (written, model) => {
    expect(read(small.replace('model: mnist', `model: ${written}`)).model).toEqual(model)
  })

  it('names several models of a script, by names of its own or by theirs', () => {
    const script = small.replace(/preprocess:[^]*/, 'entry_script: score.ts\n')
    const map = read(`${script}models: { find: detector:2, look: ./net.onnx }\n`)
    expect(map.model).toEqual({ kind: 'registered', name: 'mnist' })
    expect(map.models).toEqual([
      { alias: 'find', wanted: { kind: 'registered', name: 'detector', version: 2 } },
      { alias: 'look', wanted: { kind: 'path', path: '/jobs/digits/net.onnx' } },
    ])
    const list = read(`${script.replace('model: mnist\n', '')}models: [detector, { path: net }]\n`)
    expect(list.model).toBeUndefined()
    expect(list.models).toEqual([
      { wanted: { kind: 'registered', name: 'detector' } },
      { wanted: { kind: 'path', path: '/jobs/digits/net' } },
    ])
    const changed = (name: string, value: string | number) =>
      read(`${script}models: { find: detector }\n`, { [name]: value }).models?.[0]?.wanted
    expect(changed('models.find.version', 3)).toMatchObject({ name: 'detector', version: 3 })
    expect(changed('models.find.path', 'net')).toEqual({ kind: 'path', path: '/jobs/digits/net' })
    expect(
      read(`${script}models: { find: detector }\n`, { 'models.find': 'other:3' }).models,
    ).toEqual([{ alias: 'find', wanted: { kind: 'registered', name: 'other', version: 3 } }])
    expect(errorOf(small.replace('model: mnist', 'models: { find: detector }'))).toBe(
      '2:9 "models" are for scripts: a job without "entry_script" runs the one that "model" names.',
    )
    expect(errorOf(`${script}models: {}\n`)).toContain('"models" is empty')
    const many = Array.from({ length: limits.jobModels + 1 }, (_, at) => `m${at}: net`).join(', ')
    expect(errorOf(`${script}models: { ${many} }\n`)).toContain(`more than ${limits.jobModels}`)
    expect(errorOf(`${script}models: { find: "a:b:c" }\n`)).toContain('"models.find" is "a:b:c"')
  })

  it('reads labels from a list or from a text file beside it', async () => {
    await using folder = await tempFolder()
    await writeFile(join(folder.path, 'labels.txt'), '\ufeffcat\r\ndog\r\n\r\nbird\n\n')
    const withLabels = (labels: string) =>
      reader.read(
        `${small}postprocess: { kind: argmax, labels: ${labels} }\n`,
        join(folder.path, 'job.yaml'),
        nothing,
      )
    const labelsOf = (labels: string) => {
      const result = withLabels(labels)
      return result.ok ? declared(result.value).postprocess[0]?.labels : result.error
    }
    expect(labelsOf('labels.txt')).toEqual(['cat', 'dog', '', 'bird'])
    expect(labelsOf('[0, cat, true]')).toEqual(['0', 'cat', 'true'])
    expect(labelsOf('none.txt')).toMatchObject({
      code: 'JobFileInvalid',
      position: { line: 8, column: 38 },
    })
    expect(labelsOf('.')).toMatchObject({ code: 'JobFileInvalid' })
  })

  it('gives one number for every channel', () => {
    const mean = (text: string) => small.replace('  width', `  ${text}\n  width`)
    expect(declared(read(mean('mean: 0.5'))).preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5] })
    expect(declared(read(mean('std: [1, "2", 3]'))).preprocess).toMatchObject({ std: [1, 2, 3] })
    expect(errorOf(mean('mean: [1, 2]'))).toBe(
      '6:9 "preprocess.mean" has 2 numbers, but the channels "rgb" need 3.',
    )
    expect(errorOf(mean('std: [1, 0, 1]'))).toBe(
      '6:12 "preprocess.std[1]" is 0, but must be a number above 0.',
    )
  })

  it('has limits of its own patience only where it asks for them, under their Azure names', () => {
    const text =
      'progress_update_timeout: 600\nfirst_task_creation_timeout: "0.5"\ntask_overhead_timeout: 259200\n'
    const file = read(`${small}${text}`)
    expect(file.warnings).toEqual([])
    expect(file.spec).toMatchObject({
      progressLimitMs: 600_000,
      firstPlanLimitMs: 500,
      loadLimitMs: 259_200_000,
    })
    for (const name of [
      'progress_update_timeout',
      'first_task_creation_timeout',
      'task_overhead_timeout',
    ])
      for (const wrong of ['0', '-1', '259201', 'soon'])
        expect(errorOf(`${small}${name}: ${wrong}\n`)).toBe(
          `8:${name.length + 3} "${name}" is ${wrong === 'soon' ? '"soon"' : wrong}, but must be a number of seconds above 0 and up to 259200.`,
        )
  })

  it.each(['debug', 'Warning', 'INFO'])('takes the logging level %s in any case', (level) => {
    expect(read(`${small}logging_level: ${level}\n`).spec.loggingLevel).toBe(level.toUpperCase())
  })

  it('warns of a device that has no model to compute', () => {
    const script = small
      .replace(/model: .*\n/, '')
      .replace(/preprocess:[^]*/, 'entry_script: a.ts\n')
    expect(read(`${script}device: gpu\n`).warnings).toEqual([
      `"device" (${file}:5:1) has no effect: it is for models, and the script has none.`,
    ])
    for (const device of ['auto', 'cpu'])
      expect(read(`${script}device: ${device}\n`).warnings).toEqual([])
    expect(read(`${script}model: mnist\ndevice: gpu\n`).warnings).toEqual([])
  })

  it('warns of what it takes without effect, with the place', () => {
    const text = `${small}postprocess:\n  kind: argmax\n  k: 3\n`
    expect(read(text).warnings).toEqual([
      `"postprocess.k" (${file}:10:3) has no effect: it is for the kind "top-k".`,
    ])
  })
})

/** The smallest job file with a script. */
const scripted = `name: digits
entry_script: ./score.ts
inputs:
  digits: ./images
`

describe('a job file with a script', () => {
  it('needs neither model nor preprocess', () => {
    const { spec, script, model } = read(scripted)
    expect(spec).toMatchObject({ runtime: 'node', arguments: [], environment: {} })
    expect(script).toEqual({ entry: '/jobs/digits/score.ts' })
    expect(model).toBeUndefined()
  })

  it('takes arguments as a list or as one text, variables, and a source folder', () => {
    const more = `${scripted}model: mnist
source_directory: .
environment_variables: { A: 1, b_2: two }
`
    const words = ['--top', '5', '--name', 'a b', "it's", '-1']
    const asText = `arguments: --top 5 --name "a b" 'it'"'"'s' -1\n`
    for (const given of [`arguments: ${JSON.stringify(words)}\n`, asText]) {
      const { spec, script, model } = read(more + given)
      expect(spec).toMatchObject({ arguments: words, environment: { A: '1', b_2: 'two' } })
      expect(script).toEqual({ entry: '/jobs/digits/score.ts', sourceDirectory: '/jobs/digits' })
      expect(model).toEqual({ kind: 'registered', name: 'mnist' })
    }
  })

  it.each([
    ['runtime: onnx', '5:10 "runtime" is "onnx", but "entry_script" needs "node".'],
    ['arguments: "a b', '5:12 The job file is not valid YAML'],
    [`arguments: a 'b`, '5:12 "arguments" has a quotation mark that is not closed.'],
    [
      'environment_variables: { 1A: x }',
      '5:30 "environment_variables.1A" is "1A", but must be a name',
    ],
    ['code: .', '5:1 "code" cannot be used: use source_directory.'],
  ])('%j is refused', (line, sentence) => {
    const result = reader.read(`${scripted}${line}\n`, file, nothing)
    if (result.ok) throw new Error('the job file was accepted')
    const { position, message } = result.error
    if (line.includes('"a b')) return expect(result.error.code).toBe('JobFileInvalid')
    expect(`${position?.line}:${position?.column} ${message}`).toContain(sentence)
  })

  it.each([
    ['runtime: node\n', '"entry_script" is missing: it must be the path of a .ts or .js file.'],
    ['arguments: [a]\n', '"arguments" is for scripts, but there is no "entry_script".'],
  ])('%j needs a script', (line, sentence) => {
    expect(errorOf(small + line)).toContain(sentence)
  })

  it('refuses Python with the command for its model and a skeleton with its names', async () => {
    await using folder = await tempFolder()
    await writeFile(
      join(folder.path, 'score.py'),
      'import tensorflow as tf\ndef init():\n  pass\ndef load_labels(path):\n  pass\ndef run(file_batch):\n  return []\ndef shutdown():\n  pass\n',
    )
    const text = scripted.replace('score.ts', 'score.py')
    const result = reader.read(text, join(folder.path, 'job.yaml'), nothing)
    if (result.ok) throw new Error('the job file was accepted')
    const [sentence, skeleton] = result.error.message.split('\n\n', 1).concat(result.error.message)
    expect(sentence).toContain(
      '`python -m tf2onnx.convert --saved-model MODEL_FOLDER --output model.onnx`',
    )
    expect(sentence).toMatch(/`muster script skeleton score\.py` writes to score\.ts\.$/)
    expect(skeleton).toContain(
      'export async function run(fileBatch: MiniBatch, context: ScriptContext) {',
    )
    expect(skeleton).toContain('export async function shutdown(context: ScriptContext) {')
    expect(skeleton).toContain('// load_labels() goes here: lines 4 to 5.')
  })
})
