import { crc32, deflateSync } from 'node:zlib'

/** Samples of a PNG file as they are stored, to test decoders with forms that no encoder here writes. */
export interface PngParts {
  readonly width: number
  readonly height: number
  readonly depth: number
  /** 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGBA. */
  readonly colour: number
  /** Rows one after the other, packed as the depth says, without filter bytes. */
  readonly rows: Uint8Array
  /** Filter of all rows: 0 none, 1 sub, 2 up, 3 average, 4 Paeth. Samples are filtered accordingly. */
  readonly filter?: 0 | 1 | 2 | 3 | 4
  /** RGB triples. */
  readonly palette?: Uint8Array
  readonly transparency?: Uint8Array
  readonly interlaced?: boolean
  /** Further chunks before the data. */
  readonly extra?: readonly { readonly type: string; readonly data: Uint8Array }[]
  /** Instead of the compressed rows. */
  readonly data?: Uint8Array
}

const channels: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export const encodePng = (parts: PngParts): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(parts.width, 0)
  header.writeUInt32BE(parts.height, 4)
  header[8] = parts.depth
  header[9] = parts.colour
  header[12] = parts.interlaced === true ? 1 : 0
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(parts.extra ?? []).map(({ type, data }) => chunk(type, data)),
    ...(parts.palette === undefined ? [] : [chunk('PLTE', parts.palette)]),
    ...(parts.transparency === undefined ? [] : [chunk('tRNS', parts.transparency)]),
    chunk('IDAT', parts.data ?? deflateSync(filtered(parts))),
    chunk('IEND', new Uint8Array()),
  ])
}

const filtered = (parts: PngParts): Buffer => {
  const { width, height, depth, rows, filter = 0 } = parts
  const bits = depth * (channels[parts.colour] ?? 1)
  const stride = Math.ceil((width * bits) / 8)
  const step = Math.max(1, bits / 8)
  const out = Buffer.alloc(height * (stride + 1))
  for (let y = 0; y < height; y += 1) {
    out[y * (stride + 1)] = filter
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x
      const left = x >= step ? (rows[at - step] ?? 0) : 0
      const above = y > 0 ? (rows[at - stride] ?? 0) : 0
      const corner = x >= step && y > 0 ? (rows[at - stride - step] ?? 0) : 0
      const guesses = [0, left, above, (left + above) >> 1, paeth(left, above, corner)]
      out[y * (stride + 1) + 1 + x] = ((rows[at] ?? 0) - (guesses[filter] ?? 0)) & 255
    }
  }
  return out
}

const paeth = (left: number, above: number, corner: number): number => {
  const guess = left + above - corner
  const [nearest] = [left, above, corner].toSorted(
    (a, b) => Math.abs(guess - a) - Math.abs(guess - b),
  )
  return nearest ?? 0
}

export const chunk = (type: string, data: Uint8Array): Buffer => {
  const whole = Buffer.alloc(data.length + 12)
  whole.writeUInt32BE(data.length, 0)
  whole.write(type, 4, 'latin1')
  whole.set(data, 8)
  whole.writeUInt32BE(crc32(whole.subarray(4, data.length + 8)), data.length + 8)
  return whole
}
