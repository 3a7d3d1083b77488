import { musterError, MusterFailure } from '#protocol/errors.ts'

/**
 * Frames on a stream: a length of four bytes (unsigned, big-endian), then that many bytes. The length
 * is checked before anything is kept, and bytes are kept as they come: a header that lies costs nothing.
 */
export const frameHeaderBytes = 4

export interface FrameReader {
  /** The frames that `chunk` completes. @throws MusterFailure `FrameTooLarge` */
  readonly push: (chunk: Uint8Array) => readonly Uint8Array[]
}

/** Cuts a byte stream into frames of at most `maxBytes`. */
export const createFrameReader = (maxBytes: number): FrameReader => {
  let held: Uint8Array[] = []
  let heldBytes = 0
  /** Bytes without which nothing more can be read. */
  let needed = frameHeaderBytes

  const push = (chunk: Uint8Array): readonly Uint8Array[] => {
    held.push(chunk)
    heldBytes += chunk.length
    if (heldBytes < needed) return []
    const bytes = held.length === 1 ? chunk : joinBytes(held, heldBytes)
    const frames: Uint8Array[] = []
    let offset = 0
    needed = frameHeaderBytes
    while (bytes.length - offset >= frameHeaderBytes) {
      const length = lengthAt(bytes, offset)
      if (length > maxBytes) throw tooLarge(length, maxBytes)
      const end = offset + frameHeaderBytes + length
      if (end > bytes.length) {
        needed = frameHeaderBytes + length
        break
      }
      frames.push(bytes.subarray(offset + frameHeaderBytes, end))
      offset = end
    }
    held = offset < bytes.length ? [bytes.subarray(offset)] : []
    heldBytes = bytes.length - offset
    return frames
  }

  return { push }
}

/** One buffer with the frames of `payloads`; a payload may come in parts. */
export const joinFrames = (payloads: readonly (readonly Uint8Array[])[]): Uint8Array => {
  let total = 0
  for (const parts of payloads) total += frameHeaderBytes + lengthOf(parts)
  const joined = Buffer.allocUnsafe(total)
  let offset = 0
  for (const parts of payloads) {
    joined.writeUInt32BE(lengthOf(parts), offset)
    offset += frameHeaderBytes
    for (const part of parts) {
      joined.set(part, offset)
      offset += part.length
    }
  }
  return joined
}

/** Bytes of a payload given in parts. */
export const lengthOf = (parts: readonly Uint8Array[]): number => {
  let total = 0
  for (const part of parts) total += part.length
  return total
}

const lengthAt = (bytes: Uint8Array, offset: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset + offset, frameHeaderBytes).getUint32(0)

const joinBytes = (parts: readonly Uint8Array[], total: number): Uint8Array => {
  const joined = Buffer.allocUnsafe(total)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

const tooLarge = (length: number, maxBytes: number): MusterFailure =>
  new MusterFailure(
    musterError(
      'FrameTooLarge',
      `A message of ${length} bytes was announced where ${maxBytes} are allowed, so the connection was closed.`,
    ),
  )
