import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { limits } from '#protocol/limits.ts'

/**
 * Reads a whole file. A text instead of bytes says what is wrong with it: the end of a sentence that begins
 * with the item's name. The bytes are a view of a shared buffer: valid until the next call.
 */
export const readItemFile = (path: string): Uint8Array | string => {
  let file: number
  try {
    // A pipe must not stop the process: without O_NONBLOCK (not on Windows) opening it waits for a writer.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (thrown) {
    return `cannot be opened: ${reasonOf(thrown)} (${path})`
  }
  try {
    const read = readSync(file, shared, 0, shared.length, null)
    return read < shared.length ? shared.subarray(0, read) : readLarge(file)
  } catch (thrown) {
    return `cannot be read: ${reasonOf(thrown)} (${path})`
  } finally {
    closeSync(file)
  }
}

/** Most items are small: one buffer serves all of them, and its one read is all that they cost. */
const shared = Buffer.alloc(64 * 1024)

const readLarge = (file: number): Uint8Array | string => {
  const { size } = fstatSync(file)
  if (size > limits.itemBytes) {
    return `has ${size} bytes, more than the ${limits.itemBytes} that are read`
  }
  const whole = Buffer.allocUnsafe(Math.max(size, shared.length))
  let filled = shared.copy(whole)
  while (filled < whole.length) {
    const read = readSync(file, whole, filled, whole.length - filled, null)
    if (read === 0) break
    filled += read
  }
  return whole.subarray(0, filled)
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there any more',
  EACCES: 'its permissions forbid it',
  EPERM: 'its permissions forbid it',
  ELOOP: 'its links go in a circle',
  EMFILE: 'too many files are open on this machine',
  ENFILE: 'too many files are open on this machine',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  EAGAIN: 'it is not a file',
}

const reasonOf = (thrown: unknown): string => {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return reasons[code] ?? (code === '' ? String(thrown) : code)
}
