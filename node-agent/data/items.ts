import { closeSync, constants, fstatSync, lstatSync, open, read, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import type { ItemContent, ItemReader } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { systemCode } from './disk.ts'
import { isInside } from './folder-walk.ts'
import { shorten, unreadableMs } from './names.ts'

/** Reads planned files, and only while they are what the plan says. */
export const createItemReader = (): ItemReader => {
  const realFolder = createRealFolders()
  return {
    read: async (root, item) => {
      const early = refusal(item)
      if (early !== undefined) return problem(item, early)
      try {
        return await readInside(realFolder, root, item)
      } catch (thrown) {
        return problem(item, wordsOf(thrown, item))
      }
    },
    inPlacePath: async (root, item) => {
      if (refusal(item) !== undefined) return undefined
      try {
        return await pathInside(realFolder, root, item)
      } catch {
        return undefined
      }
    },
  }
}

/**
 * A file's facts cost two microseconds at once and forty by way of the thread pool. Asking for its folder
 * first, in the pool, once a second, keeps a disk that hangs from taking the agent's loop along.
 */
const pathInside = async (
  realFolder: RealFolder,
  root: string,
  item: PlannedItem,
): Promise<string | undefined> => {
  const [realRoot, folder] = await Promise.all([
    realFolder(root),
    realFolder(dirname(join(root, item.name))),
  ])
  const direct = join(folder, lastName(item.name))
  const found = lstatSync(direct)
  const isLink = found.isSymbolicLink()
  const path = isLink ? await realpath(direct) : direct
  const facts = isLink ? statSync(path) : found
  return isInside(realRoot, path) && changed(facts, item) === undefined ? path : undefined
}

const openFile = promisify(open)

const problem = (item: PlannedItem, words: string): ItemContent => ({
  ok: false,
  problem: `"${shorten(item.name)}" ${words}`,
})

/** What is wrong with an item before any file is touched. */
const refusal = (item: PlannedItem): string | undefined => {
  if (item.modifiedMs === unreadableMs)
    return item.name.includes('\ufffd')
      ? 'has a name that is not valid UTF-8: rename the file.'
      : 'could not be looked at when the job was planned: check its permissions and the length of its path.'
  if (item.bytes > limits.itemBytes)
    return `has ${item.bytes} bytes, more than the ${limits.itemBytes} an item may have.`
  if (item.name.split('/').includes('..')) return 'leads out of its input folder and was refused.'
  return undefined
}

/** Why a file is no longer the planned one. */
const changed = (facts: Stats, item: PlannedItem): string | undefined => {
  if (!facts.isFile()) return 'is no longer a file: submit the job again.'
  if (facts.size !== item.bytes)
    return `had ${item.bytes} bytes when the job was planned and now has ${facts.size}: submit the job again.`
  if (Math.trunc(facts.mtimeMs) !== item.modifiedMs)
    return 'was changed after the job was planned: submit the job again.'
  return undefined
}

const wordsOf = (thrown: unknown, item: PlannedItem): string => {
  const code = systemCode(thrown)
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'is gone: it was there when the job was planned.'
    case 'EACCES':
    case 'EPERM':
      return 'cannot be read by this user: check its permissions.'
    case 'ENAMETOOLONG':
      return 'has too long a path: move its folder nearer to the root.'
    default:
      return item.name.includes('\0')
        ? 'has a name that no file can have.'
        : `could not be read (${code === '' ? 'unknown error' : code}): check its disk.`
  }
}

/** A link in the last place is not followed, and a pipe put there since does not make us wait. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

const readInside = async (
  realFolder: RealFolder,
  root: string,
  item: PlannedItem,
): Promise<ItemContent> => {
  const found = await openInside(realFolder, root, item)
  if (typeof found === 'string') return problem(item, found)
  try {
    // Facts and closing of an open file cost microseconds; a thread's round trip costs more than the file.
    const facts = fstatSync(found)
    const difference = changed(facts, item)
    if (difference !== undefined) return problem(item, difference)
    const bytes = await readAll(found, item.bytes)
    if (bytes === undefined) return problem(item, 'became shorter while it was read: submit again.')
    return { ok: true, bytes, modifiedMs: item.modifiedMs }
  } finally {
    closeSync(found)
  }
}

/** An open file below the root, or why there is none. */
const openInside = async (
  realFolder: RealFolder,
  root: string,
  item: PlannedItem,
): Promise<number | string> => {
  const outside = 'leads out of its input folder by a link and was refused.'
  const path = join(root, item.name)
  const [realRoot, folder] = await Promise.all([realFolder(root), realFolder(dirname(path))])
  if (!isInside(realRoot, folder)) return outside
  if (process.platform !== 'win32') {
    try {
      return await openFile(join(folder, lastName(item.name)), openFlags)
    } catch (thrown) {
      if (!['ELOOP', 'EMLINK'].includes(systemCode(thrown))) throw thrown
    }
  }
  const real = await realpath(path)
  return isInside(realRoot, real) ? openFile(real, openFlags) : outside
}

const lastName = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

const readAll = async (file: number, length: number): Promise<Uint8Array | undefined> => {
  const bytes = Buffer.allocUnsafe(length)
  for (let done = 0; done < length;) {
    const count = await readSome(file, bytes, done)
    if (count === 0) return undefined
    done += count
  }
  return bytes
}

const readSome = (file: number, bytes: Buffer, from: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(file, bytes, from, bytes.length - from, from, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })

type RealFolder = (folder: string) => Promise<string>

/** Real paths of folders, remembered for a second: thousands of small files share one. */
const createRealFolders = (): RealFolder => {
  const keptMs = 1_000
  const known = new Map<string, { readonly real: Promise<string>; readonly until: number }>()
  return (folder) => {
    const now = performance.now()
    const entry = known.get(folder)
    if (entry !== undefined && now < entry.until) return entry.real
    if (known.size >= 1_000) known.clear()
    const real = realpath(folder)
    known.set(folder, { real, until: now + keptMs })
    real.catch(() => known.delete(folder))
    return real
  }
}
