import { limits } from '#protocol/limits.ts'
import type { ImagePreprocess } from '#protocol/model/processing.ts'
import { imageKind } from './image-kind.ts'
import { decodeLight, isLight } from './light-decoder.ts'
import type { Pixels } from './pixels.ts'
import { readPng } from './png.ts'
import { createSharpDecoder, tooManyPixels } from './sharp-decoder.ts'

/**
 * A picture of the wanted size, or in words why there is none: the end of a sentence that begins with the
 * item's name. What the light decoder takes is there at once; a promise comes from sharp, which needs
 * its bytes unchanged until then.
 */
export interface ImageDecoder {
  readonly decode: (bytes: Uint8Array) => Pixels | string | HeavyDecode
}

/** A decode to be started when its turn comes. */
export type HeavyDecode = (bytes: Uint8Array) => Promise<Pixels | string>

export const createImageDecoder = (preprocess: ImagePreprocess): ImageDecoder => {
  const sharp = createSharpDecoder(preprocess)
  const { width, height } = preprocess
  return {
    decode: (bytes) => {
      const found = imageKind(bytes)
      if ('problem' in found) return found.problem
      if (found.kind !== 'PNG') return (own) => sharp.decode(own, found.kind)
      const png = readPng(bytes)
      if (typeof png === 'string') return png
      if (png.width * png.height > limits.imagePixels) {
        return tooManyPixels('PNG', `${png.width} x ${png.height}`)
      }
      const light = isLight(png, width, height) ? decodeLight(png) : undefined
      // What the light decoder does not take or cannot read is for sharp to judge.
      return light ?? ((own) => sharp.decode(own, 'PNG'))
    },
  }
}
