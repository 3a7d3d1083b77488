import { Tensor } from 'onnxruntime-node'
import { limits } from '#protocol/limits.ts'
import type { ImagePreprocess } from '#protocol/model/processing.ts'
import { createImageDecoder } from '../image-decoder.ts'
import type { HeavyDecode, ImageDecoder } from '../image-decoder.ts'
import type { Pixels } from '../pixels.ts'
import { createTensorWriter } from '../tensor-writer.ts'
import type { TensorData } from '../tensor-data.ts'
import type { TensorWriter } from '../tensor-writer.ts'
import { Refusal } from './tensors.ts'

export interface Decoded {
  readonly tensor: Tensor
  /** Places in the mini-batch, in the tensor's order. */
  readonly decoded: readonly number[]
  readonly failed: readonly { readonly at: number; readonly problem: string }[]
}

export type Decoding = (at: readonly number[], options: unknown) => Promise<Decoded>

interface Kit {
  readonly decoder: ImageDecoder
  readonly writer: TensorWriter<Pixels>
}

/** Decodes items of the open mini-batch as the script wishes. Decoders are kept by their options. */
export const createDecoding = (deps: {
  readonly bytesAt: (at: number) => Uint8Array | string
  readonly threads: number
}): Decoding => {
  const kits = new Map<string, Kit>()
  return async (at, options) => {
    const kit = kitFor(kits, options)
    const { writer } = kit
    const bytes = at.length * writer.itemLength * writer.allocate(0).BYTES_PER_ELEMENT
    if (bytes > limits.scriptHandleBytes)
      throw new Refusal(
        `${at.length} pictures of ${writer.itemLength} numbers are more than the ${limits.scriptHandleBytes} bytes that are kept for a script: decode fewer at once.`,
      )
    const batch = writer.allocate(at.length)
    const { decoded, failed } = await decodeInto(batch, at, kit, deps)
    const data = batch.subarray(0, decoded.length * writer.itemLength)
    const shape = [decoded.length, ...writer.itemShape]
    return { tensor: toTensor(data, shape), decoded, failed }
  }
}

const toTensor = (data: TensorData, shape: readonly number[]): Tensor =>
  data instanceof Float32Array
    ? new Tensor('float32', data, shape)
    : new Tensor('uint8', data, shape)

const decodeInto = async (
  batch: TensorData,
  at: readonly number[],
  { decoder, writer }: Kit,
  deps: { readonly bytesAt: (at: number) => Uint8Array | string; readonly threads: number },
): Promise<Pick<Decoded, 'decoded' | 'failed'>> => {
  // Heavy pictures end in any order: all are collected by place before they are written in theirs.
  const pictures: (Pixels | string | undefined)[] = at.map(() => undefined)
  const heavy: { readonly index: number; readonly decode: HeavyDecode }[] = []
  for (const [index, place] of at.entries()) {
    const bytes = deps.bytesAt(place)
    const found = typeof bytes === 'string' ? bytes : decoder.decode(bytes)
    if (typeof found === 'function') heavy.push({ index, decode: found })
    else pictures[index] = found
  }
  const queue = heavy.values()
  const lane = async (): Promise<void> => {
    for (const { index, decode } of queue) {
      const bytes = deps.bytesAt(at[index] ?? 0)
      pictures[index] = typeof bytes === 'string' ? bytes : await decode(Buffer.from(bytes))
    }
  }
  await Promise.all(Array.from({ length: Math.min(deps.threads, heavy.length) }, lane))
  const decoded: number[] = []
  const failed: { at: number; problem: string }[] = []
  for (const [index, place] of at.entries()) {
    const picture = pictures[index] ?? 'is not there'
    if (typeof picture === 'string') failed.push({ at: place, problem: picture })
    else {
      writer.write(picture, batch, decoded.length)
      decoded.push(place)
    }
  }
  return { decoded, failed }
}

const mostKits = 16

const kitFor = (kits: Map<string, Kit>, options: unknown): Kit => {
  const key = JSON.stringify(options ?? null)
  const known = kits.get(key)
  if (known !== undefined) return known
  if (kits.size >= mostKits) kits.clear()
  const preprocess = readOptions(options)
  const kit = { decoder: createImageDecoder(preprocess), writer: createTensorWriter(preprocess) }
  kits.set(key, kit)
  return kit
}

const known: readonly string[] = 'width height fit channels layout dtype scale mean std'.split(' ')

/** The options of a script in the words of a job file, with the same defaults. @throws Refusal */
const readOptions = (options: unknown): ImagePreprocess => {
  if (typeof options !== 'object' || options === null)
    throw new Refusal('decodeImages needs options: at least { width, height }.')
  const given = options as Readonly<Record<string, unknown>>
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Refusal(`decodeImages has no option "${unknown}", only ${known.join(', ')}.`)
  const channels = oneOf(given, 'channels', ['rgb', 'gray', 'bgr'])
  const count = channels === 'gray' ? 1 : 3
  return {
    decode: 'image',
    width: side(given, 'width'),
    height: side(given, 'height'),
    fit: oneOf(given, 'fit', ['stretch', 'cover', 'contain']),
    channels,
    layout: oneOf(given, 'layout', ['NCHW', 'NHWC']),
    dtype: oneOf(given, 'dtype', ['float32', 'uint8']),
    scale: given['scale'] === undefined ? 1 : number(given['scale'], 'scale'),
    mean: perChannel(given, 'mean', count, 0),
    std: perChannel(given, 'std', count, 1),
  }
}

type Given = Readonly<Record<string, unknown>>

/** The first choice is the default. */
const oneOf = <const Choice extends string>(
  given: Given,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice => {
  const value = given[name] ?? choices[0]
  const found = choices.find((choice) => choice === value)
  if (found !== undefined) return found
  throw new Refusal(`decodeImages: "${name}" must be ${choices.join(' or ')}.`)
}

const longestSide = 16_384

const side = (given: Given, name: string): number => {
  const value = given[name]
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= longestSide)
    return Number(value)
  throw new Refusal(`decodeImages: "${name}" must be a whole number from 1 to ${longestSide}.`)
}

const number = (value: unknown, name: string): number => {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Refusal(`decodeImages: "${name}" must be a number.`)
}

const perChannel = (given: Given, name: string, count: number, otherwise: number): number[] => {
  const value = given[name] ?? otherwise
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length !== 1 && list.length !== count)
    throw new Refusal(`decodeImages: "${name}" must be a number, or a list of ${count}.`)
  return Array.from({ length: count }, (_, at) => number(list[at] ?? list[0], name))
}
