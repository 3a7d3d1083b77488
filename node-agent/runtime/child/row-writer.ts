import { defaultThreshold } from '#protocol/model/processing.ts'
import type { Postprocess } from '#protocol/model/processing.ts'
import type { Output } from './inference.ts'

/** Makes the JSON text of one item's row, or says why there is none: a whole clause without subject. */
export type RowWriter = (
  name: string,
  outputs: readonly Output[],
  index: number,
) => string | RowProblem

export interface RowProblem {
  readonly problem: string
}

/** What one output gives for a row: fields of a JSON object, without its braces. */
type PartWriter = (output: Output, index: number) => string | RowProblem

/**
 * `docs/models.md` describes the rows of each kind. One output's fields stand beside the item's name; those
 * of several stand in an object under each output's name.
 */
export const createRowWriter = (postprocess: readonly Postprocess[]): RowWriter => {
  const writers = postprocess.map(createPartWriter)
  const [only] = writers
  if (writers.length === 1 && only !== undefined)
    return (item, [output], index) => {
      const part = output === undefined ? nothing : only(output, index)
      return typeof part === 'string' ? `{"item":${JSON.stringify(item)},${part}}` : part
    }
  const keys = postprocess.map(({ output }, at) => JSON.stringify(output ?? String(at)))
  return (item, outputs, index) => {
    let row = `{"item":${JSON.stringify(item)}`
    for (const [at, write] of writers.entries()) {
      const output = outputs[at]
      const part = output === undefined ? nothing : write(output, index)
      if (typeof part !== 'string') return part
      row += `,${keys[at]}:{${part}}`
    }
    return `${row}}`
  }
}

const nothing: RowProblem = { problem: 'the model gave too few outputs' }

const createPartWriter = (postprocess: Postprocess): PartWriter => {
  switch (postprocess.kind) {
    case 'raw':
      return writeRaw
    case 'embedding':
      return createEmbeddingWriter(postprocess.normalize ?? false)
    case 'threshold':
      return createThresholdWriter(postprocess)
    case 'argmax':
    case 'softmax':
    case 'top-k':
      return createClassWriter(postprocess)
  }
}

const createClassWriter = (postprocess: Postprocess): PartWriter => {
  const { kind } = postprocess
  const nameOf = namesOf(postprocess)
  const asProbabilities = postprocess.softmax || kind === 'softmax'
  return (output, index) => {
    const numbers = numbersOf(output, index)
    const best = indexOfLargest(numbers)
    if (best === undefined) return allNaN
    const most = numbers[best] ?? 0
    const sum = asProbabilities ? sumOfPowers(numbers, most) : 1
    const score = (at: number): string => {
      const number = numbers[at] ?? 0
      return short(asProbabilities ? power(number, most) / sum : number)
    }
    const head = `"prediction":${nameOf(best)},"score":${score(best)}`
    if (kind === 'argmax') return head
    if (kind === 'softmax') {
      const entries = Array.from(numbers, (_, at) => `${keyOf(nameOf(at))}:${score(at)}`)
      return `${head},"scores":{${entries.join(',')}}`
    }
    const top = largest(numbers, Math.max(1, postprocess.k))
    const entries = top.map((at) => `{"label":${nameOf(at)},"score":${score(at)}}`)
    return `${head},"top":[${entries.join(',')}]`
  }
}

const allNaN: RowProblem = { problem: 'the model gave no number for it (all are NaN)' }

/** A class as JSON text: its label, or its number. */
const namesOf = ({ labels }: Postprocess): ((index: number) => string) => {
  const names = labels.map((label) => JSON.stringify(label))
  return (index) => names[index] ?? String(index)
}

/** Any number of classes: those whose score is large enough, largest first. */
const createThresholdWriter = (postprocess: Postprocess): PartWriter => {
  const { threshold = defaultThreshold, sigmoid = false } = postprocess
  const nameOf = namesOf(postprocess)
  return (output, index) => {
    const numbers = numbersOf(output, index)
    const best = indexOfLargest(numbers)
    if (best === undefined) return allNaN
    const most = numbers[best] ?? 0
    const sum = postprocess.softmax ? sumOfPowers(numbers, most) : 1
    const score = (at: number): number => {
      const number = numbers[at] ?? Number.NaN
      if (postprocess.softmax) return power(number, most) / sum
      return sigmoid ? 1 / (1 + Math.exp(-number)) : number
    }
    const found = largest(numbers, numbers.length).filter((at) => score(at) >= threshold)
    const entries = found.map((at) => `{"label":${nameOf(at)},"score":${short(score(at))}}`)
    return `"labels":[${entries.join(',')}]`
  }
}

/** All numbers of an item in a row, as a point in space. */
const createEmbeddingWriter =
  (normalize: boolean): PartWriter =>
  (output, index) => {
    const numbers = numbersOf(output, index)
    let squares = 0
    for (const number of numbers) squares += number * number
    if (Number.isNaN(squares)) return { problem: 'the model gave NaN for it' }
    const length = normalize && squares > 0 ? Math.sqrt(squares) : 1
    const texts = Array.from(numbers, (number) => short(number / length))
    return `"embedding":[${texts.join(',')}]`
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

const writeRaw: PartWriter = (output, index) => {
  const start = index * output.itemLength
  const texts: string[] = []
  for (let at = start; at < start + output.itemLength; at += 1) {
    texts.push(rawText(output.data[at], output.type))
  }
  const shape = output.itemShape.length > 1 ? `"shape":[${output.itemShape.join(',')}],` : ''
  return `${shape}"output":[${texts.join(',')}]`
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
