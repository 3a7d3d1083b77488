/** A model's input or output as far as a suggestion needs it. */
export interface ValueFacts {
  readonly name: string
  readonly type: string
  /** Numbers, and names of open axes; the batch axis first. */
  readonly shape: readonly (number | string)[]
}

/** Fields of a job file that a model's own inputs and outputs suggest. */
export interface SuggestedJob {
  readonly preprocess?: Readonly<Record<string, unknown>>
  readonly postprocess: Readonly<Record<string, unknown>>
}

/** Side of a picture where the model leaves it open: the commonest by far. */
const usualSide = 224
const mostClasses = 5

/**
 * Suggests how items go into a model with one input, and what becomes of its first output. A text is the
 * reason why nothing can be suggested, one sentence. `isTable`: the items are records.
 */
export const suggestJob = (
  model: { readonly inputs: readonly ValueFacts[]; readonly outputs: readonly ValueFacts[] },
  isTable: boolean,
): SuggestedJob | string => {
  const [input, second] = model.inputs
  const [output, otherOutput] = model.outputs
  if (input === undefined || output === undefined) return 'The model has no inputs or no outputs.'
  if (second !== undefined)
    return `The model has ${model.inputs.length} inputs: say in a job file what goes into each, and try that.`
  const preprocess = isTable ? columnsOf(input) : (imageOf(input) ?? tensorOf(input))
  if (typeof preprocess === 'string') return preprocess
  return {
    ...(preprocess === undefined ? {} : { preprocess }),
    postprocess: {
      ...rowOf(output),
      ...(otherOutput === undefined ? {} : { output: output.name }),
    },
  }
}

const columnsOf = ({ name, type, shape }: ValueFacts) =>
  shape.length <= 2
    ? { decode: 'columns', dtype: type }
    : `The model's input "${name}" has ${shape.length} axes, but a record of a table is a list: try files.`

/** Four axes with one or three channels in front or behind are a picture. */
const imageOf = ({ type, shape }: ValueFacts) => {
  if (shape.length !== 4 || (type !== 'float32' && type !== 'uint8')) return undefined
  const [, first, , last] = shape
  const layout = isChannels(first) ? 'NCHW' : isChannels(last) ? 'NHWC' : undefined
  if (layout === undefined) return undefined
  const [height, width] = layout === 'NCHW' ? shape.slice(2) : shape.slice(1, 3)
  const channels = layout === 'NCHW' ? first : last
  return {
    width: typeof width === 'number' ? width : usualSide,
    height: typeof height === 'number' ? height : usualSide,
    channels: channels === 1 ? 'gray' : 'rgb',
    layout,
    dtype: type,
    ...(type === 'float32' ? { scale: 1 / 255 } : {}),
  }
}

const isChannels = (size: number | string | undefined): boolean => size === 1 || size === 3

const tensorOf = ({ name, type, shape }: ValueFacts) => {
  const axes = shape.slice(1)
  if (shape.length > 0 && axes.every((size) => typeof size === 'number'))
    return { shape: axes, dtype: type }
  return `The model leaves the shape of its input "${name}" open ([${shape.join(', ')}]): say in a job file what the files are, and try that.`
}

const rowOf = ({ shape }: ValueFacts) => {
  const classes = shape.length === 2 ? shape[1] : undefined
  return typeof classes === 'number' && classes > 1
    ? { kind: 'top-k', k: Math.min(mostClasses, classes) }
    : { kind: 'raw' }
}
