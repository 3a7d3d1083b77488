import { createHash } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  existsSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { systemCode } from '../disk.ts'

/** How a finished file or folder gets its name. Nothing that stands there is lost unless that was asked for. */

const tempEnding = '.part'
let temps = 0

/** Path for something that is being written and will be called `name`. */
export const tempBeside = (folder: string, name: string): string =>
  join(folder, `${tempStart(name)}${machine()}-${process.pid}-${++temps}${tempEnding}`)

/** A name may be as long as a file system takes; what is beside it must fit too. */
const tempStart = (name: string): string => {
  const fits = Buffer.byteLength(name) <= tempNameBytes
  return `.${fits ? name : createHash('sha256').update(name).digest('hex')}.`
}
const tempNameBytes = 180

/** Tells the machines apart that write into one share. */
const machine = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** Takes away what is not wanted any more, as far as that can be done. */
export const takeAway = (temp: string): void => {
  try {
    rmSync(temp, { recursive: true, force: true })
  } catch {
    // Whatever hinders this has already failed the writing, and its words are better.
  }
}

/**
 * Takes away what an agent that was killed left of `name`. Others may be writing there too: what belongs to a
 * process that runs here, or came from another machine not long ago, stays.
 */
export const sweepTemps = (folder: string, name: string): void => {
  const start = tempStart(name)
  for (const found of readdirSync(folder)) {
    if (!found.startsWith(start) || !found.endsWith(tempEnding)) continue
    const path = join(folder, found)
    const [, where, id] = /^([0-9a-f]{8})-(\d{1,10})-/.exec(found.slice(start.length)) ?? []
    const isLeft = where === machine() ? !isRunning(Number(id)) : isOld(path)
    if (isLeft) rmSync(path, { recursive: true, force: true })
  }
}

const isRunning = (id: number): boolean => {
  // One thread of an agent writes outputs, one after the other, and looks here before it begins.
  if (id === process.pid) return false
  try {
    process.kill(id, 0)
    return true
  } catch (thrown) {
    return systemCode(thrown) !== 'ESRCH'
  }
}

const isOld = (path: string): boolean => {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  return facts !== undefined && Date.now() - facts.mtimeMs > limits.outputTempMs
}

/** Makes the names in a folder survive a power loss. Windows journals them itself and cannot sync a folder. */
export const syncNames = (folder: string): void => {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Gives a finished file its name, or `name-2.csv` and so on if that is taken by something else. */
export const publishBeside = (temp: string, folder: string, name: string): string => {
  const ending = extname(name)
  const stem = ending === '' ? name : name.slice(0, -ending.length)
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? name : `${stem}-${n}${ending}`)
    if (claim(temp, path)) return path
    if (!isSame(temp, path)) continue
    takeAway(temp)
    return path
  }
}

/** Gives a finished file its name, in place of what has it. */
export const publishOver = (temp: string, folder: string, name: string): string => {
  const path = join(folder, name)
  renameSync(temp, path)
  return path
}

/** Gives a finished file its name. @throws MusterFailure `OutputExists` if it is taken */
export const publishOnly = (temp: string, folder: string, name: string): string => {
  const path = join(folder, name)
  if (claim(temp, path)) return path
  throw new MusterFailure(outputExists(path))
}

/** @param path absolute */
export const outputExists = (path: string) =>
  musterError(
    'OutputExists',
    `${path} is there already and would be replaced: choose another place, or have it overwritten (\`--overwrite\`, in a job file \`overwrite: true\`).`,
  )

/**
 * Whether two files, or two folders with all that is below them, hold the same: an agent that was killed between
 * writing an output and saying so finds it again instead of writing it twice.
 */
export const isSame = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }))
  if (a === undefined || b === undefined) return false
  if (a.isFile() && b.isFile()) return a.size === b.size && isSameBytes(one, other)
  if (!a.isDirectory() || !b.isDirectory()) return false
  const [names, others] = [one, other].map((path) => readdirSync(path).sort())
  return (
    names?.join('/') === others?.join('/') &&
    (names ?? []).every((name) => isSame(join(one, name), join(other, name)))
  )
}

const isSameBytes = (one: string, other: string): boolean => {
  const files = [one, other].map((path) => openSync(path, 'r'))
  const [mine, theirs] = [Buffer.alloc(compareBytes), Buffer.alloc(compareBytes)]
  try {
    for (;;) {
      const [read = 0, readThere = 0] = files.map((file, i) =>
        readSync(file, i === 0 ? mine : theirs),
      )
      if (read !== readThere || mine.compare(theirs, 0, read, 0, read) !== 0) return false
      if (read === 0) return true
    }
  } finally {
    for (const file of files) closeSync(file)
  }
}
const compareBytes = 256 * 1024

/** True if the file now has this name. A link refuses to replace a file; a rename does not. */
const claim = (temp: string, path: string): boolean => {
  try {
    linkSync(temp, path)
    rmSync(temp, { force: true })
    return true
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(code)) throw thrown
  }
  // A file system without links, such as a USB stick's: look first, then rename.
  if (existsSync(path)) return false
  renameSync(temp, path)
  return true
}
