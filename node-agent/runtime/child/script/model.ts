import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { MusterError } from '#protocol/errors.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { DeviceChoice, DevicePlan } from '../../devices/providers.ts'
import { openSession } from '../../devices/session.ts'
import type { TensorFacts } from '../../script/words.ts'
import { explainRun } from '../ort-words.ts'
import { Refusal, ownTensor } from './tensors.ts'

/** A model whose inputs a script fills. */
export interface ScriptModel {
  readonly inputs: readonly TensorFacts[]
  readonly outputs: readonly TensorFacts[]
  /** Outputs in the order of `outputs`. @throws Refusal in a sentence when it fails */
  readonly run: (feeds: Readonly<Record<string, Tensor>>) => Promise<readonly Tensor[]>
  /** A new plan of the agent for what computes. */
  readonly follow: (plan: DevicePlan) => Promise<void>
}

export const loadScriptModel = async (model: {
  readonly modelName: string
  readonly modelPath: string
  readonly threads: number
  readonly plan: DevicePlan
  readonly chosen: (choice: DeviceChoice) => void
}): Promise<Result<ScriptModel, MusterError>> => {
  // What a script does with the numbers is not known: they must agree as numbers.
  const opened = await openSession({ ...model, classes: false })
  if (!opened.ok) return opened
  const session = opened.value
  const inputNames = session.inputs.map(({ name }) => name)
  const outputs = session.outputs.map(describe)
  return ok({
    inputs: session.inputs.map(describe),
    outputs,
    follow: session.follow,
    run: async (feeds) => {
      checkFeeds(inputNames, feeds)
      // No items: what a batch of bad pictures leaves. Models refuse an empty batch, scripts need not.
      if (Object.values(feeds).some(({ dims }) => dims[0] === 0))
        return outputs.map(({ shape }) => ownTensor('float32', emptied(shape), new Uint8Array(0)))
      try {
        const made = await session.run({ ...feeds })
        return outputs.flatMap(({ name }) => made[name] ?? [])
      } catch (thrown) {
        throw new Refusal(explainRun(model.modelName, thrown))
      }
    },
  })
}

/** The shape of an output for no items; open axes count as 1. */
const emptied = (shape: TensorFacts['shape']): readonly number[] => [
  0,
  ...shape.slice(1).map((size) => (typeof size === 'number' ? size : 1)),
]

const describe = (value: InferenceSession.ValueMetadata): TensorFacts =>
  value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape }
    : { name: value.name, type: 'not a tensor', shape: [] }

const checkFeeds = (inputs: readonly string[], feeds: Readonly<Record<string, Tensor>>): void => {
  const given = Object.keys(feeds)
  const unknown = given.find((name) => !inputs.includes(name))
  const missing = inputs.find((name) => !given.includes(name))
  const names = inputs.map((name) => `"${name}"`).join(', ')
  if (unknown !== undefined)
    throw new Refusal(`The model has no input "${unknown}": it takes ${names}.`)
  if (missing !== undefined)
    throw new Refusal(`session.run was given no "${missing}": the model takes ${names}.`)
}
