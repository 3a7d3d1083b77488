import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { limits } from '#protocol/limits.ts'
import { tempFolder, writeFiles } from './temp.ts'

const reader = createJobFileReader()
const fixtures = join(import.meta.dirname, '../../fixtures/azure/components')
const given = { parameters: {}, overrides: {} }

const component = `type: parallel
name: score
version: 1
inputs:
  images: { type: uri_folder }
  least: { type: number, min: 0, max: 1, default: 0.5 }
  kind: { type: string, enum: [cat, dog], optional: true }
outputs:
  rows: { type: uri_file }
input_data: \${{inputs.images}}
mini_batch_size: 7
error_threshold: 0
resources: { instance_count: 4 }
task:
  code: ./src
  entry_script: score.ts
  program_arguments: --least \${{inputs.least}} $[[--kind \${{inputs.kind}}]]
  append_row_to: \${{outputs.rows}}
`

/** A pipeline of one step with these lines, beside a component in a folder of its own. */
const stepWith = async (lines: readonly string[], text = component) => {
  const temp = await tempFolder()
  await writeFiles(temp.path, {
    'parts/score.yml': text,
    'parts/src/score.ts': 'export const run = 1',
  })
  const file = join(temp.path, 'pipeline.yml')
  const step = lines.map((line) => `    ${line}\n`).join('')
  const read = reader.readRun(`type: pipeline\njobs:\n  score:\n${step}`, file, given)
  return { read, folder: temp.path, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() }
}

const images = ['inputs:', '  images: { path: ./images }']

const refusal = async (lines: readonly string[], text?: string) => {
  await using t = await stepWith(lines, text)
  if (t.read.ok) throw new Error('it was taken')
  const { message, position } = t.read.error
  const file = position?.file.slice(t.folder.length + 1)
  return { message: message.replaceAll(t.folder, '~'), at: `${file}:${position?.line}` }
}

describe('a component file', () => {
  it('is read beside the pipeline: its fields where the step says nothing, maps name by name', async () => {
    const file = join(fixtures, 'readers.yml')
    const read = reader.readRun(await readFile(file, 'utf8'), file, given)
    if (!read.ok) throw new Error(read.error.message)
    const [first, second] = read.value.steps
    expect(first).toMatchObject({ name: 'read-meters', wires: [] })
    expect(first?.job.spec).toMatchObject({
      description: 'Reads the number on each photo of a meter',
      miniBatchSize: { kind: 'items', items: 3 },
      errorThreshold: 7,
      miniBatchErrorThreshold: 2,
      maxAttempts: 1,
      runLimitMs: 90_000,
      loggingLevel: 'DEBUG',
      environment: { STAGE: 'house', WORDS: 'few' },
      arguments: ['--least', '0.5', '--unit', 'kwh'],
      inputs: [{ name: 'photos', root: join(fixtures, 'photos') }],
    })
    expect(first?.job.script).toEqual({
      entry: join(fixtures, 'parts/src/read.ts'),
      sourceDirectory: join(fixtures, 'parts/src'),
    })
    expect(second).toMatchObject({
      name: 'sum-meters',
      wires: [{ input: 'readings', step: 'read-meters' }],
      job: {
        spec: { outputFileName: 'sums.jsonl' },
        script: { entry: join(fixtures, 'parts/sum.ts') },
      },
    })
    // Warnings name the file in which the field stands.
    expect(read.value.warnings.join('\n')).toContain(
      `"jobs.read_meters.task.environment.image" (${join(fixtures, 'parts/read.yml')}:44:5) has no effect`,
    )
  })

  it('gives way to the step, with 0 as 0', async () => {
    await using t = await stepWith([
      'type: parallel',
      'component: parts/score.yml',
      ...images,
      '  least: 1',
      '  kind: dog',
      'error_threshold: 3',
      'mini_batch_size: 2',
      'retry_settings: { max_retries: 0 }',
      'resources: { instance_count: 1 }',
    ])
    if (!t.read.ok) throw new Error(t.read.error.message)
    expect(t.read.value.steps[0]?.job.spec).toMatchObject({
      errorThreshold: 3,
      maxAttempts: 1,
      miniBatchSize: { items: 2 },
      peerCount: 1,
      arguments: ['--least', '1', '--kind', 'dog'],
    })
    await using plain = await stepWith(['component: file:parts/score.yml', ...images])
    if (!plain.read.ok) throw new Error(plain.read.error.message)
    expect(plain.read.value.steps[0]?.job.spec).toMatchObject({
      errorThreshold: 0,
      peerCount: 4,
      arguments: ['--least', '0.5'],
    })
  })

  it.each([
    [
      ['component: azureml:score:1'],
      /^"jobs\.score\.component" is azureml:score:1, a component that is registered/,
      'pipeline.yml:4',
    ],
    [
      ['component: parts/none.yml'],
      /^"jobs\.score\.component" names ~\/parts\/none\.yml, which cannot be read/,
      'pipeline.yml:4',
    ],
    [['component: { type: parallel }'], /must be the path of a component file/, 'pipeline.yml:4'],
    [
      ['component: parts/score.yml'],
      /^"jobs\.score\.inputs\.images" is missing: the component wants it/,
      'parts/score.yml:4',
    ],
    [
      ['component: parts/score.yml', ...images, '  other: 1'],
      /^"jobs\.score\.inputs\.other" is not one of the component's inputs, which are images, least, kind/,
      'pipeline.yml:7',
    ],
    [
      ['component: parts/score.yml', ...images, '  least: 2'],
      /^"jobs\.score\.inputs\.least" is 2, but the component wants at most 1/,
      'pipeline.yml:7',
    ],
    [
      ['component: parts/score.yml', ...images, '  least: much'],
      /is much, but the component wants a number/,
      'pipeline.yml:7',
    ],
    [
      ['component: parts/score.yml', ...images, '  kind: bird'],
      /is bird, but the component allows only cat, dog/,
      'pipeline.yml:7',
    ],
    [
      ['component: parts/score.yml', ...images, 'outputs: { other: {} }'],
      /^"jobs\.score\.outputs\.other" is not one of the component's outputs, which are rows/,
      'pipeline.yml:7',
    ],
  ] as const)('%j is refused with its line', async (lines, words, at) => {
    const refused = await refusal(lines)
    expect(refused.message).toMatch(words)
    expect(refused.at).toBe(at)
  })

  it('goes into the text that a later run reads, which needs the file no more', async () => {
    await using t = await stepWith([
      'type: parallel',
      'component: parts/score.yml',
      'inputs:',
      '  images: &images { path: ./images }',
      '  least: 0.25',
    ])
    if (!t.read.ok) throw new Error(t.read.error.message)
    const { whole = '', ...read } = t.read.value
    await rm(join(t.folder, 'parts/score.yml'))
    const file = join(t.folder, 'pipeline.yml (as submitted)')
    const again = reader.readRun(whole, file, given)
    if (!again.ok) throw new Error(again.error.message)
    expect(again.value).toEqual(read)
    const changed = reader.readRun(whole, file, {
      parameters: {},
      overrides: { 'jobs.score.mini_batch_size': 3, 'jobs.score.inputs.least': 1 },
    })
    if (!changed.ok) throw new Error(changed.error.message)
    expect(changed.value.steps[0]?.job.spec).toMatchObject({
      miniBatchSize: { items: 3 },
      arguments: ['--least', '1'],
    })
  })

  it('that makes the whole too large is refused', async () => {
    const long = `${component}description: ${'x'.repeat(limits.jobFileBytes - 1000)}\n`
    const step = ['component: parts/score.yml', ...images]
    await using t = await stepWith([...step, `display_name: ${'y'.repeat(2000)}`], long)
    expect(t.read.ok ? '' : t.read.error.message).toMatch(/together are larger than 262144 bytes/)
  })

  it('that is wrong itself is told with its own lines', async () => {
    const lines = ['component: parts/score.yml', ...images]
    const misspelt = await refusal(lines, component.replace('mini_batch_size', 'mini_bach_size'))
    expect(misspelt.message).toMatch(
      /"jobs\.score\.mini_bach_size" .* did you mean .*mini_batch_size/,
    )
    expect(misspelt.at).toBe('parts/score.yml:11')
    const wrong = await refusal(
      lines,
      component.replace('error_threshold: 0', 'error_threshold: -2'),
    )
    expect(wrong.at).toBe('parts/score.yml:12')
    const sweep = await refusal(lines, component.replace('type: parallel', 'type: sweep'))
    expect(sweep.message).toMatch(
      /names ~\/parts\/score\.yml, whose type is sweep, but must be parallel/,
    )
    const broken = await refusal(lines, 'type: [')
    expect(broken.at).toMatch(/^parts\/score\.yml:/)
  })
})
