import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
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
    expect(command).toContain('tf2onnx.convert --checkpoint digits.meta --inputs INPUT:0')
    expect(hint).toMatch(/names of tensors/)
    expect(skeleton).toBe(
      `// Made from name_digits.py: its names stand, its work is yours to fill in.
import type { MiniBatch, ScriptContext, Session } from 'muster-sdk/script'

let session: Session

export async function init(context: ScriptContext) {
  // init() of the Python script: lines 10 to 17.
  // --model: the job's model, which context.session() opens; context.modelPath() is its file.
  session = await context.session()
}

export async function run(miniBatch: MiniBatch, context: ScriptContext) {
  // run() of the Python script: lines 20 to 26.
  const images = await context.decodeImages(miniBatch, { width: 28, height: 28, channels: 'gray' })
  const outputs = await session.run({ [session.inputs[0].name]: { data: await images.data(), shape: [images.items.length, 784] } })
  const best = await outputs[session.outputs[0].name].argmax()
  return images.items.map((item, i) => ({ key: item.name, answer: best[i] }))
}`,
    )
  })

  it('of a table, with a model of scikit-learn kept by MLflow', async () => {
    const { command, skeleton } = await advice('name_flowers.py')
    expect(command).toContain("mlflow.sklearn.load_model('MODEL_FOLDER')")
    expect(command).toContain('skl2onnx.to_onnx')
    expect(skeleton).toContain(
      'export async function run(inputData: MiniBatch, context: ScriptContext) {',
    )
    expect(skeleton).toContain('const rows = await inputData.rows()')
    expect(skeleton).toContain('return rows.map((row, i) => ({ ...row, answer:')
    expect(skeleton).not.toContain('partition')
  })

  it('of partitions, that trains: arguments, helpers and files of its own, and no model', async () => {
    const { command, hint, skeleton } = await advice('forecast.py')
    expect(command).toBe('')
    expect(hint).toMatch(/^it trains its model/)
    expect(skeleton).not.toContain('session')
    expect(skeleton).toContain('const partition = inputData.partition')
    expect(skeleton).toContain("target = String(context.arguments['target'] ?? '')")
    expect(skeleton).toContain("dateColumn = String(context.arguments['date-column'] ?? 'Week')")
    expect(skeleton).toContain("lags = String(context.arguments['lags'] ?? '1,2')")
    expect(skeleton).toContain('context.outputDirectory')
    expect(skeleton).toContain('export async function shutdown(context: ScriptContext) {')
    expect(skeleton).toContain('// error_of() goes here: lines 10 to 11.')
  })

  it('has a skeleton that fits the types of the SDK', async () => {
    await using folder = await tempFolder()
    for (const name of ['name_digits.py', 'name_flowers.py', 'forecast.py'])
      await writeFile(join(folder.path, `${name}.ts`), (await advice(name)).skeleton)
    const types = fileURLToPath(new URL('../../../node-agent/sdk/script.ts', import.meta.url))
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'esnext',
      module: 'nodenext',
      allowImportingTsExtensions: true,
      types: [],
      paths: { 'muster-sdk/script': [types] },
    }
    const project = join(folder.path, 'tsconfig.json')
    await writeFile(project, JSON.stringify({ compilerOptions }))
    const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
    const { stdout } = spawnSync(process.execPath, [tsc, '--project', project], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
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
  ['import mlflow\nm = mlflow.pyfunc.load_model("m")\n', 'mlflow.sklearn.load_model'],
  ['import torch\nm = torch.jit.load("a.pt")\n', 'torch.jit.load'],
  [
    'import torch\nfrom net import Net\nm = Net()\nm.load_state_dict(torch.load(f))\n',
    'from net import Net; m = Net(); m.load_state_dict',
  ],
  [
    'import tensorflow as tf\ns = tf.train.import_meta_graph("a/b.meta")\nx = g.get_tensor_by_name("n/X:0")\ny = g.get_tensor_by_name("n/Y:0")\ny.eval(feed_dict={x: 1})\n',
    '--checkpoint a/b.meta --inputs n/X:0 --outputs n/Y:0 --output',
  ],
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

it('arguments have their types; flags, numbers and those of model and output are told apart', () => {
  const { skeleton } = adviseOnPython(
    `import joblib, os
parser.add_argument("--fast", action="store_true")
parser.add_argument("--least", type=float, default=0.5)
parser.add_argument("--many", type=int)
parser.add_argument('--model_name', dest="model_name", required=True)
parser.add_argument("--output-dir", dest="out")
def init():
    joblib.load(os.environ["AZUREML_MODEL_DIR"])
    os.environ.get("STAGE", "test")
def run(mini_batch: List[str]) -> pd.DataFrame:
    for path in mini_batch: pass
`,
    'score.py',
  )
  expect(skeleton).toContain('let fast: boolean\nlet least: number\nlet many: number\n\n')
  expect(skeleton).toContain("fast = context.arguments['fast'] === true")
  expect(skeleton).toContain("least = Number(context.arguments['least'] ?? 0.5)")
  expect(skeleton).toContain("many = Number(context.arguments['many'] ?? NaN)")
  expect(skeleton).toContain("// --model_name: the job's model")
  expect(skeleton).toContain('// --output-dir: files of its own')
  expect(skeleton).toContain("// Its environment: context.environment['STAGE'].")
  expect(skeleton).not.toContain('AZUREML')
})

it.each([
  ['Image.open(p).resize((w, h))\nw = 244\nh = 240', 'width: 244, height: 240 }'],
  ['tf.image.resize(img, [299, 299]) / 255.0', "width: 299, height: 299, layout: 'NHWC', scale"],
  ['transforms.CenterCrop(224)', 'width: 224, height: 224 }'],
  ['np.array(i).reshape((1, 784))', "width: 28, height: 28, channels: 'gray' }"],
  ['pass', 'width: 224, height: 224 }'],
])('pictures are decoded as the script does: %s', (line, options) => {
  const tensorflow = line.startsWith('tf.') ? 'import tensorflow as tf\n' : ''
  const source = `${tensorflow}from PIL import Image\nimport torch\n${line}\ndef run(b): pass\n`
  expect(adviseOnPython(source, 'score.py').skeleton).toContain(options)
})

it('a table is told by its annotation, by its columns, or by what opens its files', () => {
  const reads = (run: string) => adviseOnPython(`import pandas as pd\n${run}`, 'a.py').skeleton
  expect(reads('def run(a: pd.DataFrame):\n  return a')).toContain('await a.rows()')
  expect(reads('def run(a):\n  return a["INCOME"].sum()')).toContain('await a.rows()')
  const opened = reads('def run(a: List[str]):\n  for f in a: pd.read_csv(f)')
  const mapped = adviseOnPython(
    'import pandas as pd\ndef run(batch):\n  return pd.concat(map(lambda f: pd.read_csv(f), batch))\n',
    'score.py',
  )
  expect(mapped.skeleton).toContain('// It opened its files by itself: with `type: table`')
  const aside = adviseOnPython(
    'import pandas as pd\ndef init():\n  pd.read_csv("a")\ndef run(batch):\n  return batch\n',
    'score.py',
  )
  expect(aside.skeleton).not.toContain('It opened its files')
  expect(opened).toContain('with `type: table` and `format: csv` (or the like) at the input')
  expect(opened).not.toContain('session')
  expect(reads('def run(a: List[str]):\n  return a')).toContain('for (const item of a) {')
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
      "os.environ['A']",
      'parser.add_argument("--n", type=int, default=007)',
      'm.predict(x); Image.resize((w, h)); import cv2',
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
