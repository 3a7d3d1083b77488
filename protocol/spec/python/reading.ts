import { imports, isTraining, usesModel } from './exporters.ts'

/** What patterns found in a Python entry script. */
export interface PythonScript {
  /** Parameter of `run` for the mini-batch. */
  readonly batch: string
  readonly reads: 'images' | 'table' | 'files'
  /** Whether it opens its files as tables by itself. */
  readonly opensTables: boolean
  readonly pictures: Pictures
  readonly isPartitioned: boolean
  readonly arguments: readonly PythonArgument[]
  /** Names of the environment that it asks for, without Azure's own. */
  readonly variables: readonly string[]
  /** Its other functions at the top, with their lines. */
  readonly helpers: readonly Lines[]
  readonly init: Lines | undefined
  readonly run: Lines | undefined
  readonly shutdown: Lines | undefined
  readonly writesFiles: boolean
  readonly usesModel: boolean
}

/** Where a function stands, from 1. */
export interface Lines {
  readonly name: string
  readonly first: number
  readonly last: number
}

export interface PythonArgument {
  readonly name: string
  readonly kind: 'text' | 'number' | 'flag'
  /** Its default as a text; empty if there is none. */
  readonly fallback: string
  /** What takes its place: the model and the output have doors of their own. */
  readonly means: 'value' | 'model' | 'output'
}

/** How the script makes numbers of a picture. */
export interface Pictures {
  readonly width: number
  readonly height: number
  /** Whether the size was found in the script. */
  readonly isSized: boolean
  readonly channels: 'gray' | 'rgb'
  readonly layout: 'NCHW' | 'NHWC'
  readonly isScaled: boolean
  /** Whether the model takes each picture as one row of numbers. */
  readonly isFlat: boolean
}

export const readPython = (source: string): PythonScript => {
  const [, batch = 'mini_batch', annotation = '', second] =
    /^(?:async\s+)?def\s+run\s*\(\s*([A-Za-z_]\w*)([^,)]*)(?:,\s*([A-Za-z_]\w*))?/m.exec(source) ??
    []
  const blocks = blocksOf(source)
  const block = (name: string): Lines | undefined => blocks.find((one) => one.name === name)
  const own = new Set(['init', 'run', 'shutdown'])
  const opensTables = opening.test(source)
  const read = readsOf(source, batch, annotation)
  const run = block('run')
  const inRun = source.split(/\r?\n/).slice((run?.first ?? 1) - 1, run?.last)
  const isFrame = isFrameIn(source, batch, annotation)
  return {
    batch,
    opensTables:
      (read === 'files' && opensTables) ||
      (read === 'table' && !isFrame && opening.test(inRun.join('\n'))),
    reads: read === 'files' && opensTables ? 'table' : read,
    pictures: picturesOf(source),
    isPartitioned: second !== undefined && /partition_key_value|\.dataset\b/.test(source),
    arguments: argumentsOf(source),
    variables: variablesOf(source),
    helpers: blocks.filter(({ name }) => !own.has(name)).slice(0, 10),
    init: block('init'),
    run,
    shutdown: block('shutdown'),
    writesFiles:
      /AZUREML_BI_OUTPUT_PATH|output_dir\b|\bopen\s*\([^)]*['"][wa]b?['"]|\.(?:dump|to_csv|to_parquet|to_json|save|save_model)\s*\(/.test(
        source,
      ),
    usesModel: usesModel(source),
  }
}

/** Functions at the top: each ends before the next line that begins at the margin. */
const blocksOf = (source: string): readonly Lines[] => {
  const lines = source.split(/\r?\n/)
  return lines.flatMap((line, at) => {
    const name = /^(?:async\s+)?def\s+([A-Za-z_]\w*)/.exec(line)?.[1]
    if (name === undefined) return []
    const next = lines.findIndex((other, i) => i > at && /^[^\s)\]}#]/.test(other))
    let last = next < 0 ? lines.length : next
    while (last > at + 1 && /^\s*(?:[#@].*)?$/.test(lines[last - 1] ?? '')) last -= 1
    return [{ name, first: at + 1, last }]
  })
}

const opening = /\b(?:read_(?:csv|parquet|json|table)|load_dataset)\s*\(/

/** A DataFrame is asked for columns. */
const isFrameIn = (source: string, batch: string, annotation: string): boolean => {
  const asFrame = new RegExp(
    String.raw`\b${batch}\.(?:columns|shape|iloc|loc|values|drop|iterrows|itertuples|to_numpy|copy|head|assign)\b|\bisinstance\s*\(\s*${batch}\s*,\s*(?:pd|pandas)\.DataFrame|\b${batch}\[\s*\[?\s*['"]`,
  )
  return /DataFrame/.test(annotation) || asFrame.test(source)
}

/** Pictures are opened by one of a few libraries. */
const readsOf = (source: string, batch: string, annotation: string): PythonScript['reads'] => {
  if (isFrameIn(source, batch, annotation)) return 'table'
  const isLooped = new RegExp(String.raw`\bin\s+(?:enumerate\s*\(\s*)?${batch}\b`).test(source)
  const opensImages =
    imports('PIL', 'cv2', 'imageio', 'skimage', 'torchvision').test(source) ||
    /\.load_img\s*\(|decode_(?:jpeg|png|image)\s*\(/.test(source)
  if (opensImages) return 'images'
  const isList = /[Ll]ist\b/.test(annotation)
  return isLooped || isList || !imports('pandas').test(source) ? 'files' : 'table'
}

const sizeCall =
  /(?:\bresize\w*\s*\(|target_size\s*=|\bResize\s*\(|CenterCrop\s*\(|img_size\s*=)[^()[\]\n]{0,60}?[([]?\s*\b([A-Za-z_]\w*|\d+)\b(?:\s*,\s*([A-Za-z_]\w*|\d+)\b)?\s*[)\]]/

const picturesOf = (source: string): Pictures => {
  const numberOf = (word = ''): number | undefined => {
    const text = /^\d+$/.test(word)
      ? word
      : new RegExp(String.raw`^\s*${word || '-'}\s*=\s*(\d+)\s*(?:#.*)?$`, 'm').exec(source)?.[1]
    const value = Number(text)
    return text === undefined || !(value >= 1 && value <= 4096) ? undefined : value
  }
  const [, a, b] = sizeCall.exec(source) ?? []
  const flat = Number(
    /\.(?:reshape|view)\s*\(\s*\(?\s*-?\w+(?:\([^)]*\))?\s*,\s*(\d+)\s*\)/.exec(source)?.[1],
  )
  const side = Math.sqrt(flat)
  const isFlat = Number.isInteger(side) && side > 1 && side <= 4096
  const width = isFlat ? side : numberOf(a)
  const isDigits = /mnist|digit/i.test(source)
  const usual = isDigits ? 28 : 224
  const isGray =
    isFlat || /convert\s*\(\s*['"]L['"]|channels\s*=\s*1\b|IMREAD_GRAYSCALE/.test(source)
  return {
    width: width ?? usual,
    height: isFlat ? side : (numberOf(b) ?? width ?? usual),
    isSized: width !== undefined,
    channels: isGray || (width === undefined && isDigits) ? 'gray' : 'rgb',
    layout: imports('tensorflow', 'keras', 'tf_keras').test(source) ? 'NHWC' : 'NCHW',
    isScaled: /\/\s*\(?\s*255\b|ToTensor\s*\(|\[\s*255(?:\.0?)?\s*\]/.test(source),
    isFlat,
  }
}

const argumentsOf = (source: string): readonly PythonArgument[] => {
  const found = new Map<string, PythonArgument>()
  for (const [, inside = ''] of source.matchAll(/add_argument\s*\(((?:[^()]|\([^()]*\))*)\)/g)) {
    const name = /['"]--([A-Za-z_][\w-]*)['"]/.exec(inside)?.[1]
    if (name === undefined || found.has(name) || found.size === 32) continue
    const fallback = /\bdefault\s*=\s*(['"][^'"\n]*['"]|-?\d+(?:\.\d+)?)/.exec(inside)?.[1] ?? ''
    const isFlag = /\baction\s*=\s*['"]store_true['"]/.test(inside)
    const isNumber = /\btype\s*=\s*(?:int|float)\b/.test(inside)
    found.set(name, {
      name,
      kind: isFlag ? 'flag' : isNumber ? 'number' : 'text',
      fallback: fallback.replaceAll(/^['"]|['"]$/g, ''),
      means: meaningOf(source, name),
    })
  }
  return [...found.values()]
}

const meaningOf = (source: string, name: string): PythonArgument['means'] => {
  if (/(?:^|[_-])out(?:put)?(?:[_-]|$)/i.test(name)) return 'output'
  if (!/model/i.test(name)) return 'value'
  if (isTraining(source)) return 'output'
  return usesModel(source) ? 'model' : 'value'
}

const variablesOf = (source: string): readonly string[] => {
  const asked = source.matchAll(/(?:environ(?:\.get\s*\(\s*|\[\s*)|getenv\s*\(\s*)['"](\w+)['"]/g)
  const names = [...asked].map(([, name = '']) => name)
  return [...new Set(names)].filter((name) => !name.startsWith('AZUREML_')).slice(0, 32)
}
