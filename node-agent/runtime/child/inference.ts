import { Tensor } from 'onnxruntime-node'
import type { InferenceSession } from 'onnxruntime-node'
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
import type { TensorData, TensorWriter } from './tensor-writer.ts'

/** What a model gave for a batch. Item `i` has `data[i * itemLength]` and the `itemLength` after it. */
export interface Output {
  readonly type: string
  readonly data: ArrayLike<unknown>
  readonly itemLength: number
  /** Shape of one item's output. */
  readonly itemShape: readonly number[]
}

/** A loaded model. */
export interface Inference {
  /** Items one inference must have; undefined: any number. */
  readonly fixedBatch: number | undefined
  /**
   * Runs `items` items (at most `fixedBatch`, if there is one) that stand at the beginning of `batch`.
   * Resolves to a sentence when the model fails. Blocks the process while it computes.
   */
  readonly run: (batch: TensorData, items: number) => Promise<Output | string>
  /** A new plan of the agent for what computes. */
  readonly follow: (plan: DevicePlan) => Promise<void>
}

/** Loads a model and checks once more, against ONNX Runtime's own words, that it fits. */
export const loadInference = async (
  start: StartMessage,
  writer: TensorWriter,
  chosen: (choice: DeviceChoice) => void,
): Promise<Result<Inference, MusterError>> => {
  const classes = start.postprocess.kind === 'argmax' || start.postprocess.kind === 'top-k'
  const opened = await openSession({ ...start, classes, chosen })
  if (!opened.ok) return opened
  const session = opened.value
  const values = {
    inputs: session.inputs.map(describe),
    outputs: session.outputs.map(describe),
  }
  const fit = checkFit(start, values)
  if (!fit.ok) return fit
  const input = chooseValue('input', start.preprocess.input, values.inputs)
  const output = chooseValue('output', start.postprocess.output, values.outputs)
  if (typeof input === 'string' || typeof output === 'string') throw new Error('checkFit missed it')
  const [first] = input.shape
  const fixedBatch = typeof first === 'number' ? first : undefined
  const run = createRun({
    start,
    writer,
    session,
    fixedBatch,
    input: input.name,
    output: output.name,
  })
  return ok({ fixedBatch, run, follow: session.follow })
}

const describe = (value: InferenceSession.ValueMetadata): TensorDescription =>
  value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape }
    : { name: value.name, type: 'not a tensor', shape: [] }

const createRun = (options: {
  readonly start: StartMessage
  readonly writer: TensorWriter
  readonly session: DeviceSession
  readonly fixedBatch: number | undefined
  readonly input: string
  readonly output: string
}): Inference['run'] => {
  const { writer, session, fixedBatch } = options
  const fetches = [options.output]
  return async (batch, items) => {
    const size = fixedBatch ?? items
    const data = batch.subarray(0, size * writer.itemLength)
    const shape = [size, ...writer.itemShape]
    try {
      const feeds = { [options.input]: toTensor(data, shape) }
      const output = (await session.run(feeds, fetches))[options.output]
      if (output === undefined) return 'The model gave no output.'
      return splitOutput(output, size, options.output)
    } catch (thrown) {
      return explainRun(options.start.modelName, thrown)
    }
  }
}

const toTensor = (data: TensorData, shape: readonly number[]): Tensor =>
  data instanceof Float32Array
    ? new Tensor('float32', data, shape)
    : new Tensor('uint8', data, shape)

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
