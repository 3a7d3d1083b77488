import type { ImagePreprocess } from '#protocol/model/processing.ts'
import { channelCount, itemShape } from '../fit.ts'
import type { Pixels } from './pixels.ts'
import type { TensorData } from './tensor-data.ts'

type PixelData = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>

/** Turns decoded items into a model's input. */
export interface TensorWriter<Decoded> {
  /** Numbers of one item. */
  readonly itemLength: number
  readonly itemShape: readonly number[]
  readonly allocate: (items: number) => TensorData
  /** Writes item `index` of a batch. */
  readonly write: (decoded: Decoded, batch: TensorData, index: number) => void
}

/** Pictures of the wanted size. */
export const createTensorWriter = (preprocess: ImagePreprocess): TensorWriter<Pixels> => {
  const shape = itemShape(preprocess)
  const count = channelCount(preprocess)
  const area = preprocess.width * preprocess.height
  const tables = Array.from({ length: count }, (_, channel) => createTable(preprocess, channel))
  const place: Place =
    preprocess.layout === 'NCHW' ? { pixel: 1, channel: area } : { pixel: count, channel: 1 }
  const itemLength = area * count
  return {
    itemLength,
    itemShape: shape,
    allocate: (items) =>
      preprocess.dtype === 'float32'
        ? new Float32Array(items * itemLength)
        : new Uint8Array(items * itemLength),
    write: (pixels, batch, index) => {
      const opaque = flatten(pixels)
      if (!(batch instanceof Float32Array || batch instanceof Uint8Array)) return
      const target = batch.subarray(index * itemLength, (index + 1) * itemLength)
      if (preprocess.channels === 'gray') return writeGray(opaque, tables, target)
      const order = preprocess.channels === 'bgr' ? [2, 1, 0] : [0, 1, 2]
      writeColour({ pixels: opaque, tables, target, place, order })
    },
  }
}

/** Distance between neighbouring pixels, and between the channels of a pixel, in the tensor. */
interface Place {
  readonly pixel: number
  readonly channel: number
}

/** The number for each of the 256 bytes: all arithmetic of preprocessing, done once. */
const createTable = (preprocess: ImagePreprocess, channel: number): PixelData => {
  const mean = preprocess.mean[channel] ?? preprocess.mean[0] ?? 0
  const std = preprocess.std[channel] ?? preprocess.std[0] ?? 1
  const numbers = Array.from({ length: 256 }, (_, byte) => (byte * preprocess.scale - mean) / std)
  return preprocess.dtype === 'float32'
    ? Float32Array.from(numbers)
    : Uint8Array.from(numbers, (number) => Math.min(255, Math.max(0, Math.round(number))))
}

const gray = (red: number, green: number, blue: number): number =>
  // ITU-R BT.601 in 16-bit fixed point, as in Pillow; equal channels give that very value.
  (19_595 * red + 38_470 * green + 7_471 * blue + 32_768) >> 16

const writeGray = (pixels: Pixels, tables: readonly PixelData[], target: PixelData): void => {
  const { data, channels } = pixels
  const table = tables[0] ?? target
  if (channels <= 2) {
    for (let at = 0; at < target.length; at += 1) target[at] = table[data[at * channels] ?? 0] ?? 0
    return
  }
  for (let at = 0, from = 0; at < target.length; at += 1, from += channels) {
    target[at] = table[gray(data[from] ?? 0, data[from + 1] ?? 0, data[from + 2] ?? 0)] ?? 0
  }
}

const writeColour = (work: {
  readonly pixels: Pixels
  readonly tables: readonly PixelData[]
  readonly target: PixelData
  readonly place: Place
  /** Which of red, green, blue each channel of the tensor is. */
  readonly order: readonly number[]
}): void => {
  const { pixels, target, place } = work
  const { data, channels } = pixels
  const area = pixels.width * pixels.height
  for (const [channel, colour] of work.order.entries()) {
    const table = work.tables[channel] ?? target
    let from = channels <= 2 ? 0 : colour
    let to = channel * place.channel
    for (let pixel = 0; pixel < area; pixel += 1) {
      target[to] = table[data[from] ?? 0] ?? 0
      from += channels
      to += place.pixel
    }
  }
}

/** Lays transparent pixels on white, in libvips' integer arithmetic; others stay as they are. */
const flatten = (pixels: Pixels): Pixels => {
  const { data, channels } = pixels
  if (channels !== 2 && channels !== 4) return pixels
  const colours = channels - 1
  for (let at = 0; at < data.length; at += channels) {
    const alpha = data[at + colours] ?? 255
    if (alpha === 255) continue
    for (let index = at; index < at + colours; index += 1) {
      data[index] = Math.trunc(((data[index] ?? 0) * alpha + 255 * (255 - alpha)) / 255)
    }
  }
  return pixels
}
