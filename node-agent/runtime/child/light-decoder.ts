import upng from 'upng-js'
import { limits } from '#protocol/limits.ts'
import type { Pixels } from './pixels.ts'
import type { PngFacts } from './png.ts'

/** Samples a pixel by PNG colour type. */
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** Bytes a small picture's compressed data may have more than its samples: deflate without compression. */
const deflateOverhead = 1024

/**
 * Whether upng-js decodes this PNG as sharp does: small, already of the wanted size (only sharp resizes),
 * and of a form that upng-js reads correctly. It misreads gray of less than 8 bits and interlaced pictures of
 * less than 8 bits, and inflates without bound.
 */
export const isLight = (png: PngFacts, width: number, height: number): boolean => {
  if (png.width !== width || png.height !== height) return false
  if (width > limits.lightPngSide || height > limits.lightPngSide) return false
  if (png.interlaced || png.special) return false
  const depthFits =
    png.colour === 3 ? png.depth <= 8 : png.depth === 8 || (png.depth === 16 && !hasAlpha(png))
  return depthFits && png.dataBytes <= height * (1 + rowBytes(png)) + deflateOverhead
}

/** Decodes a PNG for which `isLight` is true. Undefined: its data are damaged. */
export const decodeLight = (bytes: Uint8Array, png: PngFacts): Pixels | undefined => {
  const { width, height } = png
  try {
    const decoded = upng.decode(bytes)
    // Filters are undone in place: the samples are followed by what is left of the filter bytes.
    if (decoded.data?.length !== height * (1 + rowBytes(png))) return undefined
    if (png.colour === 0 && png.depth === 8 && !png.transparency) {
      return { width, height, channels: 1, data: decoded.data.subarray(0, width * height) }
    }
    const [frame] = upng.toRGBA8(decoded)
    return frame && { width, height, channels: 4, data: new Uint8Array(frame) }
  } catch {
    return undefined
  }
}

const hasAlpha = (png: PngFacts): boolean =>
  png.transparency || png.colour === 4 || png.colour === 6

const rowBytes = (png: PngFacts): number =>
  Math.ceil((png.width * (samples[png.colour] ?? 4) * png.depth) / 8)
