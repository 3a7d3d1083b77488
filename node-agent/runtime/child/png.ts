import { crc32 } from 'node:zlib'

/** What a PNG file's chunks say. */
export interface PngFacts {
  readonly width: number
  readonly height: number
  /** Bits a sample. */
  readonly depth: number
  /** 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGBA. */
  readonly colour: number
  readonly interlaced: boolean
  /** Where the compressed picture is; most small files have one part. */
  readonly data: readonly Uint8Array[]
  readonly palette: Uint8Array | undefined
  /** Of chunk tRNS: one transparent colour, or the opacity of the palette's colours. */
  readonly transparency: Uint8Array | undefined
  /** Has a chunk that changes what is seen: more frames, or an orientation. */
  readonly special: boolean
}

/** Chunk types as the four bytes read as a number. */
const IHDR = 0x49484452
const PLTE = 0x504c5445
const IDAT = 0x49444154
const IEND = 0x49454e44
const tRNS = 0x74524e53
const acTL = 0x6163544c
const eXIf = 0x65584966
const signatureBytes = 8
const chunkOverhead = 12
const headerBytes = 13

/**
 * Walks over the chunks of a PNG file, which begins with the signature, and checks lengths and checksums of
 * those the picture needs. A text says what is wrong: the end of a sentence that begins with the item's name.
 * Both decoders trust this walk: sharp does not miss a lost end, upng-js no lost bytes at all.
 */
export const readPng = (bytes: Uint8Array): PngFacts | string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = signatureBytes
  const whole = start + chunkOverhead + headerBytes
  if (bytes.length < whole) return cutOff(bytes)
  if (view.getUint32(start) !== headerBytes || view.getUint32(start + 4) !== IHDR) {
    return 'is a damaged PNG picture: it does not begin with its header'
  }
  const data: Uint8Array[] = []
  let palette: Uint8Array | undefined
  let transparency: Uint8Array | undefined
  let special = false
  for (let at = start; ;) {
    if (at + chunkOverhead > bytes.length) return cutOff(bytes)
    const length = view.getUint32(at)
    const type = view.getUint32(at + 4)
    const end = at + 8 + length
    if (end + 4 > bytes.length) return cutOff(bytes)
    const needed = type === IHDR || type === PLTE || type === IDAT || type === tRNS
    if (needed && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      return `is a damaged PNG picture: its checksum at byte ${end} is wrong`
    }
    if (type === IEND) break
    if (type === IDAT) data.push(bytes.subarray(at + 8, end))
    else if (type === PLTE) palette = bytes.subarray(at + 8, end)
    else if (type === tRNS) transparency = bytes.subarray(at + 8, end)
    else if (type === acTL || type === eXIf) special = true
    at = end + 4
  }
  if (data.length === 0) return 'is a damaged PNG picture: there is no picture in it'
  return {
    width: view.getUint32(start + 8),
    height: view.getUint32(start + 12),
    depth: view.getUint8(start + 16),
    colour: view.getUint8(start + 17),
    interlaced: view.getUint8(start + 20) !== 0,
    data,
    palette,
    transparency,
    special,
  }
}

const cutOff = (bytes: Uint8Array): string =>
  `is a PNG picture that is cut off: it ends after ${bytes.length} bytes, in the middle`
