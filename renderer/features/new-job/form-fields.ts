import { jobDefaults, jobFileSchema } from '../../../protocol/spec/job-file.ts'
import type { FileFields } from './yaml.ts'

/** One field of the form. */
export interface FormField {
  /** Where it stands in the job file; the agent's sentences name it by its dots. */
  readonly path: readonly string[]
  readonly label: string
  /** - `list`: texts or numbers with commas between them */
  readonly kind: 'text' | 'number' | 'choice' | 'list' | 'flag'
  readonly options?: readonly string[]
  /** What counts when it is left empty. */
  readonly standard: string
  readonly hint?: string
}

const field = (
  path: string,
  label: string,
  kind: FormField['kind'],
  more: Omit<Partial<FormField>, 'path' | 'label' | 'kind'> = {},
): FormField => ({ standard: '', ...more, path: path.split('.'), label, kind })

const imageFields: readonly FormField[] = [
  field('preprocess.width', 'Width', 'number', { hint: 'pixels' }),
  field('preprocess.height', 'Height', 'number', { hint: 'pixels' }),
  field('preprocess.channels', 'Channels', 'choice', {
    options: ['gray', 'rgb', 'bgr'],
    standard: 'rgb',
  }),
  field('preprocess.layout', 'Layout', 'choice', { options: ['NCHW', 'NHWC'], standard: 'NCHW' }),
  field('preprocess.fit', 'Fit', 'choice', {
    options: ['stretch', 'cover', 'contain'],
    standard: 'stretch',
  }),
  field('preprocess.dtype', 'Type', 'choice', {
    options: ['float32', 'uint8'],
    standard: 'float32',
  }),
  field('preprocess.scale', 'Scale', 'number', { standard: '1' }),
  field('preprocess.mean', 'Mean', 'list', { standard: '0' }),
  field('preprocess.std', 'Deviation', 'list', { standard: '1' }),
]

const tensorFields: readonly FormField[] = [
  field('preprocess.shape', 'Shape', 'list', { hint: 'without the batch' }),
  field('preprocess.dtype', 'Type', 'text', { standard: 'float32' }),
  field('preprocess.scale', 'Scale', 'number', { standard: '1' }),
]

const columnFields: readonly FormField[] = [
  field('preprocess.columns', 'Columns', 'list', { standard: 'all as they stand' }),
  field('preprocess.dtype', 'Type', 'text', { standard: 'float32' }),
  field('preprocess.missing', 'Empty cells', 'number', { standard: 'fail' }),
  field('preprocess.mean', 'Mean', 'list', { standard: '0' }),
  field('preprocess.std', 'Deviation', 'list', { standard: '1' }),
]

/** The fields of the way into a model, by what the items are. */
export const wayIn: Readonly<Record<'image' | 'tensor' | 'columns', readonly FormField[]>> = {
  image: imageFields,
  tensor: tensorFields,
  columns: columnFields,
}

const kinds = ['argmax', 'softmax', 'top-k', 'threshold', 'embedding', 'raw']

/** The fields of the way out of a model, by the kind of rows. */
export const wayOut = (kind: string): readonly FormField[] => [
  field('postprocess.kind', 'Rows', 'choice', { options: kinds, standard: 'raw' }),
  ...(kind === 'top-k' ? [field('postprocess.k', 'Classes', 'number', { standard: '5' })] : []),
  ...(kind === 'threshold'
    ? [
        field('postprocess.threshold', 'Least score', 'number', { standard: '0.5' }),
        field('postprocess.sigmoid', 'Sigmoid', 'flag', { standard: 'off' }),
      ]
    : []),
  ...(kind === 'argmax' || kind === 'top-k'
    ? [field('postprocess.softmax', 'Probabilities', 'flag', { standard: 'off' })]
    : []),
  ...(kind === 'embedding'
    ? [field('postprocess.normalize', 'Length 1', 'flag', { standard: 'off' })]
    : []),
  ...(kind === 'embedding' || kind === 'raw'
    ? []
    : [field('postprocess.labels', 'Labels', 'list', { standard: 'numbers' })]),
]

/** What a script is given besides its items. */
export const scriptFields = ({ arguments: given }: FileFields): readonly FormField[] => [
  field('source_directory', 'Source folder', 'text', {
    standard: 'only what is imported',
  }),
  // A list may hold words with spaces, which a box of one text cannot tell apart.
  ...(Array.isArray(given)
    ? []
    : [field('arguments', 'Arguments', 'text', { standard: 'none', hint: 'as in a shell' })]),
]

/** How the job is run: all of them have a default. */
export const settings = (isTable: boolean): readonly FormField[] => [
  field('mini_batch_size', 'Mini-batch size', 'text', {
    standard: isTable ? '1MB' : String(jobDefaults.miniBatchItems),
    hint: isTable ? 'bytes' : 'files',
  }),
  field('run_invocation_timeout', 'Run limit', 'number', {
    standard: '60',
    hint: 'seconds',
  }),
  field('run_max_try', 'Tries', 'number', { standard: '3' }),
  field('error_threshold', 'Failed items', 'number', { standard: 'any' }),
  field('compute', 'Pool', 'text', { standard: 'all machines' }),
  field('device', 'Device', 'choice', {
    options: ['auto', 'cpu', 'gpu', 'cuda', 'tensorrt', 'dml', 'coreml', 'webgpu'],
    standard: 'auto',
  }),
  field('append_row_file_name', 'Output file', 'text', { standard: jobDefaults.outputFileName }),
  field('experiment', 'Experiment', 'text', { standard: 'the name' }),
]

/** What is seldom changed; all of it has a default, too. */
export const moreSettings: readonly FormField[] = [
  field('mini_batch_error_threshold', 'Failed mini-batches', 'number', { standard: 'any' }),
  field('allowed_failed_percent', 'Failed part', 'number', {
    standard: String(jobDefaults.allowedFailedPercent),
    hint: 'percent',
  }),
  field('priority', 'Priority', 'number', { standard: String(jobDefaults.priority) }),
  field('weight', 'Weight', 'number', {
    standard: String(jobDefaults.weight),
    hint: 'share',
  }),
  field('node_count', 'Machines', 'number', { standard: 'all of the pool' }),
  field('process_count_per_node', 'Processes', 'number', {
    standard: 'by owner',
    hint: 'a machine',
  }),
  field('partition_keys', 'Partition keys', 'list', { standard: 'none' }),
  field('output_action', 'Rows', 'choice', {
    options: ['append_row', 'summary_only'],
    standard: 'append_row',
  }),
  field('append_row_delimiter', 'Delimiter', 'text', { standard: 'by the file' }),
  field('append_row_header', 'Header', 'flag', { standard: 'by the file' }),
  field('visibility', 'Rows are kept by', 'choice', {
    options: ['members', 'keeper'],
    standard: 'members',
  }),
  field('allow_reuse', 'Reuse', 'flag', { standard: 'on' }),
  field('in_place', 'Open in place', 'flag', { standard: 'on' }),
  field('logging_level', 'Logging', 'choice', {
    options: ['DEBUG', 'INFO', 'WARNING'],
    standard: 'INFO',
  }),
]

/** A value as the box shows it. */
export const boxText = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(String).join(', ')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}

/** What a person wrote, as the job file wants it; undefined for an empty box. */
export const boxValue = ({ kind }: FormField, text: string): unknown => {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  if (kind === 'list') {
    const parts = trimmed.split(',').map((part) => part.trim())
    const values = parts.filter((part) => part !== '')
    if (values.every(isNumber)) return values.map(Number)
    // One word may be the path of a file with labels.
    return parts.length === 1 && /[/\\.]/.test(trimmed) ? trimmed : values
  }
  return isNumber(trimmed) ? Number(trimmed) : trimmed
}

const isNumber = (text: string): boolean => /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text)

/** What a value of the file's own fields must be, if it is not that; empty otherwise. */
export const refusalOf = ({ path }: FormField, value: unknown): string => {
  const [name, ...below] = path
  // Parameters of the file stand for values that are not known here.
  const isKnown = value !== undefined && !boxText(value).includes('${{')
  if (name === undefined || below.length > 0 || !isKnown || !hasRule(name)) return ''
  const checked = jobFileSchema.shape[name].safeParse(value)
  return checked.success ? '' : `Must be ${checked.error.issues[0]?.message ?? 'another value'}.`
}

const hasRule = (name: string): name is keyof typeof jobFileSchema.shape =>
  Object.hasOwn(jobFileSchema.shape, name)
