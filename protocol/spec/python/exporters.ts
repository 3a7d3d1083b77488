/** What turns a script's model into ONNX. */
export interface Export {
  /** Empty if there is nothing to convert; then the hint says why. */
  readonly command: string
  /** What the command needs to be told, in a few words; empty if nothing. */
  readonly hint: string
}

interface Exporter extends Export {
  readonly uses: RegExp
}

/** Whether one of these packages is imported, at the start of a line. */
export const imports = (...names: readonly string[]): RegExp =>
  new RegExp(String.raw`^\s*(?:import|from)\s+(?:${names.join('|')})\b`, 'm')

const oneRow = 'EXAMPLE_ROWS is an array of float32 with one row'
const byMlflow = `python -c "import mlflow.sklearn, skl2onnx; m = mlflow.sklearn.load_model('MODEL_FOLDER'); open('model.onnx', 'wb').write(skl2onnx.to_onnx(m, EXAMPLE_ROWS).SerializeToString())"`

/** The first that fits what the script imports and calls; the special ones stand first. */
const exporters: readonly Exporter[] = [
  { uses: imports('onnxruntime'), command: '', hint: 'its model is ONNX already' },
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
  { uses: imports(String.raw`mlflow\.sklearn`), command: byMlflow, hint: oneRow },
  {
    uses: imports('transformers'),
    command: 'optimum-cli export onnx --model MODEL_NAME onnx-folder',
    hint: '',
  },
  {
    uses: imports('sklearn', 'joblib', 'pickle'),
    command: `python -c "import joblib, skl2onnx; m = joblib.load('model.pkl'); open('model.onnx', 'wb').write(skl2onnx.to_onnx(m, EXAMPLE_ROWS).SerializeToString())"`,
    hint: oneRow,
  },
  {
    uses: imports('mlflow'),
    command: byMlflow,
    hint: `for a model of scikit-learn: the file MLmodel in its folder says of what kind it is; ${oneRow}`,
  },
]

const loads =
  /\b(?:load_model|from_pretrained|InferenceSession|import_meta_graph|get_model_path|load_state_dict)\s*\(|\b(?:joblib|pickle|torch|tf\.saved_model|(?:torch\.)?jit|pyfunc)\.load\w*\s*\(|AZUREML_MODEL_DIR|\.Saver\s*\(/

/** Whether it trains a model and opens none. */
export const isTraining = (source: string): boolean =>
  /\.fit\s*\(/.test(source) && !loads.test(source)

/** Whether it asks a model; of a script that could not be read that is likely. */
export const usesModel = (source: string): boolean =>
  source === '' ||
  (!isTraining(source) &&
    (loads.test(source) || /\.predict\w*\s*\(/.test(source) || frameworks.test(source)))

const frameworks = imports(
  'torch|torchvision|pytorch_lightning|timm|tensorflow|keras|tf_keras|sklearn|joblib|lightgbm|xgboost',
  'catboost|onnxruntime|transformers',
)

export const exportOf = (source: string): Export => {
  if (isTraining(source))
    return {
      command: '',
      hint: 'it trains its model, for which there is no library here: train in Python and convert what it saves, or port the arithmetic',
    }
  if (!usesModel(source)) return { command: '', hint: 'it opens no model' }
  if (/import_meta_graph|\.Saver\s*\(|tf\.(?:compat\.v1\.)?Session\b/.test(source))
    return ofCheckpoint(source)
  const isTorch = imports('torch', 'torchvision', 'pytorch_lightning', 'timm').test(source)
  const special = exporters.find(({ uses }) => uses.test(source))
  // Scripts of PyTorch often unpickle something else beside it.
  const isBeside = special?.command.includes('joblib') === true || special?.command === byMlflow
  return special === undefined || (isTorch && isBeside) ? ofTorch(source) : special
}

/** A checkpoint of TensorFlow 1, with the names of its tensors where the script says them. */
const ofCheckpoint = (source: string): Export => {
  const file = /['"]([\w./-]+\.meta)['"]/.exec(source)?.[1] ?? 'model.meta'
  const tensors = [...source.matchAll(/(\w+)\s*=\s*\S*get_tensor_by_name\s*\(\s*['"]([^'"]+)['"]/g)]
  const isFed = (name = ''): boolean =>
    new RegExp(String.raw`feed_dict\s*=\s*\{\s*${name}\b`).test(source)
  const listed = (want: boolean): string =>
    tensors
      .filter(([, name]) => isFed(name) === want)
      .map(([, , tensor]) => tensor ?? '')
      .filter((tensor) => /^[\w./:-]+$/.test(tensor))
      .join(',')
  const [inputs, outputs] = [listed(true), listed(false)]
  const isKnown = inputs !== '' && outputs !== ''
  return {
    command: `python -m tf2onnx.convert --checkpoint ${file} --inputs ${isKnown ? inputs : 'INPUT:0'} --outputs ${isKnown ? outputs : 'OUTPUT:0'} --output model.onnx`,
    hint: isKnown ? '' : 'INPUT and OUTPUT are names of tensors in the graph',
  }
}

const example = 'EXAMPLE_INPUT is a tensor of the shape of one input'

/** A whole model that was pickled, one of TorchScript, or weights for a class of the script's own. */
const ofTorch = (source: string): Export => {
  const end = `torch.onnx.export(m, EXAMPLE_INPUT, 'model.onnx')"`
  if (/\bjit\.load\s*\(/.test(source))
    return {
      command: `python -c "import torch; m = torch.jit.load('model.pt').eval(); ${end}`,
      hint: example,
    }
  const [, variable] = /(\w+)\.load_state_dict\s*\(/.exec(source) ?? []
  if (variable === undefined)
    return {
      command: `python -c "import torch; m = torch.load('model.pt', weights_only=False).eval(); ${end}`,
      hint: example,
    }
  const name = new RegExp(String.raw`\b${variable}\s*=\s*([A-Z]\w*)\s*\(`).exec(source)?.[1]
  const from =
    name === undefined
      ? undefined
      : new RegExp(String.raw`^\s*from\s+([\w.]+)\s+import\s+.*\b${name}\b`, 'm').exec(source)?.[1]
  const [kind, file] = [name ?? 'CLASS', from ?? 'MODULE']
  const words = [
    ...(name === undefined ? ['CLASS is the class of the model'] : []),
    ...(from === undefined ? [`MODULE is the file that has ${kind}`] : []),
  ]
  return {
    command: `python -c "import torch; from ${file} import ${kind}; m = ${kind}(); m.load_state_dict(torch.load('model.pt')); m.eval(); ${end}`,
    hint: [...words, example].join('; '),
  }
}
