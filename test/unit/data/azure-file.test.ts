import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { tempFolder, writeFiles } from './temp.ts'

const reader = createJobFileReader()

const small = `type: pipeline
jobs:
  score_all:
    type: parallel
    inputs:
      images:
        type: uri_folder
        path: ./images
    input_data: \${{inputs.images}}
    retry_settings:
      timeout: 60
    task:
      code: ./src
      entry_script: score.py
      environment: azureml:office-env@latest
`

/** A folder with these files; the file `pipeline.yml` in it is read. */
const folderWith = async (files: Readonly<Record<string, string>>) => {
  const temp = await tempFolder()
  await writeFiles(temp.path, files)
  const file = join(temp.path, 'pipeline.yml')
  const read = (
    text = small,
    overrides: Readonly<Record<string, string | number | boolean>> = {},
  ) => reader.read(text, file, overrides)
  return {
    folder: temp.path,
    file,
    read,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  }
}

const ported = {
  'src/score.py': 'def run(mini_batch): ...',
  'src/score.ts': 'export const run = 1',
}

describe('a file of Azure ML', () => {
  it('is read like a job file, with a ported script in place of the Python one', async () => {
    await using t = await folderWith(ported)
    const { folder, file, read } = t
    const result = read()
    if (!result.ok) throw new Error(result.error.message)
    const { spec, script, warnings } = result.value
    expect(spec).toMatchObject({ name: 'score-all', runtime: 'node', outputAction: 'summary_only' })
    expect(script).toEqual({
      entry: join(folder, 'src/score.ts'),
      sourceDirectory: join(folder, 'src'),
    })
    expect(warnings).toEqual([
      `"jobs.score_all.task.environment" (${file}:15:7) has no effect: no container is used: what the script imports is bundled into it.`,
      `"jobs.score_all.task.entry_script" (${file}:14:7) is Python: ./src/score.ts is run in its place.`,
    ])
  })

  it('without a ported script is answered with what to do', async () => {
    await using t = await folderWith({ 'src/score.py': 'import sklearn\n' })
    const { file, read } = t
    const result = read()
    if (result.ok) throw new Error('it was accepted')
    expect(result.error.position).toEqual({ file, line: 14, column: 21 })
    expect(result.error.message).toContain('skl2onnx')
    expect(result.error.message).toMatch(
      /^"jobs\.score_all\.task\.entry_script" is the Python script/,
    )
  })

  it('that reads what a command writes asks for it, once the script is there', async () => {
    await using t = await folderWith({ 'src/score.py': '' })
    const { folder, file, read } = t
    const text = small
      .replace('jobs:\n', 'jobs:\n  cut:\n    type: command\n')
      .replace(
        'type: uri_folder\n        path: ./images',
        'type: mltable\n        path: ${{parent.jobs.cut.outputs.cards}}',
      )
    const unported = read(text)
    expect(unported.ok ? '' : unported.error.message).toMatch(/is the Python script score\.py/)
    await writeFiles(folder, ported)
    const missing = read(text)
    expect(missing.ok ? '' : missing.error.message).toBe(
      `"jobs.cut" is a command, which is not run here, and what others read of it as "cards" is not at ${folder}/cut/cards: run it yourself, or say where its files are with --set jobs.cut.outputs.cards.path=FOLDER.`,
    )
    expect(missing.ok ? undefined : missing.error.position).toEqual({ file, line: 3, column: 3 })
    await writeFiles(folder, {
      'there/MLTable': 'paths: [{ pattern: ./*.png }]',
      'there/a.png': '',
    })
    const found = read(text, { 'jobs.cut.outputs.cards.path': './there' })
    expect(found.ok ? found.value.spec.inputs[0]?.root : found.error.message).toBe(
      join(folder, 'there'),
    )
  })

  it('has its own names and lines in what is said of wrong values', async () => {
    await using t = await folderWith(ported)
    const { file, read } = t
    const result = read(small.replace('timeout: 60', 'timeout: 0'))
    if (result.ok) throw new Error('it was accepted')
    expect(result.error.message).toBe(
      '"jobs.score_all.retry_settings.timeout" is 0, but must be a number of seconds above 0 and up to 259200.',
    )
    expect(result.error.position).toEqual({ file, line: 11, column: 16 })
  })

  it('is refused at the first thing that would change results', async () => {
    await using t = await folderWith(ported)
    const { file, read } = t
    const result = read(`${small}    trial: {}\n    mini_batch_sice: 3\n`)
    if (result.ok) throw new Error('it was accepted')
    expect(result.error.position).toEqual({ file, line: 16, column: 5 })
    expect(result.error.message).toBe(
      '"jobs.score_all.trial" cannot be used: only parallel steps are run.',
    )
    expect(result.error.detail).toContain('mini_batch_sice')
  })

  it('takes values by its own names and by those of a job file', async () => {
    await using t = await folderWith(ported)
    const { folder, read } = t
    const text = small.replace('jobs:\n', 'inputs:\n  all: { path: ./all }\njobs:\n')
    const bound = text.replace(
      'images:\n        type: uri_folder\n        path: ./images',
      'images: ${{parent.inputs.all}}',
    )
    const result = read(bound, {
      'inputs.all': './july',
      'jobs.score_all.mini_batch_error_threshold': 3,
      error_threshold: 4,
    })
    if (!result.ok) throw new Error(result.error.message)
    expect(JSON.stringify(result.value.spec)).toContain(JSON.stringify(join(folder, 'july')))
    expect(result.value.spec).toMatchObject({ miniBatchErrorThreshold: 3, errorThreshold: 4 })

    const wrong = read(small, { 'jobs.score_all.colour': 'red' })
    if (wrong.ok) throw new Error('it was accepted')
    expect(wrong.error.position).toBeUndefined()
    expect(wrong.error.message).toContain('(set on the command line)')
  })
})

it('a batch deployment is told its data beside the file', async () => {
  await using t = await folderWith(ported)
  const { folder, file, read } = t
  const text = `endpoint_name: mail
name: sort
model: ./letters
code_configuration: { code: src, scoring_script: score.py }
settings: { mini_batch_size: 3 }
`
  const plain = read(text)
  expect(plain.ok ? '' : plain.error.message).toBe(
    '"inputs" is missing: such a file does not name its data, so say it with --set inputs.data=FOLDER.',
  )
  const given = read(text, { 'inputs.data': './mail', 'settings.mini_batch_size': 4 })
  if (!given.ok) throw new Error(given.error.message)
  expect(given.value).toMatchObject({
    spec: {
      name: 'sort',
      miniBatchSize: { kind: 'items', items: 4 },
      outputFileName: 'predictions.csv',
      inputs: [{ name: 'data', root: join(folder, 'mail') }],
    },
    script: { entry: join(folder, 'src/score.ts'), sourceDirectory: join(folder, 'src') },
    model: { kind: 'path', path: join(folder, 'letters') },
  })
  expect(given.value.warnings).toEqual([
    `"code_configuration.scoring_script" (${file}:4:34) is Python: src/score.ts is run in its place.`,
  ])
  const table = { 'inputs.data.path': './mail', 'inputs.data.type': 'table' }
  const records = read(text, { ...table, 'inputs.data.format': 'csv' })
  expect(records.ok && records.value.spec.miniBatchSize).toEqual({
    kind: 'bytes',
    bytes: 1_048_576,
  })
  expect(records.ok && records.value.warnings[0]).toContain(
    `"settings.mini_batch_size" (${file}:5:13) counts files, but the data is a table`,
  )
  const unported = read(text.replace('score.py', 'other.py'), { 'inputs.data': './mail' })
  expect(unported.ok ? '' : unported.error.message).toMatch(/is the Python script other\.py/)
})

it('a saved configuration of the SDK v1 takes data, model and arguments beside it', async () => {
  await using t = await folderWith(ported)
  const text =
    'parallel_run_config: { entry_script: score.py, source_directory: src, node_count: 2 }\n'
  const given = t.read(text, {
    'inputs.data': './mail',
    model: './letters.onnx',
    arguments: '--least 0.9',
    'parallel_run_config.node_count': 3,
  })
  if (!given.ok) throw new Error(given.error.message)
  expect(given.value).toMatchObject({
    spec: { name: 'score', peerCount: 3, arguments: ['--least', '0.9'] },
    model: { kind: 'path', path: join(t.folder, 'letters.onnx') },
  })
})

it('its own fields at the top may be set beside it, and data in the file is text in UTF-8', async () => {
  await using t = await folderWith(ported)
  const run = reader.readRun(small, t.file, {
    parameters: {},
    overrides: { experiment_name: 'archive', display_name: 'All of it' },
  })
  if (!run.ok) throw new Error(run.error.message)
  expect(run.value).toMatchObject({ experiment: 'archive', description: 'All of it' })
  for (const broken of [small.replace('./images', './im\ufffdges'), small.replace('60', '6\0')]) {
    const refused = t.read(broken)
    expect(refused.ok ? '' : refused.error.message).toBe(
      'The job file is not text in UTF-8 here: save it in that encoding.',
    )
    const line = broken.includes('\0') ? 11 : 8
    expect(refused.ok ? undefined : refused.error.position?.line).toBe(line)
  }
})
