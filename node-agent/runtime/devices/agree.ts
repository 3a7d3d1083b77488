/** An output of a model, as ONNX Runtime gives it. */
export interface Numbers {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: ArrayLike<unknown>
}

/** Parts of the largest number of an output by which any number of it may be off. */
export const tolerance = 1e-3
/** The same where only classes are wanted, provided that every item has the same best class. */
export const classTolerance = 1e-2

/**
 * Why an output is not what the processor gave: the end of a sentence, or undefined if the two agree. Numbers
 * with a point may differ by `tolerance` of the largest of them; whole numbers, texts and truth values
 * may not differ at all. `classes`: the job only asks which of an item's numbers is largest.
 */
export const disagreement = (due: Numbers, got: Numbers, classes: boolean): string | undefined => {
  if (due.type !== got.type || due.dims.join() !== got.dims.join())
    return `gives ${got.type} [${got.dims.join(', ')}] where ${due.type} [${due.dims.join(', ')}] is due`
  if (!/^float(?:16|32|64)$/.test(due.type)) return exactly(due, got)
  const wanted = toFloats(due)
  const given = toFloats(got)
  const allowed = (classes ? classTolerance : tolerance) * largestOf(wanted)
  for (let at = 0; at < wanted.length; at += 1) {
    const [one = 0, other = 0] = [wanted[at], given[at]]
    // Infinities and NaN must be the same; a difference with them is NaN, which no comparison passes.
    if (Object.is(one, other) || Math.abs(one - other) <= allowed) continue
    return `gives ${other.toPrecision(6)} where ${one.toPrecision(6)} is due`
  }
  return classes ? sameClasses(due.dims, wanted, given) : undefined
}

const exactly = (due: Numbers, got: Numbers): string | undefined => {
  for (let at = 0; at < due.data.length; at += 1) {
    if (due.data[at] !== got.data[at])
      return `gives ${String(got.data[at])} where ${String(due.data[at])} is due`
  }
  return undefined
}

const sameClasses = (
  dims: readonly number[],
  wanted: Float64Array,
  given: Float64Array,
): string | undefined => {
  const items = Math.max(1, dims[0] ?? 1)
  const length = wanted.length / items
  for (let item = 0; item < items; item += 1) {
    const range = [item * length, (item + 1) * length] as const
    const [due, got] = [wanted, given].map((numbers) => bestOf(numbers.subarray(...range)))
    if (due !== got) return `gives class ${got} where ${due} is due`
  }
  return undefined
}

const bestOf = (numbers: Float64Array): number => {
  let best = 0
  for (let at = 1; at < numbers.length; at += 1)
    if ((numbers[at] ?? 0) > (numbers[best] ?? 0)) best = at
  return best
}

const largestOf = (numbers: Float64Array): number => {
  let most = 0
  for (const number of numbers) if (Number.isFinite(number)) most = Math.max(most, Math.abs(number))
  return most
}

const half = new DataView(new ArrayBuffer(2))

/** float16 comes as its 16 bits where the runtime has no array of its own for it. */
const toFloats = ({ type, data }: Numbers): Float64Array => {
  const bits = type === 'float16' && data instanceof Uint16Array
  return Float64Array.from(data, (value) => {
    if (!bits) return Number(value)
    half.setUint16(0, Number(value))
    return half.getFloat16(0)
  })
}
