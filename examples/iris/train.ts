// Trains the classifier of this example and writes model/iris.onnx; not needed to run the job.
//
//   node tools/pinned-node.mjs examples/iris/train.ts
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { create, toBinary } from '@bufbuild/protobuf'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataType } from 'onnx-buf'
import type { GraphProtoSchema, TensorProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'
import { isForTraining, readFlowers, species } from './flowers.ts'
import type { Flower } from './flowers.ts'

const path = fileURLToPath(new URL('model/iris.onnx', import.meta.url))
const sizes = 4
const classes = species.length
const steps = 3_000
const rate = 0.5

/** Logits are `flower * weights + bias`; `weights` is [4, 3], row by row. */
interface Classifier {
  readonly weights: Float32Array
  readonly bias: Float32Array
}

const softmax = (logits: readonly number[]): number[] => {
  const top = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - top))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

const logitsOf = ({ weights, bias }: Classifier, flower: Flower): number[] =>
  Array.from({ length: classes }, (_, c) =>
    flower.sizes.reduce((sum, x, i) => sum + x * (weights[i * classes + c] ?? 0), bias[c] ?? 0),
  )

/** Softmax regression by plain gradient descent from zero: the same weights on every machine. */
const train = (flowers: readonly Flower[]): Classifier => {
  const result = { weights: new Float32Array(sizes * classes), bias: new Float32Array(classes) }
  for (let step = 0; step < steps; step += 1) {
    const ofWeights = new Float64Array(sizes * classes)
    const ofBias = new Float64Array(classes)
    for (const flower of flowers) {
      const chances = softmax(logitsOf(result, flower))
      for (const [c, chance] of chances.entries()) {
        const error = chance - (species[c] === flower.species ? 1 : 0)
        ofBias[c] = (ofBias[c] ?? 0) + error
        for (const [i, x] of flower.sizes.entries())
          ofWeights[i * classes + c] = (ofWeights[i * classes + c] ?? 0) + error * x
      }
    }
    const scale = rate / flowers.length / 10
    ofWeights.forEach((slope, i) => (result.weights[i] = (result.weights[i] ?? 0) - slope * scale))
    ofBias.forEach((slope, c) => (result.bias[c] = (result.bias[c] ?? 0) - slope * scale))
  }
  return result
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

const floats = (
  name: string,
  dims: readonly number[],
  values: Float32Array,
): MessageInitShape<typeof TensorProtoSchema> => ({
  name,
  dims: dims.map(BigInt),
  dataType: TensorProto_DataType.FLOAT,
  rawData: Uint8Array.from(bytesOf(values)),
})

/** A float32 tensor of open batch size. */
const rows = (name: string, width: number): MessageInitShape<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: TensorProto_DataType.FLOAT,
        shape: {
          dim: [
            { value: { case: 'dimParam', value: 'batch' } },
            { value: { case: 'dimValue', value: BigInt(width) } },
          ],
        },
      },
    },
  },
})

const graphOf = ({ weights, bias }: Classifier): MessageInitShape<typeof GraphProtoSchema> => ({
  name: 'iris',
  node: [
    { opType: 'MatMul', input: ['flower', 'weights'], output: ['products'] },
    { opType: 'Add', input: ['products', 'bias'], output: ['logits'] },
  ],
  input: [rows('flower', sizes)],
  output: [rows('logits', classes)],
  initializer: [floats('weights', [sizes, classes], weights), floats('bias', [classes], bias)],
})

const toOnnx = (classifier: Classifier): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: 'muster-examples',
      opsetImport: [{ domain: '', version: 17n }],
      graph: graphOf(classifier),
    }),
  )

const flowers = readFlowers()
const classifier = train(flowers.filter((_, index) => isForTraining(index)))
const unseen = flowers.filter((_, index) => !isForTraining(index))
const right = unseen.filter((flower) => {
  const logits = logitsOf(classifier, flower)
  return species[logits.indexOf(Math.max(...logits))] === flower.species
})
await mkdir(fileURLToPath(new URL('model', import.meta.url)), { recursive: true })
await writeFile(path, toOnnx(classifier))
console.log(`${right.length} of ${unseen.length} flowers it had not seen are right; wrote ${path}`)
