import { musterError, MusterFailure } from '#protocol/errors.ts'

/**
 * Frames on a stream: a length of four bytes (unsigned, big-endian), then that many bytes. The length
 * is checked before anything is kept, and bytes are kept as they come: a header that lies costs nothing.
 */
export const frameHeaderBytes = 4

/** The bytes of one frame as they came: the parts lie in the buffers of the connection and are not copied. */
export type FrameParts = readonly Uint8Array[]

export interface FrameReader<Frame = Uint8Array> {
  /** The frames that `chunk` completes. @throws MusterFailure `FrameTooLarge` */
  readonly push: (chunk: Uint8Array) => readonly Frame[]
}

/** Cuts a byte stream into frames of at most `maxBytes`. */
export const createFrameReader = (maxBytes: number): FrameReader => {
  const reader = createPartsReader(maxBytes)
  return { push: (chunk) => reader.push(chunk).map(joinParts) }
}

/** Cuts a byte stream into frames of at most `maxBytes` without joining what came in parts. */
export const createPartsReader = (maxBytes: number): FrameReader<FrameParts> => {
  const header = new Uint8Array(frameHeaderBytes)
  let headerBytes = 0
  let parts: Uint8Array[] = []
  /** Bytes of the frame that have not come. */
  let missing = 0

  /** Takes what it can of a header; returns where it stopped. */
  const readHeader = (chunk: Uint8Array, from: number): number => {
    let offset = from
    while (headerBytes < frameHeaderBytes && offset < chunk.length)
      header[headerBytes++] = chunk[offset++] ?? 0
    if (headerBytes < frameHeaderBytes) return offset
    missing = new DataView(header.buffer).getUint32(0)
    if (missing > maxBytes) throw tooLarge(missing, maxBytes)
    return offset
  }

  const push = (chunk: Uint8Array): readonly FrameParts[] => {
    const frames: FrameParts[] = []
    for (let offset = 0; offset < chunk.length || isWhole();) {
      if (isWhole()) {
        frames.push(parts)
        parts = []
        headerBytes = 0
      } else if (headerBytes < frameHeaderBytes) {
        offset = readHeader(chunk, offset)
      } else {
        const end = Math.min(offset + missing, chunk.length)
        parts.push(chunk.subarray(offset, end))
        missing -= end - offset
        offset = end
      }
    }
    return frames
  }
  const isWhole = (): boolean => headerBytes === frameHeaderBytes && missing === 0

  return { push }
}

/**
 * One buffer with the frames of `payloads`; a payload may come in parts. `take` gives the buffer they are
 * put in, by default a new one.
 */
export const joinFrames = (
  payloads: readonly FrameParts[],
  take: (bytes: number) => Buffer = (bytes) => Buffer.allocUnsafe(bytes),
): Uint8Array => {
  let total = 0
  for (const parts of payloads) total += frameHeaderBytes + lengthOf(parts)
  const joined = take(total)
  let offset = 0
  for (const parts of payloads) {
    const length = lengthOf(parts)
    joined.writeUInt32BE(length, offset)
    putParts(parts, joined, offset + frameHeaderBytes)
    offset += frameHeaderBytes + length
  }
  return joined
}

/** Bytes of a payload given in parts. */
export const lengthOf = (parts: FrameParts): number => {
  let total = 0
  for (const part of parts) total += part.length
  return total
}

/** One buffer with all parts; a single part as it is. */
export const joinParts = (parts: FrameParts): Uint8Array => {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  return putParts(parts, Buffer.allocUnsafe(lengthOf(parts)), 0)
}

const putParts = (parts: FrameParts, target: Buffer, at: number): Buffer => {
  let offset = at
  for (const part of parts) {
    target.set(part, offset)
    offset += part.length
  }
  return target
}

const tooLarge = (length: number, maxBytes: number): MusterFailure =>
  new MusterFailure(
    musterError(
      'FrameTooLarge',
      `A message of ${length} bytes was announced where ${maxBytes} are allowed, so the connection was closed.`,
    ),
  )
