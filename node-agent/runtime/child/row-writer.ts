import type { Postprocess } from '#protocol/model/job.ts'
import type { Output } from './inference.ts'

/** Makes the JSON text of one item's row, or says why there is none: a whole clause without subject. */
export type RowWriter = (name: string, output: Output, index: number) => string | RowProblem

export interface RowProblem {
  readonly problem: string
}

/** `docs/models.md` describes the rows of each kind. */
export const createRowWriter = (postprocess: Postprocess): RowWriter => {
  switch (postprocess.kind) {
    case 'raw':
      return writeRaw
    case 'argmax':
    case 'softmax':
    case 'top-k':
      return createClassWriter(postprocess)
  }
}

const createClassWriter = (postprocess: Postprocess): RowWriter => {
  const { kind } = postprocess
  const names = postprocess.labels.map((label) => JSON.stringify(label))
  const nameOf = (index: number): string => names[index] ?? String(index)
  const asProbabilities = postprocess.softmax || kind === 'softmax'
  return (item, output, index) => {
    const numbers = numbersOf(output, index)
    const best = indexOfLargest(numbers)
    if (best === undefined) return { problem: 'the model gave no number for it (all are NaN)' }
    const most = numbers[best] ?? 0
    const sum = asProbabilities ? sumOfPowers(numbers, most) : 1
    const score = (at: number): string => {
      const number = numbers[at] ?? 0
      return short(asProbabilities ? power(number, most) / sum : number)
    }
    const head = `{"item":${JSON.stringify(item)},"prediction":${nameOf(best)},"score":${score(best)}`
    if (kind === 'argmax') return `${head}}`
    if (kind === 'softmax') {
      const entries = Array.from(numbers, (_, at) => `${keyOf(nameOf(at))}:${score(at)}`)
      return `${head},"scores":{${entries.join(',')}}}`
    }
    const top = largest(numbers, Math.max(1, postprocess.k))
    const entries = top.map((at) => `{"label":${nameOf(at)},"score":${score(at)}}`)
    return `${head},"top":[${entries.join(',')}]}`
  }
}

/** A label is JSON text already, a number is not. */
const keyOf = (name: string): string => (name.startsWith('"') ? name : `"${name}"`)

let scratch = new Float64Array(0)

/** The numbers of one item, in an array that serves all items one after the other. */
const numbersOf = (output: Output, index: number): Float64Array => {
  if (scratch.length !== output.itemLength) scratch = new Float64Array(output.itemLength)
  const numbers = scratch
  const start = index * output.itemLength
  const { data } = output
  if (data instanceof Float32Array) {
    for (let at = 0; at < numbers.length; at += 1) numbers[at] = data[start + at] ?? 0
    return numbers
  }
  for (let at = 0; at < numbers.length; at += 1) {
    numbers[at] = toNumber(data[start + at], output.type)
  }
  return numbers
}

const float16 = new DataView(new ArrayBuffer(2))

/** float16 comes as its 16 bits where the runtime has no array of its own for it. */
const toNumber = (value: unknown, type: string): number => {
  if (type !== 'float16' || !Number.isInteger(value)) return Number(value)
  float16.setUint16(0, Number(value))
  return float16.getFloat16(0)
}

/** First of the largest; NaN is never largest. Undefined: nothing but NaN. */
const indexOfLargest = (numbers: Float64Array): number | undefined => {
  let best: number | undefined
  let most = -Infinity
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at] ?? Number.NaN
    if (number > most || (best === undefined && number === most)) {
      best = at
      most = number
    }
  }
  return best
}

/** Places of the `count` largest, largest first, equal ones in their order; NaN last. */
const largest = (numbers: Float64Array, count: number): readonly number[] => {
  const rank = (at: number): number => {
    const number = numbers[at] ?? Number.NaN
    return Number.isNaN(number) ? -Infinity : number
  }
  const places = Array.from(numbers, (_, at) => at)
  // Infinity - Infinity is NaN: compared, not subtracted.
  places.sort((a, b) => (rank(a) > rank(b) ? -1 : rank(a) < rank(b) ? 1 : a - b))
  return places.slice(0, count)
}

/** e to the distance from the largest, which cannot overflow; 1 for the largest, also if it is infinite. */
const power = (number: number, most: number): number =>
  number === most ? 1 : Math.exp(number - most)

const sumOfPowers = (numbers: Float64Array, most: number): number => {
  let sum = 0
  for (let at = 0; at < numbers.length; at += 1) sum += power(numbers[at] ?? 0, most)
  return sum
}

/** Six significant digits: the same text on every machine, whose last bits differ. JSON has no NaN. */
const short = (number: number): string =>
  Number.isFinite(number) ? String(Number(number.toPrecision(6))) : 'null'

const writeRaw: RowWriter = (item, output, index) => {
  const start = index * output.itemLength
  const texts: string[] = []
  for (let at = start; at < start + output.itemLength; at += 1) {
    texts.push(rawText(output.data[at], output.type))
  }
  const shape = output.itemShape.length > 1 ? `,"shape":[${output.itemShape.join(',')}]` : ''
  return `{"item":${JSON.stringify(item)}${shape},"output":[${texts.join(',')}]}`
}

const rawText = (value: unknown, type: string): string => {
  if (type === 'string') return JSON.stringify(String(value))
  if (type === 'bool') return Number(value) === 0 ? 'false' : 'true'
  if (typeof value === 'bigint') return String(value)
  const number = toNumber(value, type)
  if (!Number.isFinite(number)) return 'null'
  return type === 'float32' ? shortestFloat32(number) : String(number)
}

/** The fewest digits that still give this very float32: 0.1, not 0.10000000149011612. */
const shortestFloat32 = (number: number): string => {
  for (let digits = 6; digits < 9; digits += 1) {
    const rounded = Number(number.toPrecision(digits))
    if (Math.fround(rounded) === number) return String(rounded)
  }
  return String(Number(number.toPrecision(9)))
}
