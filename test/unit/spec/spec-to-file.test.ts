import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import type { JobFile } from '#agent/ports/job-file.ts'
import { readAgain } from '#agent/effects/runs/resubmit.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { specToFile } from '#protocol/spec/spec-to-file.ts'
import { mnistJobFile } from '#test/support/office.ts'

const reader = createJobFileReader()
const hash = asBlobHash('a'.repeat(64))

/** A recorded spec, as a submit would leave it. */
const recorded = (text: string): JobSpec => {
  const file = reader.read(text, '/jobs/job.yaml', {})
  if (!file.ok) throw new Error(file.error.message)
  const spec = { ...file.value.spec, sideInputs: [] }
  return spec.runtime === 'onnx'
    ? { ...spec, model: { name: 'mnist', version: 3, files: [] } }
    : { ...spec, script: { entry: 'score.ts', files: [{ path: 'b.js', blob: hash, bytes: 1 }] } }
}

const declared = (): JobSpec => recorded(readFileSync(mnistJobFile, 'utf8'))

const scripted = (): JobSpec =>
  recorded(
    [
      'name: scripted',
      'description: 12',
      'tags: { "a.b": "1", on: "yes" }',
      'entry_script: score.ts',
      'arguments: ["--name", "x y"]',
      'environment_variables: { MODE: fast }',
      'inputs: { scans: { path: 2026/july, share: archive, mode: download, patterns: ["*.png", "!x*"] } }',
      'run_invocation_timeout: 0.5',
      'run_max_try: 7',
      'task_overhead_timeout: 1.5',
      'progress_update_timeout: 90',
      'first_task_creation_timeout: 600',
      'node_count: 3',
      'process_count_per_node: 2',
      'output_action: summary_only',
      'in_place: false',
      'device: cpu',
    ].join('\n'),
  )

const plain = { experiment: undefined, allowReuse: true }

const onlyJob = (again: ReturnType<typeof readAgain>): JobFile => {
  if (!again.ok) throw new Error(again.error.message)
  const [step] = again.value.file.steps
  if (step === undefined) throw new Error('no step')
  return step.job
}

test('a job keeps its experiment, and that nothing of it may be taken over', () => {
  const besides = { experiment: 'shelves', allowReuse: false }
  const again = readAgain(reader, declared(), besides, {})
  if (!again.ok) throw new Error(again.error.message)
  expect(again.value.file).toMatchObject({
    experiment: 'shelves',
    steps: [{ allowReuse: false }],
  })
  const other = readAgain(reader, declared(), besides, { allow_reuse: true, experiment: null })
  if (!other.ok) throw new Error(other.error.message)
  expect(other.value.file).toMatchObject({
    experiment: declared().name,
    steps: [{ allowReuse: true }],
  })
})

test.each([
  ['declared', declared],
  ['scripted', scripted],
])('a %s spec as a job file gives the same spec again', (_, make) => {
  const spec = make()
  const job = onlyJob(readAgain(reader, spec, plain, {}))
  const { model: _model, ...rest } = { model: undefined, ...spec }
  const { script: _script, ...draft } = { script: undefined, ...rest }
  expect(job.spec).toEqual(
    spec.outputAction === 'summary_only'
      ? { ...draft, outputFileName: job.spec.outputFileName }
      : draft,
  )
  expect(job.model).toEqual(
    spec.model === undefined
      ? undefined
      : { kind: 'registered', name: spec.model.name, version: spec.model.version },
  )
  expect(job.warnings).toEqual([])
})

test('fields change by their name or other spelling, and null brings a default back', () => {
  const again = readAgain(reader, scripted(), plain, {
    mini_batch_size: 250,
    'retry_settings.max_retries': 1,
    node_count: null,
    'inputs.scans.path': '2026/august',
    name: 'scripted-again',
  })
  const { spec } = onlyJob(again)
  expect(spec).toMatchObject({
    miniBatchSize: { kind: 'items', items: 250 },
    maxAttempts: 2,
    name: 'scripted-again',
  })
  expect(spec.inputs[0]?.share).toEqual({ name: 'archive', path: '2026/august' })
  expect(spec.peerCount).toBeUndefined()
  expect(spec.processesPerPeer).toBe(2)
})

test.each([
  [{ mini_batch_size: 0 }, '"mini_batch_size" is 0'],
  [{ mini_bach_size: 3 }, 'did you mean "mini_batch_size"?'],
  [{ append_row_file_name: 'a/b.csv' }, '"append_row_file_name" is "a/b.csv"'],
  [{ entry_script: 'other.ts' }, 'submit a job file instead'],
  [{ name: null }, '"name" is missing'],
  [{ 'inputs.other.path': '/x' }, '"inputs.other.path" is not a field'],
])('%j is refused in a sentence that names the field', (changes, words) => {
  const again = readAgain(reader, declared(), plain, changes)
  if (again.ok) throw new Error('it was let through')
  expect(again.error.message).toContain(words)
  expect(again.error.message).not.toContain('command line')
  expect(again.error.position).toBeUndefined()
})

test('what a person reads back are names of job files, with whole paths', () => {
  const file = specToFile(declared())
  expect(file).toMatchObject({
    mini_batch_size: 10,
    run_max_try: 3,
    model: { name: 'mnist', version: 3 },
  })
  expect(JSON.stringify(file['inputs'])).toContain('"path":"/jobs/')
  expect(specToFile(scripted())).not.toHaveProperty('append_row_file_name')
})
