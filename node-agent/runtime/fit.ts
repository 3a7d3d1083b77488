import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type {
  ColumnsInput,
  ImagePreprocess,
  Postprocess,
  Preprocess,
  TensorPreprocess,
} from '#protocol/model/processing.ts'
import type { ModelDescription, TensorDescription } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** The two halves of a job that must fit a model. */
export interface Processing {
  readonly preprocess: Preprocess
  readonly postprocess: readonly Postprocess[]
}

type Values = Pick<ModelDescription, 'inputs' | 'outputs'>

/** Checks that pre- and postprocessing fit the model; the error is `ModelMismatch` and names both sides. */
export const checkFit = (spec: Processing, model: Values): Result<void, MusterError> => {
  const problem = inputProblem(spec.preprocess, model) ?? outputsProblem(spec.postprocess, model)
  if (problem === undefined) return ok(undefined)
  return err(musterError('ModelMismatch', `Job and model do not fit: ${problem}.`))
}

/** The input that preprocessing feeds, or why there is none. */
export const chooseValue = (
  kind: 'input' | 'output',
  wanted: string | undefined,
  values: readonly TensorDescription[],
): TensorDescription | string => {
  const names = values.map((value) => `"${value.name}"`).join(', ')
  const [first] = values
  if (first === undefined) return `the model has no ${kind}`
  if (wanted !== undefined) {
    const found = values.find((value) => value.name === wanted)
    return found ?? `the job names the ${kind} "${wanted}", but the model has ${names}`
  }
  if (values.length === 1) return first
  const field = kind === 'input' ? 'preprocess' : 'postprocess'
  return `the model has ${values.length} ${kind}s (${names}), so ${field}.${kind} must name one`
}

const inputProblem = (preprocess: Preprocess, model: Values): string | undefined => {
  if (preprocess.decode === 'columns') return columnsProblem(preprocess.inputs, model)
  const input = chooseValue('input', preprocess.input, model.inputs)
  if (typeof input === 'string') return input
  if (model.inputs.length > 1) {
    const others = model.inputs.filter((value) => value !== input).map((value) => `"${value.name}"`)
    return `preprocess feeds only "${input.name}", but the model also wants ${others.join(', ')}`
  }
  const name = `the model's input "${input.name}"`
  if (input.type !== preprocess.dtype) {
    return `preprocess gives ${preprocess.dtype}, but ${name} takes ${input.type}`
  }
  // A shape that the file does not tell at all can only be tried.
  if (input.shape.length === 0) return undefined
  if (preprocess.decode === 'tensor') return tensorProblem(preprocess, name, input.shape)
  if (input.shape.length !== 4) {
    return `preprocess gives images of 4 axes (${axisNames(preprocess)}), but ${name} has ${input.shape.length}: ${shapeText(input.shape)}`
  }
  return shapeProblem(preprocess, name, input.shape)
}

const tensorProblem = (
  { shape }: TensorPreprocess,
  name: string,
  wanted: TensorDescription['shape'],
): string | undefined => {
  const axes = wanted.slice(1)
  const fits =
    axes.length === shape.length &&
    shape.every((size, index) => typeof axes[index] !== 'number' || axes[index] === size)
  return fits
    ? undefined
    : `preprocess gives tensors of ${shapeText(shape)} behind the batch axis, but ${name} wants ${shapeText(wanted)}`
}

/** Each input of the model is fed by columns of its own. */
const columnsProblem = (inputs: readonly ColumnsInput[], model: Values): string | undefined => {
  const fed = new Set<string>()
  for (const columns of inputs) {
    const input = chooseValue('input', columns.input, model.inputs)
    if (typeof input === 'string') return input
    if (fed.has(input.name)) return `the model's input "${input.name}" is fed twice`
    fed.add(input.name)
    const problem = columnsInputProblem(columns, input)
    if (problem !== undefined) return problem
  }
  const others = model.inputs.filter((value) => !fed.has(value.name))
  if (others.length === 0) return undefined
  const names = others.map((value) => `"${value.name}"`).join(', ')
  return `no columns go into ${names}: name them in preprocess.inputs`
}

const columnsInputProblem = (
  { columns, dtype }: ColumnsInput,
  input: TensorDescription,
): string | undefined => {
  const name = `the model's input "${input.name}"`
  if (input.type !== dtype) return `preprocess gives ${dtype}, but ${name} takes ${input.type}`
  if (input.shape.length > 2)
    return `columns give one number after the other, but ${name} wants ${shapeText(input.shape)}`
  const wanted = input.shape.length === 1 ? 1 : input.shape[1]
  if (typeof wanted !== 'number' || columns.length === 0 || columns.length === wanted)
    return undefined
  return `preprocess names ${columns.length} columns, but ${name} wants ${wanted} (${shapeText(input.shape)})`
}

const shapeProblem = (
  preprocess: ImagePreprocess,
  name: string,
  shape: TensorDescription['shape'],
): string | undefined => {
  const given = itemShape(preprocess)
  const names = axisNames(preprocess).split(', ').slice(1)
  for (const [index, size] of given.entries()) {
    const wanted = shape[index + 1]
    if (typeof wanted !== 'number' || wanted === size) continue
    const hint = hintFor(preprocess, shape)
    return `preprocess gives ${names[index]} ${size}, but ${name} wants ${wanted} there (${shapeText(shape)} in ${preprocess.layout})${hint}`
  }
  return undefined
}

/** The commonest slip: the right sizes in the other layout. */
const hintFor = (preprocess: ImagePreprocess, shape: TensorDescription['shape']): string => {
  const layout = preprocess.layout === 'NCHW' ? 'NHWC' : 'NCHW'
  const other = itemShape({ ...preprocess, layout })
  const fits = other.every(
    (size, index) => typeof shape[index + 1] !== 'number' || shape[index + 1] === size,
  )
  return fits ? `; layout ${layout} would fit` : ''
}

const outputsProblem = (outputs: readonly Postprocess[], model: Values): string | undefined => {
  for (const output of outputs) {
    const problem = outputProblem(output, model)
    if (problem !== undefined) return problem
  }
  return undefined
}

const outputProblem = (postprocess: Postprocess, model: Values): string | undefined => {
  const output = chooseValue('output', postprocess.output, model.outputs)
  if (typeof output === 'string') return output
  const name = `the model's output "${output.name}"`
  if (!outputTypes.has(output.type))
    return `rows cannot be made of ${name}, which is ${output.type}`
  if (postprocess.kind === 'raw') return undefined
  if (output.type === 'string' || output.type === 'bool') {
    return `${postprocess.kind} needs numbers, but ${name} is ${output.type}: use raw`
  }
  if (postprocess.kind === 'embedding') return undefined
  return classProblem(postprocess, name, output.shape) ?? labelProblem(postprocess.labels)
}

const classProblem = (
  postprocess: Postprocess,
  name: string,
  shape: TensorDescription['shape'],
): string | undefined => {
  const axes = shape.slice(1).filter((size) => size !== 1)
  if (axes.length > 1) {
    return `${postprocess.kind} needs one number a class, but ${name} is ${shapeText(shape)}: use raw`
  }
  if (shape.length === 0) return undefined
  const [classes] = shape.length === 1 ? [1] : axes.length === 0 ? [1] : axes
  // One number an item is one class that is there or not.
  if (classes === 1 && postprocess.kind !== 'threshold') {
    return `${postprocess.kind} needs several classes, but ${name} (${shapeText(shape)}) has one number an item: use raw`
  }
  if (typeof classes === 'number' && postprocess.labels.length > classes) {
    return `the job has ${postprocess.labels.length} labels, but ${name} has ${classes} classes`
  }
  return undefined
}

const labelProblem = (labels: readonly string[]): string | undefined => {
  const seen = new Set<string>()
  for (const label of labels) {
    if (seen.has(label)) return `the label "${label}" stands twice`
    seen.add(label)
  }
  return undefined
}

/** Types of which rows can be made. */
const outputTypes: ReadonlySet<string> = new Set(
  'float32 float64 float16 int8 uint8 int16 uint16 int32 uint32 int64 uint64 bool string'.split(
    ' ',
  ),
)

export const channelCount = (preprocess: ImagePreprocess): number =>
  preprocess.channels === 'gray' ? 1 : 3

/** Shape of one item, without the batch axis. */
export const itemShape = (preprocess: ImagePreprocess): readonly number[] => {
  const { width, height, layout } = preprocess
  const channels = channelCount(preprocess)
  return layout === 'NCHW' ? [channels, height, width] : [height, width, channels]
}

const axisNames = (preprocess: ImagePreprocess): string =>
  preprocess.layout === 'NCHW' ? 'batch, channels, height, width' : 'batch, height, width, channels'

const shapeText = (shape: readonly (number | string)[]): string => `[${shape.join(', ')}]`
