import process from 'node:process'
import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { createImageDecoder } from '#agent/runtime/child/image-decoder.ts'
import { decodeLight, isLight } from '#agent/runtime/child/light-decoder.ts'
import type { Pixels } from '#agent/runtime/child/pixels.ts'
import { readPng } from '#agent/runtime/child/png.ts'
import { createSharpDecoder } from '#agent/runtime/child/sharp-decoder.ts'
import { createTensorWriter } from '#agent/runtime/child/tensor-writer.ts'
import { limits } from '#protocol/limits.ts'
import type { ImagePreprocess } from '#protocol/model/processing.ts'
import { chunk, encodePng } from '#test/support/png.ts'
import type { PngParts } from '#test/support/png.ts'
import { processing } from '#test/support/processing.ts'

const bytesOnly = (preprocess: Partial<ImagePreprocess>): ImagePreprocess =>
  processing({ dtype: 'uint8', scale: 1, ...preprocess }).preprocess

const toTensor = (preprocess: ImagePreprocess, pixels: Pixels): readonly number[] => {
  const writer = createTensorWriter(preprocess)
  const batch = writer.allocate(1)
  writer.write(pixels, batch, 0)
  return Array.from(batch, Number)
}

/** Decodes by the decoder's own choice. */
const decode = async (preprocess: ImagePreprocess, bytes: Uint8Array): Promise<Pixels | string> => {
  const found = createImageDecoder(preprocess).decode(bytes)
  return typeof found === 'function' ? await found(bytes) : found
}

const decoded = async (preprocess: ImagePreprocess, bytes: Uint8Array): Promise<Pixels> => {
  const pixels = await decode(preprocess, bytes)
  if (typeof pixels === 'string') throw new Error(pixels)
  return pixels
}

const isLightPng = (bytes: Uint8Array, width: number, height: number): boolean => {
  const png = readPng(bytes)
  return typeof png !== 'string' && isLight(png, width, height)
}

/** Tensor of a picture from each decoder. */
const both = async (bytes: Buffer, preprocess: ImagePreprocess) => {
  const png = readPng(bytes)
  if (typeof png === 'string') throw new Error(png)
  const light = decodeLight(png)
  const heavy = await createSharpDecoder(preprocess).decode(bytes, 'PNG')
  if (light === undefined || typeof heavy === 'string') throw new Error('not decoded')
  return { light: toTensor(preprocess, light), heavy: toTensor(preprocess, heavy) }
}

const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

interface Form {
  readonly name: string
  readonly colour: number
  readonly depth: number
  readonly transparency?: number[]
}
const lightForms: readonly Form[] = [
  { name: 'gray', colour: 0, depth: 8 },
  { name: 'gray with a transparent shade', colour: 0, depth: 8, transparency: [0, 7] },
  { name: 'gray of 16 bits', colour: 0, depth: 16 },
  { name: 'RGB', colour: 2, depth: 8 },
  { name: 'RGB of 16 bits', colour: 2, depth: 16 },
  { name: 'gray and alpha', colour: 4, depth: 8 },
  { name: 'RGBA', colour: 6, depth: 8 },
  { name: 'palette of 16', colour: 3, depth: 4 },
  { name: 'palette of 4', colour: 3, depth: 2 },
  { name: 'palette of 2', colour: 3, depth: 1 },
  { name: 'palette of 256', colour: 3, depth: 8 },
  {
    name: 'palette with transparent colours',
    colour: 3,
    depth: 8,
    transparency: [0, 100, 200, 255, 3],
  },
]

const randomPng = (
  form: Form,
  seed: { width: number; height: number; noise: Uint8Array; filter: 0 | 1 | 2 | 3 | 4 },
) => {
  const { width, height, noise, filter } = seed
  const stride = Math.ceil((width * form.depth * (samplesOf[form.colour] ?? 1)) / 8)
  const rows = Uint8Array.from(
    { length: stride * height },
    (_, at) => noise[(at * 7) % noise.length] ?? 0,
  )
  const parts: PngParts = {
    width,
    height,
    depth: form.depth,
    colour: form.colour,
    rows,
    filter,
    ...(form.colour === 3
      ? {
          palette: Uint8Array.from(
            { length: 3 * 2 ** form.depth },
            (_, at) => noise[at % noise.length] ?? 0,
          ),
        }
      : {}),
    ...(form.transparency === undefined
      ? {}
      : { transparency: Uint8Array.from(form.transparency) }),
  }
  return encodePng(parts)
}

const seeds = fc.record({
  width: fc.integer({ min: 1, max: 21 }),
  height: fc.integer({ min: 1, max: 13 }),
  noise: fc.uint8Array({ minLength: 16, maxLength: 300 }),
  filter: fc.constantFrom(0, 1, 2, 3, 4),
})

describe('the two decoders agree on small PNGs', () => {
  test.each(lightForms)('$name', async (form) => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.constantFrom('gray', 'rgb', 'bgr'), async (seed, channels) => {
        const { width, height } = seed
        const preprocess = bytesOnly({ width, height, channels })
        const bytes = randomPng(form, seed)
        expect(isLightPng(bytes, width, height)).toBe(true)
        const { light, heavy } = await both(bytes, preprocess)
        expect(light).toEqual(heavy)
      }),
      { numRuns: 12, verbose: 1 },
    )
  })

  test.each([
    { name: 'gray of 1 bit', colour: 0, depth: 1 },
    { name: 'gray of 4 bits', colour: 0, depth: 4 },
    { name: 'RGBA of 16 bits', colour: 6, depth: 16 },
  ])('$name goes to sharp', async (form) => {
    const seed = {
      width: 5,
      height: 4,
      noise: Uint8Array.from([255, 0, 170, 85]),
      filter: 0 as const,
    }
    const bytes = randomPng(form, seed)
    expect(isLightPng(bytes, 5, 4)).toBe(false)
    expect(await decoded(bytesOnly({ width: 5, height: 4 }), bytes)).toMatchObject({
      width: 5,
      height: 4,
    })
  })
})

const gradient = (width: number, height: number): Buffer =>
  encodePng({
    width,
    height,
    depth: 8,
    colour: 2,
    rows: Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 5) % 256),
  })

test('size decides: larger ones, and those that must be resized, go to sharp', () => {
  const side = limits.lightPngSide
  expect(isLightPng(gradient(side, side), side, side)).toBe(true)
  expect(isLightPng(gradient(side + 1, side), side + 1, side)).toBe(false)
  expect(isLightPng(gradient(8, 8), 9, 8)).toBe(false)
  const turned = encodePng({
    width: 2,
    height: 2,
    depth: 8,
    colour: 0,
    rows: new Uint8Array(4),
    extra: [{ type: 'eXIf', data: new Uint8Array(8) }],
  })
  expect(isLightPng(turned, 2, 2)).toBe(false)
})

describe('what sharp reads', () => {
  const picture = sharp({ create: { width: 40, height: 20, channels: 3, background: '#c84020' } })
  test.each(['jpeg', 'webp', 'gif', 'tiff', 'avif', 'png'] as const)('%s', async (format) => {
    const bytes = await picture.clone().toFormat(format).toBuffer()
    const [red, green, blue] = toTensor(
      bytesOnly({ channels: 'rgb', layout: 'NHWC' }),
      await decoded(bytesOnly({}), bytes),
    )
    expect(Math.abs((red ?? 0) - 0xc8)).toBeLessThan(6)
    expect(Math.abs((green ?? 0) - 0x40)).toBeLessThan(6)
    expect(Math.abs((blue ?? 0) - 0x20)).toBeLessThan(6)
  })

  test('fit: stretch fills, cover cuts the middle, contain pads with black', async () => {
    // Left half white, right half black, twice as wide as high.
    const rows = Uint8Array.from({ length: 40 * 20 }, (_, at) => (at % 40 < 20 ? 255 : 0))
    const bytes = encodePng({ width: 40, height: 20, depth: 8, colour: 0, rows })
    const columns = async (fit: ImagePreprocess['fit']) => {
      const preprocess = bytesOnly({ fit })
      const tensor = toTensor(preprocess, await decoded(preprocess, bytes))
      return { top: tensor.slice(0, 8), middle: tensor.slice(32, 40) }
    }
    // The edge itself is smoothed: the kernel is bilinear.
    const sharpPart = (row: readonly number[]) => [...row.slice(0, 3), ...row.slice(5)]
    expect(sharpPart((await columns('stretch')).top)).toEqual([255, 255, 255, 0, 0, 0])
    expect(sharpPart((await columns('cover')).top)).toEqual([255, 255, 255, 0, 0, 0])
    const contain = await columns('contain')
    expect(contain.top).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(sharpPart(contain.middle)).toEqual([255, 255, 255, 0, 0, 0])
  })

  test('cover keeps the shape: the middle third of a wide picture fills a square', async () => {
    const rows = Uint8Array.from({ length: 60 * 20 }, (_, at) =>
      at % 60 >= 20 && at % 60 < 40 ? 255 : 0,
    )
    const bytes = encodePng({ width: 60, height: 20, depth: 8, colour: 0, rows })
    const preprocess = bytesOnly({ fit: 'cover' })
    const tensor = toTensor(preprocess, await decoded(preprocess, bytes))
    expect(Math.min(...tensor)).toBeGreaterThan(200)
    const stretched = toTensor(bytesOnly({}), await decoded(bytesOnly({}), bytes))
    expect(Math.min(...stretched)).toBe(0)
  })

  test('a photo taken sideways stands upright', async () => {
    const rows = Uint8Array.from({ length: 16 * 8 * 3 }, (_, at) => (at % 48 < 24 ? 250 : 5))
    const upright = sharp(encodePng({ width: 16, height: 8, depth: 8, colour: 2, rows }))
    const bytes = await upright.withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer()
    const tensor = toTensor(bytesOnly({}), await decoded(bytesOnly({}), bytes))
    // Orientation 6: to be turned by 90 degrees clockwise, so left becomes top.
    expect(Math.min(...tensor.slice(0, 24))).toBeGreaterThan(200)
    expect(Math.max(...tensor.slice(40))).toBeLessThan(50)
  })

  test('transparency is laid on white', async () => {
    const clear = { r: 200, g: 0, b: 0, alpha: 0 }
    const bytes = await sharp({ create: { width: 30, height: 30, channels: 4, background: clear } })
      .webp()
      .toBuffer()
    expect(new Set(toTensor(bytesOnly({}), await decoded(bytesOnly({}), bytes)))).toEqual(
      new Set([255]),
    )
  })
})

describe('what is wrong with a file is said, not guessed', () => {
  const whole = gradient(20, 20)
  const small = bytesOnly({ width: 20, height: 20 })
  const problem = async (bytes: Uint8Array, preprocess = small): Promise<string> => {
    const pixels = await decode(preprocess, bytes)
    if (typeof pixels !== 'string') throw new Error('it was decoded')
    return pixels
  }

  test('a PNG cut off anywhere, in both decoders', async () => {
    const resized = bytesOnly({ width: 10, height: 10 })
    for (let length = 8; length < whole.length; length += 1) {
      const cut = whole.subarray(0, length)
      expect(await problem(cut)).toContain('cut off')
      expect(await problem(cut, resized)).toContain('cut off')
    }
  })

  test('a PNG with a flipped byte in its data or header', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 8, max: whole.length - 13 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const bytes = Uint8Array.from(whole)
          bytes[at] = (bytes[at] ?? 0) ^ flip
          // A chunk that lost its name or length may be taken for another, but never for pixels.
          await problem(bytes)
        },
      ),
      { numRuns: 200, verbose: 1 },
    )
  })

  test('a PNG whose data are too short, though its checksums are right', async () => {
    const { deflateSync } = await import('node:zlib')
    for (const data of [deflateSync(new Uint8Array(61 * 7)), Buffer.from('nonsense')]) {
      const bytes = encodePng({
        width: 20,
        height: 20,
        depth: 8,
        colour: 2,
        rows: new Uint8Array(),
        data,
      })
      expect(await problem(bytes)).toContain('damaged')
      expect(await problem(bytes, bytesOnly({ width: 10, height: 10 }))).toContain('damaged')
    }
  })

  test('a PNG that unpacks to more than its picture is not unpacked further, in both decoders', async () => {
    const { deflateSync } = await import('node:zlib')
    const data = deflateSync(new Uint8Array(200_000_000))
    const bytes = encodePng({
      width: 20,
      height: 20,
      depth: 8,
      colour: 2,
      rows: new Uint8Array(),
      data,
    })
    const before = process.memoryUsage().rss
    expect(isLightPng(bytes, 20, 20)).toBe(true)
    const png = readPng(bytes)
    expect(typeof png === 'string' ? png : decodeLight(png)).toBeUndefined()
    expect(await decoded(small, bytes)).toMatchObject({ width: 20, height: 20 })
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
  })

  test('a filter type that does not exist', async () => {
    const { deflateSync } = await import('node:zlib')
    const data = deflateSync(new Uint8Array(61 * 20).fill(5))
    const bytes = encodePng({
      width: 20,
      height: 20,
      depth: 8,
      colour: 2,
      rows: new Uint8Array(),
      data,
    })
    expect(await problem(bytes)).toContain('damaged')
  })

  test('JPEG, WebP and GIF cut off in the middle', async () => {
    const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * at) % 251))
    const picture = sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    for (const format of ['jpeg', 'webp', 'gif'] as const) {
      const bytes = await picture.clone().toFormat(format).toBuffer()
      expect(await problem(bytes.subarray(0, bytes.length / 2))).toMatch(/damaged or cut off/)
    }
  })

  test('huge dimensions in a header: by the walk for PNG, by sharp for others', async () => {
    const bomb = encodePng({
      width: 100_000,
      height: 100_000,
      depth: 8,
      colour: 0,
      rows: new Uint8Array(),
      data: whole,
    })
    expect(await problem(bomb)).toContain('100000 x 100000')
    const jpeg = await sharp(whole).jpeg().toBuffer()
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
    jpeg.writeUInt16BE(60_000, frame + 5)
    jpeg.writeUInt16BE(60_000, frame + 7)
    expect(await problem(jpeg)).toContain('60000 x 60000')
  })

  test.each([
    ['', 'is empty (0 bytes)'],
    ['hello world', 'is not an image that can be read (it begins with "hello wor")'],
    ['\u0000\u0001\u0002\u0003', 'is not an image that can be read (it begins with 00 01 02 03)'],
    ['BM1234567890', 'is a BMP picture, which cannot be read here: convert it to PNG or JPEG'],
    ['<svg xmlns="x"/>', 'is an SVG drawing, which cannot be read here: convert it to PNG or JPEG'],
    ['....ftypheic....', 'is a HEIC photo, which cannot be read here: convert it to PNG or JPEG'],
  ])('%j', async (text, words) => {
    expect(await problem(Buffer.from(text, 'latin1'))).toBe(words)
  })

  test('text behind the signature of a PNG', async () => {
    const bytes = Buffer.concat([
      whole.subarray(0, 8),
      Buffer.from('this is not a picture at all, is it?'),
    ])
    expect(await problem(bytes)).toContain('PNG')
  })

  test('chunks that do not matter may have wrong checksums', async () => {
    const text = chunk('tEXt', Buffer.from('a\0b'))
    text[text.length - 1] = (text.at(-1) ?? 0) ^ 1
    const bytes = Buffer.concat([whole.subarray(0, 33), text, whole.subarray(33)])
    expect(await decoded(small, bytes)).toMatchObject({ width: 20 })
  })
})
