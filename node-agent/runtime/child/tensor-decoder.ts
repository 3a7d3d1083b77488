import type { TensorPreprocess, TensorType } from '#protocol/model/processing.ts'
import { allocate, bytesOfType } from './tensor-data.ts'
import type { TensorData } from './tensor-data.ts'
import type { TensorWriter } from './tensor-writer.ts'

/** Numbers of a file, not yet read: where they begin, of which type they are. */
export interface StoredTensor {
  readonly view: DataView
  readonly type: TensorType
  /** Numbers, as many as the shape asks for. */
  readonly count: number
}

export interface TensorDecoder {
  readonly decode: (bytes: Uint8Array) => StoredTensor | string
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** NumPy's words for little-endian numbers; those of one byte have no order. */
const numpyTypes: Readonly<Record<string, TensorType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<i8': 'int64',
  '<i4': 'int32',
  '|i1': 'int8',
  '|u1': 'uint8',
}

/** Takes `.npy` files, and files that are nothing but the numbers. Problems are ends of a sentence. */
export const createTensorDecoder = (preprocess: TensorPreprocess): TensorDecoder => {
  const { shape, dtype } = preprocess
  const count = shape.reduce((product, axis) => product * axis, 1)
  return {
    decode: (bytes) => {
      const isNumpy = magic.every((byte, at) => bytes[at] === byte)
      const found = isNumpy ? readNumpy(bytes, shape) : { type: dtype, start: 0 }
      if (typeof found === 'string') return found
      const wanted = count * bytesOfType[found.type]
      const there = bytes.length - found.start
      if (there !== wanted)
        return `holds ${there} bytes of numbers, but ${count} of type ${found.type} are ${wanted}`
      const view = new DataView(bytes.buffer, bytes.byteOffset + found.start, wanted)
      return { view, type: found.type, count }
    },
  }
}

/** The header is Python text: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. */
const readNumpy = (
  bytes: Uint8Array,
  shape: readonly number[],
): { readonly type: TensorType; readonly start: number } | string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 12) return 'is a .npy file that ends within its header'
  const long = (bytes[6] ?? 1) > 1
  const start = long ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true)
  if (start > bytes.length) return 'is a .npy file that ends within its header'
  const header = Buffer.from(bytes.subarray(long ? 12 : 10, start)).toString('latin1')
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? ''
  const type = numpyTypes[descr]
  if (type === undefined)
    return `is a .npy file of type "${descr}": save it as one of ${Object.keys(numpyTypes).join(', ')}`
  if (/'fortran_order':\s*True/.test(header))
    return 'is a .npy file in Fortran order: save it with numpy.ascontiguousarray'
  const axes = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]?.match(/\d+/g)?.map(Number) ?? []
  // One item may have a batch axis of its own.
  const own = axes.length === shape.length + 1 && axes[0] === 1 ? axes.slice(1) : axes
  const fits = own.length === shape.length && own.every((axis, at) => axis === shape[at])
  if (!fits) return `has the shape [${axes.join(', ')}], but the job says [${shape.join(', ')}]`
  return { type, start }
}

/** Converts and scales the numbers into a batch. */
export const createStoredTensorWriter = (
  preprocess: TensorPreprocess,
): TensorWriter<StoredTensor> => {
  const { shape, dtype, scale, mean, std } = preprocess
  const itemLength = shape.reduce((product, axis) => product * axis, 1)
  const isPlain = scale === 1 && mean === 0 && std === 1
  const change = (x: number): number => (x * scale - mean) / std
  return {
    itemLength,
    itemShape: shape,
    allocate: (items) => allocate(dtype, items * itemLength),
    write: (stored, batch, index) =>
      writeNumbers(stored, batch, index * itemLength, isPlain ? undefined : change),
  }
}

const writeNumbers = (
  { view, type, count }: StoredTensor,
  batch: TensorData,
  start: number,
  change: ((x: number) => number) | undefined,
): void => {
  const step = bytesOfType[type]
  const readOne = readers[type]
  const read = (at: number): number => {
    const number = readOne(view, at * step)
    return change === undefined ? number : change(number)
  }
  for (let at = 0; at < count; at += 1) {
    if (batch instanceof BigInt64Array) {
      // Numbers above 2^53 stay what they are, as long as nothing is to be changed.
      batch[start + at] =
        type === 'int64' && change === undefined
          ? view.getBigInt64(at * step, true)
          : BigInt(Math.round(read(at)))
    } else batch[start + at] = read(at)
  }
}

const readers: Readonly<Record<TensorType, (view: DataView, at: number) => number>> = {
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
  int64: (view, at) => Number(view.getBigInt64(at, true)),
  int32: (view, at) => view.getInt32(at, true),
  int8: (view, at) => view.getInt8(at),
  uint8: (view, at) => view.getUint8(at),
}
