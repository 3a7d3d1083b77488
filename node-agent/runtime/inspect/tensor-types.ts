import type { TypeProto, ValueInfoProto } from 'onnx-buf'
import type { TensorDescription } from '#protocol/model/model.ts'

/** ONNX Runtime's words for `TensorProto.DataType`, by its numbers. */
const words: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  21: 'uint4',
  22: 'int4',
}

/** An axis without a number and without a name. */
const unnamedAxis = '?'

/** Name, type and shape of a model's input or output; what is no tensor has its kind as type and no shape. */
export const describeValue = (value: ValueInfoProto): TensorDescription => {
  const tensor = tensorOf(value.type)
  if (tensor === undefined) {
    return { name: value.name, type: kindOf(value.type), shape: [] }
  }
  const shape = (tensor.shape?.dim ?? []).map((dimension) => {
    switch (dimension.value.case) {
      case 'dimValue':
        return Number(dimension.value.value)
      case 'dimParam':
        return dimension.value.value === '' ? unnamedAxis : dimension.value.value
      default:
        return unnamedAxis
    }
  })
  return { name: value.name, type: words[tensor.elemType] ?? `type ${tensor.elemType}`, shape }
}

const tensorOf = (type: TypeProto | undefined) =>
  type?.value.case === 'tensorType' ? type.value.value : undefined

/** `sequence`, `map`, `optional`, `sparseTensor` or `unknown`. */
const kindOf = (type: TypeProto | undefined): string =>
  (type?.value.case ?? 'unknown').replace(/Type$/, '')
