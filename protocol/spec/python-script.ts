/**
 * What to do about a Python entry script: the command that turns its model into ONNX, and a TypeScript script
 * to begin with that has its names. Read by patterns, since no Python runs here: what they miss is left to the
 * person, and nothing of it is executed.
 */
export interface PythonAdvice {
  /** The command; empty where the script runs an ONNX model already. */
  readonly command: string
  /** What the command needs to be told, in a few words; empty if nothing. */
  readonly hint: string
  /** The script to begin with. */
  readonly skeleton: string
}

/** @param source text of the script; empty if it could not be read, then the usual names are taken */
export const adviseOnPython = (source: string, name: string): PythonAdvice => {
  const { command, hint } = exporterFor(source)
  return { command, hint, skeleton: skeletonOf(readScript(source), name) }
}

interface Exporter {
  readonly uses: RegExp
  readonly command: string
  readonly hint: string
}

const imports = (...names: readonly string[]): RegExp =>
  new RegExp(String.raw`^\s*(?:import|from)\s+(?:${names.join('|')})\b`, 'm')

/** The first that fits what the script imports and calls; the special ones stand first. */
const exporters: readonly Exporter[] = [
  {
    uses: imports('onnxruntime'),
    command: '',
    hint: 'its model is ONNX already',
  },
  {
    uses: /import_meta_graph|\.Saver\s*\(|tf\.Session\b/,
    command:
      'python -m tf2onnx.convert --checkpoint model.meta --inputs INPUT:0 --outputs OUTPUT:0 --output model.onnx',
    hint: 'INPUT and OUTPUT are names of tensors in the graph',
  },
  {
    uses: /load_model\s*\([^)]*\.(?:h5|keras)\b|\.(?:h5|keras)['"]/,
    command: 'python -m tf2onnx.convert --keras model.h5 --output model.onnx',
    hint: '',
  },
  {
    uses: imports('tensorflow', 'keras', 'tf_keras'),
    command: 'python -m tf2onnx.convert --saved-model MODEL_FOLDER --output model.onnx',
    hint: '',
  },
  {
    uses: imports('lightgbm', 'xgboost', 'catboost'),
    command: `python -c "import joblib, onnxmltools; m = joblib.load('model.pkl'); onnxmltools.utils.save_model(onnxmltools.CONVERT(m, initial_types=TYPES), 'model.onnx')"`,
    hint: 'CONVERT is convert_lightgbm, convert_xgboost or convert_catboost; TYPES says how many columns there are',
  },
  {
    uses: imports(String.raw`mlflow\.sklearn`),
    command: `python -c "import mlflow.sklearn, skl2onnx; m = mlflow.sklearn.load_model('MODEL_FOLDER'); open('model.onnx', 'wb').write(skl2onnx.to_onnx(m, EXAMPLE_ROWS).SerializeToString())"`,
    hint: 'EXAMPLE_ROWS is an array of float32 with one row',
  },
  {
    uses: imports('sklearn', 'joblib', 'pickle'),
    command: `python -c "import joblib, skl2onnx; m = joblib.load('model.pkl'); open('model.onnx', 'wb').write(skl2onnx.to_onnx(m, EXAMPLE_ROWS).SerializeToString())"`,
    hint: 'EXAMPLE_ROWS is an array of float32 with one row',
  },
  {
    uses: imports('transformers'),
    command: 'optimum-cli export onnx --model MODEL_NAME onnx-folder',
    hint: '',
  },
]

const torch: Exporter = {
  uses: /(?:)/,
  command: `python -c "import torch; m = torch.load('model.pt', weights_only=False).eval(); torch.onnx.export(m, EXAMPLE_INPUT, 'model.onnx')"`,
  hint: 'EXAMPLE_INPUT is a tensor of the shape of one input',
}

const exporterFor = (source: string): Exporter => {
  const isTorch = imports('torch', 'torchvision', 'pytorch_lightning', 'timm').test(source)
  const special = exporters.find(({ uses }) => uses.test(source))
  // Scripts of PyTorch often unpickle something else beside it.
  if (isTorch && special?.command.includes('joblib') === true) return torch
  return special ?? torch
}

/** What the patterns found in a script. */
interface Script {
  /** Parameter of `run` for the mini-batch. */
  readonly batch: string
  readonly reads: 'images' | 'table' | 'files'
  readonly isPartitioned: boolean
  /** Names of arguments it reads, with their defaults. */
  readonly arguments: readonly { readonly name: string; readonly fallback: string }[]
  readonly helpers: readonly string[]
  readonly hasShutdown: boolean
  readonly writesFiles: boolean
  readonly hasModel: boolean
}

const readScript = (source: string): Script => {
  const [, first = 'mini_batch', second] =
    /^(?:async\s+)?def\s+run\s*\(\s*([A-Za-z_]\w*)[^,)]*(?:,\s*([A-Za-z_]\w*))?/m.exec(source) ?? []
  const own = new Set(['init', 'run', 'shutdown'])
  const helpers = [...source.matchAll(/^(?:async\s+)?def\s+([A-Za-z_]\w*)/gm)]
    .map((match) => match[1] ?? '')
    .filter((helper) => !own.has(helper))
    .slice(0, 10)
  return {
    batch: first,
    reads: readsOf(source, first),
    hasModel: source === '' || /model|onnx|torch|sklearn/i.test(source),
    isPartitioned: second !== undefined && /partition_key_value|\.dataset\b/.test(source),
    arguments: argumentsOf(source),
    helpers,
    hasShutdown: /^(?:async\s+)?def\s+shutdown\b/m.test(source),
    writesFiles:
      /AZUREML_BI_OUTPUT_PATH|output_dir\b|\bopen\s*\([^)]*['"]w|\.(?:dump|to_csv|save)\s*\(/.test(
        source,
      ),
  }
}

/** A DataFrame is asked for columns; pictures are opened by one of a few libraries. */
const readsOf = (source: string, batch: string): Script['reads'] => {
  const asFrame = new RegExp(
    String.raw`\b${batch}\.(?:columns|shape|iloc|loc|values|drop|iterrows|itertuples|to_numpy|copy|head|assign)\b|\bisinstance\s*\(\s*${batch}\s*,\s*(?:pd|pandas)\.DataFrame`,
  )
  if (asFrame.test(source)) return 'table'
  const isLooped = new RegExp(String.raw`\bin\s+(?:enumerate\s*\(\s*)?${batch}\b`).test(source)
  const opensImages =
    imports('PIL', 'cv2', 'imageio', 'skimage', 'torchvision').test(source) ||
    /\.load_img\s*\(|decode_(?:jpeg|png|image)\s*\(/.test(source)
  if (opensImages) return 'images'
  return isLooped || !imports('pandas').test(source) ? 'files' : 'table'
}

const argumentsOf = (source: string): Script['arguments'] =>
  [...source.matchAll(/add_argument\s*\(([^)]*)\)/g)]
    .flatMap(([, inside = '']) => {
      const name = /['"]--([A-Za-z_][\w-]*)['"]/.exec(inside)?.[1]
      if (name === undefined) return []
      const fallback = /\bdefault\s*=\s*(['"][^'"]*['"]|-?\d+(?:\.\d+)?)/.exec(inside)?.[1] ?? ''
      return [{ name, fallback }]
    })
    .slice(0, 32)

const camelCase = (name: string): string =>
  name.replace(/[_-]+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())

/** Words that no name in a module may be, and the names that stand in a skeleton already. */
const taken: readonly string[] = (
  'await break case catch class const continue debugger default delete do else enum export extends false ' +
  'finally for function if implements import in instanceof interface let new null package private protected ' +
  'public return static super switch this throw true try typeof var void while with yield arguments eval ' +
  'undefined NaN Infinity Number Float32Array ' +
  'session context images outputs best rows data answers width results item bytes partition row i column ' +
  'init run shutdown'
).split(' ')

/** Gives each name once, with a _ behind those that cannot be had. */
const createNames = (): ((written: string) => string) => {
  const given = new Set(taken)
  return (written) => {
    const plain = camelCase(written).replaceAll(/[^\w$]/g, '')
    let name = /^[A-Za-z_$]/.test(plain) ? plain : `_${plain}`
    while (given.has(name)) name += '_'
    given.add(name)
    return name
  }
}

const skeletonOf = (script: Script, name: string): string => {
  // What is decoded or read as a table goes into a model.
  const needsModel = script.hasModel || script.reads !== 'files'
  const nameOf = createNames()
  const batch = nameOf(script.batch)
  const args = script.arguments.map(({ name: written, fallback }) => {
    const constant = nameOf(written)
    const value = `context.arguments[${quoted(written)}]`
    return { constant, value: fallback === '' ? value : `${value} ?? ${textOf(fallback)}` }
  })
  return [
    `// Made from ${name}: its names stand, its work is yours to fill in.`,
    ...(needsModel ? ['let session'] : []),
    ...args.map(({ constant }) => `let ${constant}`),
    '',
    'export async function init(context) {',
    ...args.map(({ constant, value }) => `  ${constant} = ${value}`),
    ...(needsModel ? ['  session = await context.session()'] : []),
    '}',
    '',
    `export async function run(${batch}, context) {`,
    ...(script.isPartitioned
      ? [
          `  // The keys that all its records have in common, by name.`,
          `  const partition = ${batch}.partition`,
        ]
      : []),
    ...bodies[script.reads](batch),
    ...(script.writesFiles ? ['  // Files of its own go below context.outputDirectory.'] : []),
    ...ends[script.reads](batch),
    '}',
    ...(script.hasShutdown ? ['', 'export async function shutdown(context) {}'] : []),
    ...script.helpers.flatMap((helper) => ['', `// ${helper}() of the Python script goes here.`]),
  ].join('\n')
}

const bodies: Readonly<Record<Script['reads'], (batch: string) => readonly string[]>> = {
  images: (batch) => [
    `  const images = await context.decodeImages(${batch}, { width: 28, height: 28, channels: 'gray' })`,
    '  const outputs = await session.run(images)',
    '  const best = await outputs[session.outputs[0].name].argmax()',
  ],
  table: (batch) => [
    `  const rows = await ${batch}.rows()`,
    `  const data = Float32Array.from(rows.flatMap((row) => ${batch}.columns.map((column) => Number(row[column]))))`,
    `  const outputs = await session.run({ [session.inputs[0].name]: { data, shape: [rows.length, ${batch}.columns.length] } })`,
    '  const answers = await outputs[session.outputs[0].name].data()',
  ],
  files: (batch) => [
    '  const results = []',
    `  for (const item of ${batch}) {`,
    '    const bytes = await item.bytes()',
    '    results.push({ key: item.name, bytes: bytes.length })',
    '  }',
  ],
}

/** One element for each item that succeeded. */
const ends: Readonly<Record<Script['reads'], (batch: string) => readonly string[]>> = {
  images: () => ['  return images.items.map((item, i) => ({ key: item.name, answer: best[i] }))'],
  table: () => [
    '  const width = answers.length / rows.length',
    '  return rows.map((row, i) => ({ ...row, answer: Number(answers[i * width]) }))',
  ],
  files: () => ['  return results'],
}

const quoted = (text: string): string => `'${text}'`

/** Arguments are texts, defaults too. */
const textOf = (fallback: string): string =>
  quoted(fallback.replace(/^['"]|['"]$/g, '').replaceAll(/['\\]/g, '\\$&'))
