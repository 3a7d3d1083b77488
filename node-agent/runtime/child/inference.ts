import { Tensor } from 'onnxruntime-node'
import type { InferenceSession } from 'onnxruntime-node'
import type { Preprocess } from '#protocol/model/processing.ts'
import type { TensorDescription } from '#protocol/model/model.ts'
import type { MusterError } from '#protocol/errors.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { DevicePlan, DeviceChoice } from '../devices/providers.ts'
import { openSession } from '../devices/session.ts'
import type { DeviceSession } from '../devices/session.ts'
import { checkFit, chooseValue } from '../fit.ts'
import type { StartMessage } from '../messages.ts'
import { explainRun } from './ort-words.ts'
import type { BatchData } from './tensor-data.ts'

/** What a model gave for a batch. Item `i` has `data[i * itemLength]` and the `itemLength` after it. */
export interface Output {
  readonly type: string
  readonly data: ArrayLike<unknown>
  readonly itemLength: number
  /** Shape of one item's output. */
  readonly itemShape: readonly number[]
}

/** What one input of the model gets: items one after the other. */
export interface Batch {
  readonly data: BatchData
  /** Shape of one item, without the batch axis. */
  readonly itemShape: readonly number[]
}

/** A loaded model. */
export interface Inference {
  /** Items one inference must have; undefined: any number. */
  readonly fixedBatch: number | undefined
  /**
   * Runs `items` items (at most `fixedBatch`, if there is one) that stand at the beginning of each batch,
   * one for each input in the job's order. Resolves to the wanted outputs in their order, or to a sentence
   * when the model fails. Blocks the process while it computes.
   */
  readonly run: (batches: readonly Batch[], items: number) => Promise<readonly Output[] | string>
  /** A new plan of the agent for what computes. */
  readonly follow: (plan: DevicePlan) => Promise<void>
}

/** Loads a model and checks once more, against ONNX Runtime's own words, that it fits. */
export const loadInference = async (
  start: StartMessage,
  chosen: (choice: DeviceChoice) => void,
): Promise<Result<Inference, MusterError>> => {
  const classes = start.postprocess.every(({ kind }) => kind === 'argmax' || kind === 'top-k')
  const opened = await openSession({ ...start, classes, chosen })
  if (!opened.ok) return opened
  const session = opened.value
  const values = {
    inputs: session.inputs.map(describe),
    outputs: session.outputs.map(describe),
  }
  const fit = checkFit(start, values)
  if (!fit.ok) return fit
  const inputs = inputNames(start.preprocess).map((name) =>
    sure(chooseValue('input', name, values.inputs)),
  )
  const outputs = start.postprocess.map(
    ({ output }) => sure(chooseValue('output', output, values.outputs)).name,
  )
  const fixed = inputs.flatMap(({ shape }) => (typeof shape[0] === 'number' ? [shape[0]] : []))
  const fixedBatch = fixed[0]
  const run = createRun({ start, session, fixedBatch, inputs, outputs })
  return ok({ fixedBatch, run, follow: session.follow })
}

const inputNames = (preprocess: Preprocess): readonly (string | undefined)[] =>
  preprocess.decode === 'columns' ? preprocess.inputs.map(({ input }) => input) : [preprocess.input]

/** `checkFit` has looked for it already. */
const sure = (value: TensorDescription | string): TensorDescription => {
  if (typeof value === 'string') throw new Error(value)
  return value
}

const describe = (value: InferenceSession.ValueMetadata): TensorDescription =>
  value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape }
    : { name: value.name, type: 'not a tensor', shape: [] }

const createRun = (options: {
  readonly start: StartMessage
  readonly session: DeviceSession
  readonly fixedBatch: number | undefined
  readonly inputs: readonly TensorDescription[]
  readonly outputs: readonly string[]
}): Inference['run'] => {
  const { session, fixedBatch, inputs, outputs } = options
  return async (batches, items) => {
    const size = fixedBatch ?? items
    const feeds: Record<string, Tensor> = {}
    for (const [at, { name, shape }] of inputs.entries()) {
      const batch = batches[at]
      if (batch !== undefined) feeds[name] = toTensor(batch, size, shape.length)
    }
    try {
      const values = await session.run(feeds, outputs)
      const found: Output[] = []
      for (const name of outputs) {
        const value = values[name]
        if (value === undefined) return `The model gave no output "${name}".`
        const output = splitOutput(value, size, name)
        if (typeof output === 'string') return output
        found.push(output)
      }
      return found
    } catch (thrown) {
      return explainRun(options.start.modelName, thrown)
    }
  }
}

/** `axes` of the model's input, 0 if it does not tell: one column may go into an input of one axis. */
const toTensor = ({ data, itemShape }: Batch, size: number, axes: number): Tensor => {
  const flat = axes === 1 && itemShape.length === 1 && itemShape[0] === 1
  const shape = flat ? [size] : [size, ...itemShape]
  const length = itemShape.reduce((product, axis) => product * axis, size)
  if (Array.isArray(data)) return new Tensor('string', data.slice(0, length), shape)
  if (data instanceof Float32Array) return new Tensor('float32', data.subarray(0, length), shape)
  if (data instanceof Uint8Array) return new Tensor('uint8', data.subarray(0, length), shape)
  if (data instanceof Int8Array) return new Tensor('int8', data.subarray(0, length), shape)
  if (data instanceof Int32Array) return new Tensor('int32', data.subarray(0, length), shape)
  if (data instanceof Float64Array) return new Tensor('float64', data.subarray(0, length), shape)
  return new Tensor('int64', data.subarray(0, length), shape)
}

/** Checks that an output has one part for each item of its batch. */
const splitOutput = (output: Tensor, size: number, name: string): Output | string => {
  const { dims, data, type } = output
  const [first, ...rest] = dims
  const alone = size === 1 && first !== 1
  if (!alone && first !== size) {
    return `The model's output "${name}" is [${dims.join(', ')}] for a batch of ${size} items, so it cannot be told apart which number belongs to which: export the model with a batch axis first.`
  }
  return { type, data, itemLength: data.length / size, itemShape: alone ? dims : rest }
}
