import { inflateSync } from 'node:zlib'
import upng from 'upng-js'
import { limits } from '#protocol/limits.ts'
import type { Pixels } from './pixels.ts'
import type { PngFacts } from './png.ts'
import { undoFilters } from './png-filters.ts'

/** Samples a pixel by PNG colour type. */
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/**
 * Whether the light decoder takes this PNG: small, already of the wanted size (only sharp resizes), and of a
 * form that upng-js reads as sharp does. It misreads gray and interlaced pictures of less than 8 bits, and
 * rounds transparency of 16 bits differently.
 */
export const isLight = (png: PngFacts, width: number, height: number): boolean => {
  if (png.width !== width || png.height !== height) return false
  if (width > limits.lightPngSide || height > limits.lightPngSide) return false
  if (png.interlaced || png.special) return false
  if (png.colour === 3) return png.depth <= 8 && png.palette !== undefined
  if (png.depth === 16) return !hasAlpha(png)
  return png.depth === 8 && samples[png.colour] !== undefined
}

/**
 * Decodes a PNG for which `isLight` is true. Undefined: its data are damaged, too short or too long. Node's
 * own zlib inflates, four times as fast as upng-js' and with a bound; upng-js turns samples into colours.
 */
export const decodeLight = (png: PngFacts): Pixels | undefined => {
  const { width, height, depth, colour: ctype } = png
  const filtered = inflate(png, height * (1 + rowBytes(png)))
  const stepBytes = Math.max(1, (depth * (samples[ctype] ?? 1)) / 8)
  if (filtered === undefined || !undoFilters(filtered, height, stepBytes)) return undefined
  const data = filtered.subarray(0, height * rowBytes(png))
  const plain = depth === 8 && ctype !== 3 && png.transparency === undefined
  if (plain) return { width, height, channels: samples[ctype] ?? 1, data }
  const [frame] = upng.toRGBA8({ width, height, depth, ctype, data, tabs: tables(png) })
  return frame && { width, height, channels: 4, data: new Uint8Array(frame) }
}

/** Exactly `length` bytes, or undefined. */
const inflate = (png: PngFacts, length: number): Uint8Array | undefined => {
  const [first] = png.data
  const packed = png.data.length === 1 && first !== undefined ? first : Buffer.concat(png.data)
  try {
    const data = inflateSync(packed, {
      chunkSize: Math.max(64, length + 1),
      maxOutputLength: length,
    })
    return data.length === length ? data : undefined
  } catch {
    return undefined
  }
}

/** Chunks as upng-js keeps them: numbers of 16 bits for transparent colours. */
const tables = ({ palette, transparency, colour }: PngFacts) => ({
  ...(palette === undefined ? {} : { PLTE: palette }),
  ...(transparency === undefined
    ? {}
    : { tRNS: colour === 3 ? transparency : shorts(transparency, colour) }),
})

const shorts = (bytes: Uint8Array, colour: number): number | number[] => {
  const at = (index: number): number => ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)
  return colour === 0 ? at(0) : [at(0), at(2), at(4)]
}

const hasAlpha = (png: PngFacts): boolean =>
  png.transparency !== undefined || png.colour === 4 || png.colour === 6

const rowBytes = (png: PngFacts): number =>
  Math.ceil((png.width * (samples[png.colour] ?? 4) * png.depth) / 8)
