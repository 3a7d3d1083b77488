import type { BlobHash, Millis, PeerId } from './ids.ts'

/** One file of a model: the `.onnx` first, then its external data files. */
export interface ModelFile {
  /** Path relative to the model's folder, with `/`, never leaving it. */
  readonly path: string
  readonly blob: BlobHash
  readonly bytes: number
}

/** One input or output of a model. A dimension is a number, or the name of an axis left open. */
export interface TensorDescription {
  readonly name: string
  /** ONNX Runtime's word: `float32`, `uint8`, `int64`, ... */
  readonly type: string
  readonly shape: readonly (number | string)[]
}

/** What was read from a model's file before it was let near a runtime. */
export interface ModelDescription {
  readonly inputs: readonly TensorDescription[]
  readonly outputs: readonly TensorDescription[]
  readonly opset: number
  readonly producer: string
  readonly parameters: number
  readonly bytes: number
}

/** A registered model: a name, a version that counts from 1, and the bytes behind it. */
export interface Model {
  readonly name: string
  readonly version: number
  readonly files: readonly ModelFile[]
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  readonly facts: ModelDescription
  readonly registeredBy: PeerId
  readonly registeredAt: Millis
}

/** One of several models of a job, which its script knows by a name of its own. */
export interface NamedModel extends ModelReference {
  /** What the script asks for: `context.session(alias)`. Unique in its job. */
  readonly alias: string
}

/** A model as a job names it: pinned to a version and to bytes, so that all workers agree. */
export interface ModelReference {
  readonly name: string
  readonly version: number
  readonly files: readonly ModelFile[]
}
