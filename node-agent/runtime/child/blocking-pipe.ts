import { readSync, writeSync } from 'node:fs'
import { encodeFrame, frameLength, prefixBytes, readFrame, requestLimits } from '../frames.ts'
import type { Frame, FrameLimits } from '../frames.ts'

/**
 * The worker process's end of the pipe, read and written without the event loop: it has nothing else to
 * wait for, and a stream would cost as much as decoding two digits for each mini-batch.
 */
export interface BlockingPipe {
  /** Waits for the next frame; its body is valid until the next call. Undefined: the agent is gone. */
  readonly next: () => Frame | undefined
  /**
   * Writes a frame now. Answers are never held back to share a write: if the next mini-batch hangs, the one
   * before it must have been heard, or it would be charged too.
   */
  readonly send: (head: object, body: readonly Uint8Array[]) => void
}

const bufferBytes = 256 * 1024

export const createBlockingPipe = (
  descriptor: number,
  most: FrameLimits = requestLimits,
): BlockingPipe => ({
  next: createReader(descriptor, most),
  send: (head, body) => {
    for (const part of encodeFrame(head, body)) writeAll(descriptor, part)
  },
})

const createReader = (descriptor: number, most: FrameLimits): BlockingPipe['next'] => {
  const buffer = Buffer.allocUnsafe(bufferBytes)
  /** Bytes `from` up to `to` of the buffer were read and not yet used. */
  let from = 0
  let to = 0

  /** Reads until `bytes` bytes are at hand; false at the end of the pipe. */
  const hold = (bytes: number): boolean => {
    if (from + bytes > buffer.length) {
      buffer.copyWithin(0, from, to)
      to -= from
      from = 0
    }
    while (to - from < bytes) {
      const read = readSome(descriptor, buffer, to)
      if (read === 0) return false
      to += read
    }
    return true
  }
  const holdLarge = (length: number): Buffer | undefined => {
    const frame = Buffer.allocUnsafe(length)
    let filled = buffer.copy(frame, 0, from, to)
    from = to = 0
    while (filled < length) {
      const read = readSome(descriptor, frame, filled)
      if (read === 0) return undefined
      filled += read
    }
    return frame
  }
  return () => {
    if (from === to) from = to = 0
    if (!hold(prefixBytes)) return undefined
    const length = frameLength(buffer.subarray(from, to), most)
    if (length > buffer.length) {
      const frame = holdLarge(length)
      return frame && readFrame(frame)
    }
    if (!hold(length)) return undefined
    from += length
    return readFrame(buffer.subarray(from - length, from))
  }
}

const readSome = (descriptor: number, target: Buffer, at: number): number => {
  for (;;) {
    try {
      return readSync(descriptor, target, at, target.length - at, null)
    } catch (thrown) {
      if (isEnd(thrown)) return 0
      if (!isAgain(thrown)) throw thrown
      pause()
    }
  }
}

const writeAll = (descriptor: number, bytes: Uint8Array): void => {
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(descriptor, bytes, written)
    } catch (thrown) {
      if (!isAgain(thrown)) throw thrown
      pause()
    }
  }
}

const codeOf = (thrown: unknown): unknown =>
  thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
const isEnd = (thrown: unknown): boolean =>
  ['EOF', 'EPIPE', 'ECONNRESET'].includes(String(codeOf(thrown)))
/** Pipes are opened blocking, but whoever shares one may change that. */
const isAgain = (thrown: unknown): boolean => codeOf(thrown) === 'EAGAIN'

const bell = new Int32Array(new SharedArrayBuffer(4))
const pause = (): void => {
  Atomics.wait(bell, 0, 0, 1)
}
