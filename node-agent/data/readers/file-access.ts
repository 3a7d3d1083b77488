import { close, closeSync, constants, fstatSync, open, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import type { FileFacts } from '#protocol/model/planned-file.ts'

/** How a file's bytes are read: without holding up the thread, or at once where a thread is there for it. */
export interface FileAccess {
  readonly open: (path: string) => number | Promise<number>
  /** Bytes read into `into` from `position` of the file; 0 at its end. */
  readonly read: (file: number, into: Uint8Array, position: number) => number | Promise<number>
  readonly close: (file: number) => void | Promise<void>
}

const readSome = (file: number, into: Uint8Array, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(file, into, 0, into.length, position, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })

/** A pipe put there since the file was looked at does not make us wait. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** For the agent's own thread. */
export const patientAccess: FileAccess = {
  open: (path) => promisify(open)(path, openFlags),
  read: readSome,
  close: (file) => promisify(close)(file),
}

/** For threads and processes that have nothing else to do: a tenth of the cost. */
export const directAccess: FileAccess = {
  open: (path) => openSync(path, openFlags),
  read: (file, into, position) => readSync(file, into, 0, into.length, position),
  close: (file) => closeSync(file),
}

/** A file that is open for as long as it is in use. */
export interface OpenFile extends AsyncDisposable {
  /** Bytes from `position` on, as many as come at once, in memory that the next call uses again. */
  readonly block: (position: number) => Promise<Uint8Array>
  /**
   * Exactly these bytes, in memory of their own or at the beginning of `into`, which must have room for them;
   * undefined if the file ends before.
   */
  readonly exactly: (
    position: number,
    length: number,
    into?: Uint8Array,
  ) => Promise<Uint8Array | undefined>
  /** What the system says of the open file now. */
  readonly facts: () => FileFacts
}

const blockBytes = 1024 * 1024

/** Reads no further than `bytes`, whatever was added since. */
export const openForReading = async (
  access: FileAccess,
  path: string,
  bytes: number,
): Promise<OpenFile> => {
  const file = await access.open(path)
  let buffer: Buffer | undefined
  return {
    block: async (position) => {
      buffer ??= Buffer.allocUnsafe(Math.min(blockBytes, Math.max(1, bytes)))
      const length = Math.min(buffer.length, bytes - position)
      if (length <= 0) return buffer.subarray(0, 0)
      return buffer.subarray(0, await access.read(file, buffer.subarray(0, length), position))
    },
    exactly: async (position, length, into) => {
      const found = into?.subarray(0, length) ?? Buffer.allocUnsafe(length)
      for (let done = 0; done < length;) {
        const count = await access.read(file, found.subarray(done), position + done)
        if (count === 0) return undefined
        done += count
      }
      return found
    },
    // Facts of an open file cost microseconds.
    facts: () => fstatSync(file),
    [Symbol.asyncDispose]: async () => access.close(file),
  }
}
