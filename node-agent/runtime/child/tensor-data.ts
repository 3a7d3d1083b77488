import type { TensorType } from '#protocol/model/processing.ts'

/** Numbers of a batch of items. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>

/** What a model's input takes: numbers, or texts. */
export type BatchData = TensorData | string[]

export const bytesOfType: Readonly<Record<TensorType, number>> = {
  float32: 4,
  float64: 8,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
}

export const allocate = (type: TensorType, length: number): TensorData => {
  switch (type) {
    case 'float32':
      return new Float32Array(length)
    case 'float64':
      return new Float64Array(length)
    case 'int64':
      return new BigInt64Array(length)
    case 'int32':
      return new Int32Array(length)
    case 'int8':
      return new Int8Array(length)
    case 'uint8':
      return new Uint8Array(length)
  }
}

/** Numbers of an earlier batch in unused places could be slow or raise errors; zeros do neither. */
export const clearFrom = (data: BatchData, start: number): void => {
  if (Array.isArray(data)) data.fill('', start)
  else if (data instanceof BigInt64Array) data.fill(0n, start)
  else data.fill(0, start)
}
