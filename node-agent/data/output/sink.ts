import { ftruncateSync, writeSync } from 'node:fs'

/** Appends to an open file in few large writes. It belongs to a thread that may wait for the disk. */
export interface Sink {
  readonly text: (text: string) => void
  readonly bytes: (bytes: Uint8Array) => void
  /** Bytes appended so far, those that still wait included. */
  readonly size: () => number
  /** Begins the file anew. */
  readonly restart: () => void
  readonly flush: () => void
}

const writeChars = 256 * 1024

export const createSink = (file: number): Sink => {
  let parts: string[] = []
  let chars = 0
  let position = 0
  const write = (bytes: Uint8Array): void => {
    // One system call may take only some of it.
    for (let done = 0; done < bytes.byteLength;)
      done += writeSync(file, bytes, done, bytes.byteLength - done, position + done)
    position += bytes.byteLength
  }
  const flush = (): void => {
    if (chars === 0) return
    const bytes = Buffer.from(parts.join(''))
    parts = []
    chars = 0
    write(bytes)
  }
  return {
    text: (text) => {
      parts.push(text)
      chars += text.length
      if (chars >= writeChars) flush()
    },
    bytes: (bytes) => {
      flush()
      write(bytes)
    },
    size: () => {
      flush()
      return position
    },
    restart: () => {
      parts = []
      chars = 0
      position = 0
      ftruncateSync(file)
    },
    flush,
  }
}
