import { openSync, closeSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { limits } from '#protocol/limits.ts'

/**
 * What to do about a Python entry script: a sentence with the command that turns its model into ONNX, and a
 * TypeScript skeleton with the script's own names.
 */
export const pythonAdvice = (path: string): { readonly message: string; readonly more: string } => {
  const source = readStart(path)
  const name = basename(path)
  const command = commandFor(source)
  return {
    message:
      `"entry_script" is the Python script ${name}, but scripts here are TypeScript or JavaScript: ` +
      `turn its model into ONNX with \`${command}\` and begin with the skeleton below, ` +
      `saved as ${name.replace(/\.py$/i, '.ts')}`,
    more: skeleton(source),
  }
}

/** The beginning of the script; empty if it cannot be read, then the skeleton has the usual names. */
const readStart = (path: string): string => {
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(limits.jobFileBytes)
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

const exporters: readonly { readonly uses: RegExp; readonly command: string }[] = [
  {
    uses: /^\s*(?:import|from)\s+(?:tensorflow|keras|tf_keras)\b/m,
    command: 'python -m tf2onnx.convert --saved-model MODEL_FOLDER --output model.onnx',
  },
  {
    uses: /^\s*(?:import|from)\s+(?:sklearn|joblib)\b/m,
    command: `python -c "import joblib, skl2onnx; m = joblib.load('model.pkl'); open('model.onnx', 'wb').write(skl2onnx.to_onnx(m, EXAMPLE_ROWS).SerializeToString())"`,
  },
  {
    uses: /^\s*(?:import|from)\s+transformers\b/m,
    command: 'optimum-cli export onnx --model MODEL_NAME onnx-folder',
  },
]

const torchCommand = `python -c "import torch; m = torch.load('model.pt', weights_only=False).eval(); torch.onnx.export(m, EXAMPLE_INPUT, 'model.onnx')"`

const commandFor = (source: string): string =>
  exporters.find(({ uses }) => uses.test(source))?.command ?? torchCommand

/** Names of the parameters that the script itself uses; comments of the skeleton point back at it. */
const skeleton = (source: string): string => {
  const parameter = /^def\s+run\s*\(\s*([A-Za-z_]\w*)/m.exec(source)?.[1] ?? 'mini_batch'
  const batch = camelCase(parameter)
  const helpers = [...source.matchAll(/^(?:async\s+)?def\s+([A-Za-z_]\w*)/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => !['init', 'run', 'shutdown'].includes(name))
    .slice(0, 10)
  const lines = [
    'let session',
    '',
    'export async function init(context) {',
    '  session = await context.session()',
    '}',
    '',
    `export async function run(${batch}, context) {`,
    `  const images = await context.decodeImages(${batch}, { width: 28, height: 28, channels: 'gray' })`,
    '  const outputs = await session.run(images)',
    `  return await outputs[session.outputs[0].name].argmax()`,
    '}',
  ]
  if (/^def\s+shutdown\b/m.test(source))
    lines.push('', 'export async function shutdown(context) {}')
  for (const name of helpers) lines.push('', `// ${name}() of the Python script goes here.`)
  return lines.join('\n')
}

const camelCase = (name: string): string =>
  name.replace(/_+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())
