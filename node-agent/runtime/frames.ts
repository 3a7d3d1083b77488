import { limits } from '#protocol/limits.ts'

/**
 * Frames between the agent and a worker process: 4 bytes length of the head, 4 bytes length of the body,
 * both little endian, then the head (JSON text, UTF-8) and the body. Both sides cap what they accept.
 */
export interface Frame {
  readonly head: unknown
  readonly body: Buffer
}

export interface FrameLimits {
  readonly headBytes: number
  readonly bodyBytes: number
}

/** What the worker process accepts from its agent, and the agent from it. */
export const requestLimits: FrameLimits = {
  headBytes: limits.processHeadBytes,
  bodyBytes: limits.processBodyBytes,
}
export const answerLimits: FrameLimits = {
  headBytes: limits.processHeadBytes,
  bodyBytes: limits.processAnswerBytes,
}

/** Bytes before the head. */
export const prefixBytes = 8
/** Up to this size parts are copied into one buffer: one write costs less than several. */
const copyBytes = 64 * 1024

/** Encodes a frame as buffers to be written one after the other. */
export const encodeFrame = (head: object, body: readonly Uint8Array[]): readonly Uint8Array[] => {
  const text = JSON.stringify(head)
  const headBytes = Buffer.byteLength(text)
  const bodyBytes = body.reduce((sum, part) => sum + part.length, 0)
  const whole = bodyBytes <= copyBytes
  const first = Buffer.allocUnsafe(prefixBytes + headBytes + (whole ? bodyBytes : 0))
  first.writeUInt32LE(headBytes, 0)
  first.writeUInt32LE(bodyBytes, 4)
  first.write(text, prefixBytes)
  if (!whole) return [first, ...body]
  let at = prefixBytes + headBytes
  for (const part of body) {
    first.set(part, at)
    at += part.length
  }
  return [first]
}

/**
 * Puts chunks of a stream together to frames. The returned function throws on a frame over its limits or
 * a head that is no JSON; nothing after that can be read.
 */
export const createFrameReader = (
  most: FrameLimits,
  onFrame: (frame: Frame) => void,
): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  /** A frame larger than what has come of it. */
  let target: Buffer | undefined
  let filled = 0

  const emit = (frame: Buffer): void => onFrame(readFrame(frame))
  const fill = (chunk: Buffer): Buffer => {
    if (target === undefined) return chunk
    const taken = chunk.copy(target, filled)
    filled += taken
    if (filled === target.length) {
      const frame = target
      target = undefined
      emit(frame)
    }
    return chunk.subarray(taken)
  }
  return (chunk) => {
    let data = fill(chunk)
    if (rest.length > 0) data = Buffer.concat([rest, data])
    while (data.length >= prefixBytes) {
      const length = frameLength(data, most)
      if (data.length < length) {
        target = Buffer.allocUnsafe(length)
        filled = data.copy(target)
        data = data.subarray(data.length)
        break
      }
      emit(data.subarray(0, length))
      data = data.subarray(length)
    }
    rest = data
  }
}

/** Length of the frame that begins with these bytes (at least `prefixBytes`). @throws on one over the limits */
export const frameLength = (data: Buffer, most: FrameLimits): number => {
  const headBytes = data.readUInt32LE(0)
  const bodyBytes = data.readUInt32LE(4)
  if (headBytes > most.headBytes || bodyBytes > most.bodyBytes) {
    throw new Error(`a frame of ${headBytes} + ${bodyBytes} bytes is over the limit`)
  }
  return prefixBytes + headBytes + bodyBytes
}

/** Takes a whole frame apart; the body is a view of it. @throws on a head that is no JSON */
export const readFrame = (frame: Buffer): Frame => {
  const headEnd = prefixBytes + frame.readUInt32LE(0)
  const head: unknown = JSON.parse(frame.toString('utf8', prefixBytes, headEnd))
  return { head, body: frame.subarray(headEnd) }
}
