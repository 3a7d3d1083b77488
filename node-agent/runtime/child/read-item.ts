import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs'
import { sep } from 'node:path'
import type { ItemPlace } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import {
  aboutItem,
  becameShorter,
  changedSince,
  leadsOut,
  unreadableWords,
} from '#protocol/model/planned-file.ts'

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

/**
 * Reads a planned file in its folder, and only if it is what the plan says and inside the root. A text says why
 * not: a sentence. The bytes are valid until the next call.
 */
export const readPlannedFile = (place: ItemPlace, planned: PlannedFile): Uint8Array | string => {
  const opened = openPlanned(place, planned)
  if (typeof opened === 'string') return opened
  try {
    const bytes = readAll(opened, planned.bytes)
    return bytes ?? aboutItem(planned.name, becameShorter)
  } catch (thrown) {
    return aboutItem(planned.name, unreadableWords(codeOf(thrown), planned.name))
  } finally {
    closeSync(opened)
  }
}

/** Path of a planned file that was checked just now, or a sentence. */
export const plannedPath = (
  place: ItemPlace,
  planned: PlannedFile,
): { readonly path: string } | string => {
  const opened = openPlanned(place, planned)
  if (typeof opened === 'string') return opened
  closeSync(opened)
  return { path: realpathSync(pathIn(place, planned)) }
}

const pathIn = ({ folder }: ItemPlace, { name }: PlannedFile): string =>
  `${folder}${folder.endsWith(sep) ? '' : sep}${name.slice(name.lastIndexOf('/') + 1)}`

const openPlanned = (place: ItemPlace, planned: PlannedFile): number | string => {
  let file: number | undefined
  try {
    file = openInside(place, pathIn(place, planned))
    const problem = file === undefined ? leadsOut : changedSince(planned, fstatSync(file))
    if (problem === undefined && file !== undefined) return file
    if (file !== undefined) closeSync(file)
    return aboutItem(planned.name, problem ?? leadsOut)
  } catch (thrown) {
    if (file !== undefined) closeSync(file)
    return aboutItem(planned.name, unreadableWords(codeOf(thrown), planned.name))
  }
}

/** A link in the last place is not followed, and a pipe put there since does not make us wait. */
const noFollow = constants.O_NOFOLLOW ?? 0
const openFlags = constants.O_RDONLY | noFollow | (constants.O_NONBLOCK ?? 0)

/** Undefined: a link leads out of the root. */
const openInside = ({ root }: ItemPlace, path: string): number | undefined => {
  try {
    // Windows cannot be told not to follow: it is asked before.
    if (noFollow !== 0 || !lstatSync(path).isSymbolicLink()) return openSync(path, openFlags)
  } catch (thrown) {
    if (!['ELOOP', 'EMLINK'].includes(codeOf(thrown))) throw thrown
  }
  const real = realpathSync(path)
  const below = root.endsWith(sep) ? root : root + sep
  return real.startsWith(below) ? openSync(real, openFlags) : undefined
}

/** Undefined: the file is shorter. */
const readAll = (file: number, length: number): Uint8Array | undefined => {
  const target = length <= shared.length ? shared : Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const read = readSync(file, target, filled, length - filled, null)
    if (read === 0) return undefined
    filled += read
  }
  return target.subarray(0, length)
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

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''

const reasonOf = (thrown: unknown): string => {
  const code = codeOf(thrown)
  return reasons[code] ?? (code === '' ? String(thrown) : code)
}
