// Writes model/find-digit.onnx, which says where on a sheet a digit is; not needed to run the job.
//
//   node tools/pinned-node.mjs examples/two-models/finder.ts
//
// Nothing is learnt: ink counts for a window the more, the nearer to its middle it is, so that the window
// whose middle is the ink's centre of mass has the highest number. That is how MNIST's digits were centred.
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { create, toBinary } from '@bufbuild/protobuf'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf'
import type { ValueInfoProtoSchema } from 'onnx-buf'
import { digitSide } from '../mnist/digits.ts'

const path = fileURLToPath(new URL('model/find-digit.onnx', import.meta.url))
const sheetSide = 84
const step = 2
const windows = (sheetSide - digitSide) / step + 1

/** Half a digit's side squared, twice: what no pixel of a window is away from its middle. */
const farthest = (digitSide / 2) ** 2 * 2

const weights = Float32Array.from({ length: digitSide * digitSide }, (_, at) => {
  const [x, y] = [at % digitSide, Math.floor(at / digitSide)]
  const middle = digitSide / 2
  return (farthest + 8 - (x - middle) ** 2 - (y - middle) ** 2) / farthest
})

const tensor = (
  name: string,
  axes: readonly number[],
): MessageInitShape<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: TensorProto_DataType.FLOAT,
        shape: {
          dim: [
            { value: { case: 'dimParam', value: 'batch' } },
            ...axes.map((size) => ({ value: { case: 'dimValue' as const, value: BigInt(size) } })),
          ],
        },
      },
    },
  },
})

const pair = (name: string, value: number) => ({
  name,
  type: AttributeProto_AttributeType.INTS,
  ints: [BigInt(value), BigInt(value)],
})

const model = create(ModelProtoSchema, {
  irVersion: 8n,
  producerName: 'muster-examples',
  opsetImport: [{ domain: '', version: 17n }],
  graph: {
    name: 'find-digit',
    node: [
      {
        opType: 'Conv',
        input: ['sheet', 'weights'],
        output: ['map'],
        attribute: [pair('kernel_shape', digitSide), pair('strides', step)],
      },
      { opType: 'Flatten', input: ['map'], output: ['likely'] },
    ],
    input: [tensor('sheet', [1, sheetSide, sheetSide])],
    output: [tensor('likely', [windows * windows])],
    initializer: [
      {
        name: 'weights',
        dims: [1n, 1n, BigInt(digitSide), BigInt(digitSide)],
        dataType: TensorProto_DataType.FLOAT,
        rawData: new Uint8Array(weights.buffer),
      },
    ],
  },
})
await mkdir(fileURLToPath(new URL('model', import.meta.url)), { recursive: true })
await writeFile(path, toBinary(ModelProtoSchema, model))
console.log(`wrote ${path}`)
