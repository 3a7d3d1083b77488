import { readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBundler } from '#agent/bundle/bundler.ts'
import { adviseOnPython } from '#protocol/spec/python-script.ts'
import { tempFolder } from '../data/temp.ts'

const folders: Readonly<Record<string, string>> = { 'forecast.py': 'src/forecast' }

/** The scripts of the files of Azure ML that other tests submit. */
const advice = async (name: string) => {
  const path = `../../fixtures/azure/${folders[name] ?? 'script'}/${name}`
  return adviseOnPython(await readFile(new URL(path, import.meta.url), 'utf8'), name)
}

describe('a Python entry script', () => {
  it('of pictures, with a checkpoint of TensorFlow', async () => {
    const { command, hint, skeleton } = await advice('name_digits.py')
    expect(command).toContain('tf2onnx.convert --checkpoint')
    expect(hint).toMatch(/names of tensors/)
    expect(skeleton).toBe(
      `// Made from name_digits.py: its names stand, its work is yours to fill in.
let session
let model

export async function init(context) {
  model = context.arguments['model'] ?? '0'
  session = await context.session()
}

export async function run(miniBatch, context) {
  const images = await context.decodeImages(miniBatch, { width: 28, height: 28, channels: 'gray' })
  const outputs = await session.run(images)
  const best = await outputs[session.outputs[0].name].argmax()
  return images.items.map((item, i) => ({ key: item.name, answer: best[i] }))
}`,
    )
  })

  it('of a table, with a model of scikit-learn kept by MLflow', async () => {
    const { command, skeleton } = await advice('name_flowers.py')
    expect(command).toContain("mlflow.sklearn.load_model('MODEL_FOLDER')")
    expect(command).toContain('skl2onnx.to_onnx')
    expect(skeleton).toContain('export async function run(inputData, context) {')
    expect(skeleton).toContain('const rows = await inputData.rows()')
    expect(skeleton).toContain('return rows.map((row, i) => ({ ...row, answer:')
    expect(skeleton).not.toContain('partition')
  })

  it('of partitions, with arguments, helpers and files of its own', async () => {
    const { command, skeleton } = await advice('forecast.py')
    expect(command).toContain('skl2onnx')
    expect(skeleton).toContain('const partition = inputData.partition')
    expect(skeleton).toContain("target = context.arguments['target']")
    expect(skeleton).toContain("dateColumn = context.arguments['date-column'] ?? 'Week'")
    expect(skeleton).toContain("lags = context.arguments['lags'] ?? '1,2'")
    expect(skeleton).toContain('context.outputDirectory')
    expect(skeleton).toContain('export async function shutdown(context) {}')
    expect(skeleton).toContain('// error_of() of the Python script goes here.')
  })

  it.each(['name_digits.py', 'name_flowers.py', 'forecast.py'])(
    'the skeleton of %s can be submitted',
    async (name) => {
      await using folder = await tempFolder()
      const entry = join(folder.path, 'script.ts')
      await writeFile(entry, (await advice(name)).skeleton)
      const bundled = await createBundler().bundle({ entry }, AbortSignal.timeout(20_000))
      expect(bundled.ok ? '' : bundled.error.message).toBe('')
    },
  )
})

it.each([
  ['import torch\nimport pickle\n', 'torch.onnx.export'],
  ['from transformers import pipeline\n', 'optimum-cli'],
  ['from tensorflow.keras.models import load_model\nm = load_model("a.h5")\n', '--keras'],
  ['import tensorflow as tf\n', '--saved-model'],
  ['import lightgbm as lgb\nimport joblib\n', 'onnxmltools'],
  ['import joblib\n', 'skl2onnx'],
  ['', 'torch.onnx.export'],
])('%j is answered with %s', (source, words) => {
  expect(adviseOnPython(source, 'score.py').command).toContain(words)
})

it('a model that is ONNX already needs no command', () => {
  const { command, hint } = adviseOnPython('import onnxruntime as ort\nimport torch\n', 'score.py')
  expect([command, hint]).toEqual(['', 'its model is ONNX already'])
})

it('files that are neither pictures nor tables are given as bytes, without a model', () => {
  const { skeleton } = adviseOnPython('def run(files):\n  for f in files: pass\n', 'sizes.py')
  expect(skeleton).toContain('for (const item of files) {')
  expect(skeleton).not.toContain('session')
})

it('whatever the script has in it, the skeleton is a script', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "parser.add_argument('--new', default='it\\'s')",
      'parser.add_argument("--a-b", default="\\\\")',
      'parser.add_argument("--model", default=3)',
      'def run(default, x):',
      'def helper():',
      'import pandas as pd',
      'class A: pass',
    ),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const { skeleton } = adviseOnPython(lines.join('\n'), 'score.py')
      expect(() => stripTypeScriptTypes(skeleton)).not.toThrow()
    }),
    { numRuns: 300 },
  )
})
