import { InferenceSession } from 'onnxruntime-node'
import type { Tensor } from 'onnxruntime-node'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { providersFor } from '../../devices.ts'
import type { TensorFacts } from '../../script/words.ts'
import { explainLoad, explainRun } from '../ort-words.ts'
import { Refusal, ownTensor } from './tensors.ts'

/** A model whose inputs a script fills. */
export interface ScriptModel {
  readonly inputs: readonly TensorFacts[]
  readonly outputs: readonly TensorFacts[]
  /** Outputs in the order of `outputs`. @throws Refusal in a sentence when it fails */
  readonly run: (feeds: Readonly<Record<string, Tensor>>) => Promise<readonly Tensor[]>
}

export const loadScriptModel = async (model: {
  readonly modelName: string
  readonly modelPath: string
  readonly threads: number
  readonly device: string
}): Promise<Result<ScriptModel, MusterError>> => {
  let session: InferenceSession
  try {
    session = await InferenceSession.create(model.modelPath, {
      executionProviders: [...providersFor(model.device)],
      intraOpNumThreads: model.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Spinning threads take the processor from the owner of the machine while they wait.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    })
  } catch (thrown) {
    return err(explainLoad(model.modelName, thrown))
  }
  const outputs = session.outputMetadata.map(describe)
  return ok({
    inputs: session.inputMetadata.map(describe),
    outputs,
    run: async (feeds) => {
      checkFeeds(session.inputNames, feeds)
      // No items: what a batch of bad pictures leaves. Models refuse an empty batch, scripts need not.
      if (Object.values(feeds).some(({ dims }) => dims[0] === 0))
        return outputs.map(() => ownTensor('float32', [0], new Uint8Array(0)))
      try {
        const made = await session.run({ ...feeds })
        return outputs.flatMap(({ name }) => made[name] ?? [])
      } catch (thrown) {
        throw new Refusal(explainRun(model.modelName, thrown))
      }
    },
  })
}

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
