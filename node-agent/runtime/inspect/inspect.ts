import { open } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ModelDescription } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { ModelFault, modelFault } from './fault.ts'
import { checkExternalFiles, findModelFile } from './files.ts'
import { applyRules } from './rules.ts'
import { readSkeleton } from './skeleton.ts'
import type { ModelSkeleton } from './skeleton.ts'
import { describeValue } from './tensor-types.ts'

export interface InspectedModel {
  readonly facts: ModelDescription
  /** Absolute path of the `.onnx`. */
  readonly path: string
  /** The `.onnx`, then its external data files, relative to its folder. */
  readonly files: readonly string[]
}

/** Reads what a model is without loading it into a runtime; see `ModelRuntime.inspect`. */
export const inspectModel = async (path: string): Promise<Result<InspectedModel, MusterError>> => {
  let file = path
  try {
    file = await findModelFile(path)
    return ok(await readModel(file))
  } catch (thrown) {
    return err(toError(file, thrown))
  }
}

const readModel = async (path: string): Promise<InspectedModel> => {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  if (size === 0) throw modelFault('ModelBroken', 'it is empty (0 bytes)')
  const skeleton = await readSkeleton(file, size)
  checkIsModel(skeleton)
  const external = applyRules(skeleton)
  const bytes = size + (await checkExternalFiles(dirname(path), external))
  return {
    facts: describeModel(skeleton, bytes),
    path: resolve(path),
    files: [basename(path), ...external],
  }
}

/** Protobuf has no signature: many files decode as a message with nothing in it. */
const checkIsModel = ({ model, graph }: ModelSkeleton): void => {
  if (model.irVersion < 1n || model.opsetImport.length === 0) {
    throw modelFault('ModelBroken', 'it has no ONNX version in it')
  }
  if (graph.output.length === 0) throw modelFault('ModelBroken', 'its graph has no output')
}

const describeModel = (skeleton: ModelSkeleton, bytes: number): ModelDescription => {
  const { model, graph, tensors } = skeleton
  const weights = new Set(tensors.map((tensor) => tensor.name))
  for (const sparse of graph.sparseInitializer) weights.add(sparse.values?.name ?? '')
  const standard = model.opsetImport.find((set) => set.domain === '' || set.domain === 'ai.onnx')
  const dense = tensors.map((tensor) => tensor.dims)
  const sparse = graph.sparseInitializer.map((tensor) => tensor.values?.dims ?? [])
  return {
    // Before IR version 4 every weight had to be listed as an input too.
    inputs: graph.input.filter((input) => !weights.has(input.name)).map(describeValue),
    outputs: graph.output.map(describeValue),
    opset: Number(standard?.version ?? model.opsetImport[0]?.version ?? 0n),
    producer: [model.producerName, model.producerVersion].filter((word) => word !== '').join(' '),
    parameters: [...dense, ...sparse].reduce((sum, dims) => sum + product(dims), 0),
    bytes,
  }
}

const product = (dims: readonly bigint[]): number => dims.reduce((all, dim) => all * Number(dim), 1)

const toError = (file: string, thrown: unknown): MusterError => {
  if (!(thrown instanceof ModelFault)) {
    const words = thrown instanceof Error ? thrown.message : String(thrown)
    const sentence = `The model "${file}" cannot be read: check that the file may be opened.`
    return musterError('ModelBroken', sentence, { detail: words })
  }
  const extra = thrown.detail === undefined ? {} : { detail: thrown.detail }
  return musterError(
    thrown.code,
    `${openings[thrown.code] ?? fallback} "${file}": ${thrown.message}.`,
    extra,
  )
}

const fallback = 'This model cannot be used:'
const openings: Readonly<Partial<Record<ModelFault['code'], string>>> = {
  ModelMissing: 'No model was found at',
  ModelBroken: 'This is not a usable ONNX model:',
  ModelRefused: 'This model is refused:',
  ModelTooLarge: 'This model is too large:',
}
