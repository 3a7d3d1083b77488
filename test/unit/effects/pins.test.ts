import { describe, expect, it } from 'vitest'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { pinsOf, withModels } from '#agent/effects/runs/pins.ts'
import type { PipelineRun } from '#protocol/model/pipeline.ts'

const reader = createJobFileReader()

const text = `name: digits
parameters: { script: score, weights: ./a.onnx }
entry_script: './\${{parameters.script}}.ts'
models: { one: '\${{parameters.weights}}', two: digits }
inputs: { images: ./images }
mini_batch_size: 2
`

const script = { bundle: 'b' }
const models = [
  { alias: 'one', name: 'one', version: 1 },
  { alias: 'two', name: 'digits', version: 3 },
]
const run = {
  steps: [{ name: 'digits', spec: { runtime: 'node', script, models, sideInputs: [] } }],
} as unknown as PipelineRun

type Given = Readonly<Record<string, string | number>>

const stepsOf = (parameters: Given, overrides: Given) => {
  const read = reader.readRun(text, '/jobs/digits.yml', { parameters, overrides, isAgain: true })
  if (!read.ok) throw new Error(read.error.message)
  return read.value.steps
}

const pinned = (parameters: Given, overrides: Given = {}) => {
  const step = stepsOf(parameters, overrides)[0]
  if (step === undefined) throw new Error('no step')
  const before = stepsOf({}, {})
  return { step, pins: pinsOf({ run, before, changed: Object.keys(overrides) }, step) }
}

describe('what a run that is submitted anew keeps', () => {
  it('is its script and its versions of models, if nothing of them was changed', () => {
    const { pins, step } = pinned({}, { mini_batch_size: 3 })
    expect(pins).toMatchObject({ script, models })
    expect(withModels(step.job, undefined, pins.models).models).toEqual([
      { alias: 'one', wanted: { kind: 'registered', name: 'one', version: 1 } },
      { alias: 'two', wanted: { kind: 'registered', name: 'digits', version: 3 } },
    ])
  })

  it('is not the script that a parameter names otherwise', () => {
    expect(pinned({ script: 'other' }).pins).not.toHaveProperty('script')
    expect(pinned({ script: 'other' }).pins.models).toEqual(models)
  })

  it('is not the model that a parameter names otherwise', () => {
    const { pins, step } = pinned({ weights: './b.onnx' })
    expect(pins.script).toBe(script)
    expect(withModels(step.job, undefined, pins.models).models).toMatchObject([
      { alias: 'one', wanted: { kind: 'path', path: '/jobs/b.onnx' } },
      { alias: 'two', wanted: { kind: 'registered', version: 3 } },
    ])
  })

  it('is nothing that was named, even as it was', () => {
    expect(pinned({}, { entry_script: './score.ts' }).pins).not.toHaveProperty('script')
  })
})
