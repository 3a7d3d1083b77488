/** What scripts ask of tensors, in one place for both processes. A tensor's first axis counts its items. */

export type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const

/** An array of a tensor's type over a copy of these bytes; undefined if the type has none or the length is odd. */
export const toNumbers = (type: string, bytes: Uint8Array): Numbers | undefined => {
  if (!Object.hasOwn(arrays, type)) return undefined
  const Kind = arrays[type as keyof typeof arrays]
  if (bytes.length % Kind.BYTES_PER_ELEMENT !== 0) return undefined
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return new Kind(copy)
}

/** The tensor type of an array; undefined if there is none. */
export const typeOfNumbers = (data: unknown): string | undefined => {
  const found = Object.entries(arrays).find(([, Kind]) => data instanceof Kind)
  if (found === undefined) return undefined
  return data instanceof Uint16Array ? 'uint16' : found[0]
}

export const bytesOf = (data: Numbers): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

export const countOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1)

/** Items of a tensor, and numbers of each. A tensor of one axis is one item. */
export const itemsOf = (shape: readonly number[]): { items: number; each: number } => {
  if (shape[0] === 0) return { items: 0, each: countOf(shape.slice(1)) }
  if (shape.length < 2) return { items: 1, each: countOf(shape) }
  const [items = 0, ...rest] = shape
  return { items, each: countOf(rest) }
}

/** For each item the place of its largest number, the first of equals; -1 where there is none. */
export const argmax = (data: Numbers, shape: readonly number[]): number[] => {
  const { items, each } = itemsOf(shape)
  return Array.from({ length: items }, (_, item) => {
    let best = -1
    let most = -Infinity
    for (let at = 0; at < each; at += 1) {
      const number = Number(data[item * each + at])
      if (number > most || (best === -1 && number === most)) {
        best = at
        most = number
      }
    }
    return best
  })
}

export interface Scored {
  readonly index: number
  readonly score: number
}

/** For each item its `k` largest numbers, largest first; NaN last. */
export const topK = (data: Numbers, shape: readonly number[], k: number): Scored[][] => {
  const { items, each } = itemsOf(shape)
  const rank = (score: number): number => (Number.isNaN(score) ? -Infinity : score)
  return Array.from({ length: items }, (_, item) =>
    Array.from({ length: each }, (_, index) => ({
      index,
      score: Number(data[item * each + index]),
    }))
      .sort((a, b) => (rank(a.score) > rank(b.score) ? -1 : rank(a.score) < rank(b.score) ? 1 : 0))
      .slice(0, k),
  )
}

/** For each item numbers from 0 to 1 that add up to 1. */
export const softmax = (data: Numbers, shape: readonly number[]): Float32Array => {
  const { items, each } = itemsOf(shape)
  const result = new Float32Array(items * each)
  for (let item = 0; item < items; item += 1) {
    const start = item * each
    let most = -Infinity
    for (let at = start; at < start + each; at += 1) most = Math.max(most, Number(data[at]))
    let sum = 0
    for (let at = start; at < start + each; at += 1) {
      const power = Number(data[at]) === most ? 1 : Math.exp(Number(data[at]) - most)
      result[at] = power
      sum += power
    }
    for (let at = start; at < start + each; at += 1) result[at] = (result[at] ?? 0) / sum
  }
  return result
}
