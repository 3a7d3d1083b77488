import { writeFile } from 'node:fs/promises'
import { create, toBinary } from '@bufbuild/protobuf'
import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from 'onnx-buf'
import type { NodeProtoSchema, TensorProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'

/** Small ONNX models made here, so that no test needs Python. */

type Tensor = MessageInitShape<typeof TensorProtoSchema>
type Node = MessageInitShape<typeof NodeProtoSchema>
type Value = MessageInitShape<typeof ValueInfoProtoSchema>
/** A number, or the name of an axis left open. */
export type Dim = number | string

const elementTypes = {
  float32: TensorProto_DataType.FLOAT,
  uint8: TensorProto_DataType.UINT8,
  int64: TensorProto_DataType.INT64,
  float16: TensorProto_DataType.FLOAT16,
}
export type ElementType = keyof typeof elementTypes

export const valueOf = (name: string, type: ElementType, shape: readonly Dim[]): Value => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: elementTypes[type],
        shape: {
          dim: shape.map((dim) => ({
            value:
              typeof dim === 'number'
                ? { case: 'dimValue', value: BigInt(dim) }
                : { case: 'dimParam', value: dim },
          })),
        },
      },
    },
  },
})

export const weights = (name: string, dims: readonly number[], values: Float32Array): Tensor => ({
  name,
  dims: dims.map(BigInt),
  dataType: TensorProto_DataType.FLOAT,
  rawData: Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
})

/** A weight whose numbers are in another file. Locations may be anything: that is what is tested. */
export const externalWeights = (
  name: string,
  dims: readonly number[],
  ...locations: readonly string[]
): Tensor => ({
  name,
  dims: dims.map(BigInt),
  dataType: TensorProto_DataType.FLOAT,
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: locations.map((value) => ({ key: 'location', value })),
})

export interface ModelParts {
  readonly nodes: Node[]
  readonly inputs: Value[]
  readonly outputs: Value[]
  readonly weights?: Tensor[]
  readonly sparse?: { values: Tensor; indices: Tensor; dims: bigint[] }[]
  readonly opsets?: { domain: string; version: bigint }[]
  readonly functions?: { name: string; domain: string; node: Node[] }[]
}

export const modelBytes = (parts: ModelParts): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: 'muster-tests',
      producerVersion: '1',
      opsetImport: parts.opsets ?? [{ domain: '', version: 17n }],
      functions: (parts.functions ?? []).map((body) => ({
        ...body,
        opsetImport: [{ domain: '', version: 17n }],
      })),
      graph: {
        name: 'graph',
        node: parts.nodes,
        input: parts.inputs,
        output: parts.outputs,
        initializer: parts.weights ?? [],
        sparseInitializer: parts.sparse ?? [],
      },
    }),
  )

export interface ClassifierOptions {
  /** First axis of input and output; default the open axis `batch`. */
  readonly batch?: Dim
  readonly side?: number
  readonly channels?: number
  readonly classes?: number
  readonly layout?: 'NCHW' | 'NHWC'
  /** Times the batch is multiplied with a large square matrix: makes a run last. */
  readonly slow?: { readonly size: number; readonly rounds: number }
  /** Weights in a file beside the model. */
  readonly external?: string
}

/**
 * A picture classifier without training: class k is the mean of the picture's k-th stretch of numbers (of
 * `classes` equally long ones), plus k times 0.001 to break ties. So a white stripe gives away its place.
 */
export const stripeClassifier = (options: ClassifierOptions = {}): Uint8Array => {
  const { batch = 'batch', side = 8, channels = 1, classes = 4, layout = 'NCHW' } = options
  const shape = layout === 'NCHW' ? [batch, channels, side, side] : [batch, side, side, channels]
  const length = side * side * channels
  return modelBytes({
    nodes: [
      {
        opType: 'Flatten',
        input: ['image'],
        output: ['flat'],
        attribute: [intAttribute('axis', 1)],
      },
      { opType: 'MatMul', input: ['flat', 'w'], output: ['sums'] },
      {
        opType: 'Add',
        input: ['sums', 'b'],
        output: [options.slow === undefined ? 'scores' : 'fast'],
      },
      ...slowNodes(options.slow),
    ],
    inputs: [valueOf('image', 'float32', shape)],
    outputs: [valueOf('scores', 'float32', [batch, classes])],
    weights: [
      options.external === undefined
        ? weights('w', [length, classes], stripeWeights(length, classes))
        : externalWeights('w', [length, classes], options.external),
      weights(
        'b',
        [classes],
        Float32Array.from({ length: classes }, (_, k) => k * 0.001),
      ),
      ...slowWeights(options.slow),
    ],
  })
}

/** The matrix of `stripeClassifier`, as an external data file holds it. */
export const stripeWeights = (length: number, classes: number): Float32Array => {
  const matrix = new Float32Array(length * classes)
  for (let at = 0; at < length; at += 1) {
    const stripe = Math.floor((at * classes) / length)
    matrix[at * classes + stripe] = classes / length
  }
  return matrix
}

export const intAttribute = (name: string, value: number) => ({
  name,
  type: AttributeProto_AttributeType.INT,
  i: BigInt(value),
})

type Slow = ClassifierOptions['slow']

/** Powers of a square matrix of small numbers, whose sum times zero is added to the result. */
const slowNodes = (slow: Slow): Node[] => {
  if (slow === undefined) return []
  const rounds = Array.from({ length: slow.rounds }, (_, k) => ({
    opType: 'MatMul',
    input: [k === 0 ? 'seed' : `p${k - 1}`, 'q'],
    output: [`p${k}`],
  }))
  return [
    // Depends on the input, so that nothing is computed ahead when the model is loaded.
    {
      opType: 'ReduceSum',
      input: ['fast'],
      output: ['sum'],
      attribute: [intAttribute('keepdims', 0)],
    },
    { opType: 'Mul', input: ['sum', 'q'], output: ['seed'] },
    ...rounds,
    {
      opType: 'ReduceSum',
      input: [`p${slow.rounds - 1}`],
      output: ['total'],
      attribute: [intAttribute('keepdims', 0)],
    },
    { opType: 'Mul', input: ['total', 'zero'], output: ['nothing'] },
    { opType: 'Add', input: ['fast', 'nothing'], output: ['scores'] },
  ]
}

const slowWeights = (slow: Slow): Tensor[] =>
  slow === undefined
    ? []
    : [
        weights('q', [slow.size, slow.size], new Float32Array(slow.size ** 2).fill(1 / slow.size)),
        weights('zero', [], Float32Array.of(0)),
      ]

/** `y = x`, of any type and shape; for raw output and for outputs without a batch axis. */
export const identityModel = (type: ElementType, shape: readonly Dim[]): Uint8Array =>
  modelBytes({
    nodes: [{ opType: 'Identity', input: ['x'], output: ['y'] }],
    inputs: [valueOf('x', type, shape)],
    outputs: [valueOf('y', type, shape)],
  })

/** The mean picture of a batch: one output however many go in. */
export const meanPictureModel = (): Uint8Array =>
  modelBytes({
    nodes: [
      {
        opType: 'ReduceMean',
        input: ['x'],
        output: ['y'],
        attribute: [{ name: 'axes', type: AttributeProto_AttributeType.INTS, ints: [0n] }],
      },
    ],
    inputs: [valueOf('x', 'float32', ['n', 1, 8, 8])],
    outputs: [valueOf('y', 'float32', ['m', 1, 8, 8])],
  })

/** Adds two pictures. */
export const twoInputModel = (): Uint8Array =>
  modelBytes({
    nodes: [{ opType: 'Add', input: ['left', 'right'], output: ['sum'] }],
    inputs: ['left', 'right'].map((name) => valueOf(name, 'float32', ['batch', 1, 8, 8])),
    outputs: [valueOf('sum', 'float32', ['batch', 1, 8, 8])],
  })

/** Uses an operator that is not ONNX's, or one that does not exist at all. */
export const operatorModel = (domain: string, opType: string): Uint8Array =>
  modelBytes({
    nodes: [{ opType, domain, input: ['x'], output: ['y'] }],
    inputs: [valueOf('x', 'float32', ['batch', 1, 8, 8])],
    outputs: [valueOf('y', 'float32', ['batch', 4])],
    opsets: [{ domain: '', version: 17n }, ...(domain === '' ? [] : [{ domain, version: 1n }])],
  })

/** Matrices that cannot be multiplied: valid as a file, refused by a runtime. */
export const contradictoryModel = (): Uint8Array =>
  modelBytes({
    nodes: [
      { opType: 'Flatten', input: ['x'], output: ['flat'], attribute: [intAttribute('axis', 1)] },
      { opType: 'MatMul', input: ['flat', 'w'], output: ['y'] },
    ],
    inputs: [valueOf('x', 'float32', ['batch', 1, 8, 8])],
    outputs: [valueOf('y', 'float32', ['batch', 4])],
    weights: [weights('w', [63, 4], new Float32Array(63 * 4))],
  })

/** One pixel in, the number 1 out: all that a run of it costs is the way there and back. */
export const constantModel = (): Uint8Array =>
  modelBytes({
    nodes: [
      {
        opType: 'Flatten',
        input: ['pixel'],
        output: ['flat'],
        attribute: [intAttribute('axis', 1)],
      },
      { opType: 'Mul', input: ['flat', 'zero'], output: ['nothing'] },
      { opType: 'Add', input: ['nothing', 'one'], output: ['constant'] },
    ],
    inputs: [valueOf('pixel', 'float32', ['batch', 1, 1, 1])],
    outputs: [valueOf('constant', 'float32', ['batch', 1])],
    weights: [weights('zero', [], Float32Array.of(0)), weights('one', [], Float32Array.of(1))],
  })

export const writeConstantModel = async (path: string): Promise<string> =>
  await writeModel(path, constantModel())

export const writeModel = async (path: string, bytes: Uint8Array): Promise<string> => {
  await writeFile(path, bytes)
  return path
}
