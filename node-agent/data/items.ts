import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, lstatSync, open, read, statSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import type { ItemContent, ItemReader, Stretch, StretchPiece } from '#agent/ports/items.ts'
import type { ItemPlace } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import type { PlannedFile, PlannedItem } from '#protocol/model/plan.ts'
import {
  aboutItem,
  becameShorter,
  changedSince,
  leadsOut,
  refusalOf,
  unreadableWords,
} from '#protocol/model/planned-file.ts'
import { systemCode } from './disk.ts'
import { isInside } from './plan/folder-walk.ts'
import { narrowSlice } from './readers/narrow.ts'

/** Reads planned files, and only while they are what the plan says. */
export const createItemReader = (): ItemReader => {
  const realFolder = createRealFolders()
  return {
    read: async (root, item) => {
      const early = refusalOf(item, limits.itemBytes)
      if (early !== undefined) return problem(item, early)
      try {
        return await readInside(realFolder, root, item)
      } catch (thrown) {
        return problem(item, unreadableWords(systemCode(thrown), item.name))
      }
    },
    places: (root, items) => placesOf(realFolder, root, items),
    lookAgain: async (root, item) => {
      try {
        const { size, mtimeMs } = await stat(join(root, item.name))
        return { ...item, bytes: size, modifiedMs: Math.trunc(mtimeMs) }
      } catch {
        return item
      }
    },
    narrow: narrowSlice,
    inPlacePath: async (root, item) => {
      if (refusalOf(item, limits.itemBytes) !== undefined) return undefined
      return pathInside(realFolder, root, item).catch(() => undefined)
    },
    tablePath: async (root, file) => {
      if (refusalOf(file, Infinity) !== undefined) return undefined
      return pathInside(realFolder, root, file).catch(() => undefined)
    },
    copy: (root, file) => copyFile(realFolder, root, file),
    readStretches: async function* (root, file, stretches) {
      const early = refusalOf(file, Infinity)
      if (early !== undefined) return yield problem(file, early)
      try {
        const found = await openInside(realFolder, root, file)
        if (typeof found === 'string') return yield problem(file, found)
        try {
          const difference = changedSince(file, fstatSync(found))
          if (difference === undefined) yield* readPieces(found, file, stretches)
          else yield problem(file, difference)
        } finally {
          closeSync(found)
        }
      } catch (thrown) {
        yield problem(file, unreadableWords(systemCode(thrown), file.name))
      }
    },
  }
}

/** The whole file, and its hash if it stayed the same while it was read. */
async function* copyFile(
  realFolder: RealFolder,
  root: string,
  file: PlannedFile,
): ReturnType<ItemReader['copy']> {
  const refusal = refusalOf(file, Infinity)
  if (refusal !== undefined) return yield problem(file, refusal)
  try {
    const found = await openInside(realFolder, root, file)
    if (typeof found === 'string') return yield problem(file, found)
    try {
      const hash = createHash('sha256')
      const early = changedSince(file, fstatSync(found))
      if (early !== undefined) return yield problem(file, early)
      for (let at = 0; at < file.bytes;) {
        const bytes = await readAll(found, at, Math.min(limits.bulkFrameBytes, file.bytes - at))
        if (bytes === undefined) return yield problem(file, becameShorter)
        hash.update(bytes)
        at += bytes.length
        yield { bytes }
      }
      const difference = changedSince(file, fstatSync(found))
      yield difference === undefined ? { sha256: hash.digest('hex') } : problem(file, difference)
    } finally {
      closeSync(found)
    }
  } catch (thrown) {
    yield problem(file, unreadableWords(systemCode(thrown), file.name))
  }
}

/** Stretches that lie close together are read at once. */
async function* readPieces(
  file: number,
  planned: PlannedFile,
  stretches: readonly Stretch[],
): AsyncGenerator<StretchPiece | { readonly problem: string }, void, undefined> {
  const most = limits.bulkFrameBytes
  let window: Stretch & { readonly bytes: Uint8Array } = {
    offset: 0,
    length: 0,
    bytes: new Uint8Array(),
  }
  for (const [stretch, { offset, length }] of stretches.entries())
    for (let at = offset; at < offset + length; at += most) {
      const wanted = Math.min(most, offset + length - at)
      if (at < window.offset || at + wanted > window.offset + window.length) {
        const ahead = wanted < most ? endWithin(stretches, stretch, at + most) - at : wanted
        const bytes = await readAll(file, at, Math.max(wanted, ahead))
        if (bytes === undefined) return yield problem(planned, becameShorter)
        window = { offset: at, length: bytes.length, bytes }
      }
      const from = at - window.offset
      yield { stretch, bytes: window.bytes.subarray(from, from + wanted) }
    }
}

/** The end of the last of these stretches, in their order, that ends before `limit` and is not passed. */
const endWithin = (stretches: readonly Stretch[], from: number, limit: number): number => {
  let end = 0
  for (let i = from; i < stretches.length; i += 1) {
    const { offset, length } = stretches[i] ?? { offset: limit, length: 1 }
    if (offset < end || offset + length > limit) break
    end = offset + length
  }
  return end
}

/**
 * A file's facts cost two microseconds at once and forty by way of the thread pool. Asking for its folder
 * first, in the pool, once a second, keeps a disk that hangs from taking the agent's loop along.
 */
const pathInside = async (
  realFolder: RealFolder,
  root: string,
  item: PlannedFile,
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
  return isInside(realRoot, path) && changedSince(item, facts) === undefined ? path : undefined
}

/** The folders of items, each asked for once: the files themselves are not touched. */
const placesOf = async (
  realFolder: RealFolder,
  root: string,
  items: readonly PlannedItem[],
): Promise<readonly (ItemPlace | undefined)[]> => {
  const known = new Map<string, ItemPlace | undefined>()
  const found: (ItemPlace | undefined)[] = []
  for (const item of items) {
    const folder = item.name.slice(0, Math.max(0, item.name.lastIndexOf('/')))
    if (!known.has(folder)) known.set(folder, await placeOf(realFolder, root, folder))
    found.push(refusalOf(item, limits.itemBytes) === undefined ? known.get(folder) : undefined)
  }
  return found
}

const placeOf = async (
  realFolder: RealFolder,
  root: string,
  folder: string,
): Promise<ItemPlace | undefined> => {
  try {
    const [realRoot, real] = await Promise.all([realFolder(root), realFolder(join(root, folder))])
    return isInside(realRoot, real) ? { root: realRoot, folder: real } : undefined
  } catch {
    return undefined
  }
}

const openFile = promisify(open)

const problem = (
  item: PlannedFile,
  words: string,
): { readonly ok: false; readonly problem: string } => ({
  ok: false,
  problem: aboutItem(item.name, words),
})

/** A link in the last place is not followed, and a pipe put there since does not make us wait. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

const readInside = async (
  realFolder: RealFolder,
  root: string,
  item: PlannedFile,
): Promise<ItemContent> => {
  const found = await openInside(realFolder, root, item)
  if (typeof found === 'string') return problem(item, found)
  try {
    // Facts and closing of an open file cost microseconds; a thread's round trip costs more than the file.
    const facts = fstatSync(found)
    const difference = changedSince(item, facts)
    if (difference !== undefined) return problem(item, difference)
    const bytes = await readAll(found, 0, item.bytes)
    if (bytes === undefined) return problem(item, becameShorter)
    return { ok: true, bytes, modifiedMs: item.modifiedMs }
  } finally {
    closeSync(found)
  }
}

/** An open file below the root, or why there is none. */
const openInside = async (
  realFolder: RealFolder,
  root: string,
  item: PlannedFile,
): Promise<number | string> => {
  const path = join(root, item.name)
  const [realRoot, folder] = await Promise.all([realFolder(root), realFolder(dirname(path))])
  if (!isInside(realRoot, folder)) return leadsOut
  if (process.platform !== 'win32') {
    try {
      return await openFile(join(folder, lastName(item.name)), openFlags)
    } catch (thrown) {
      if (!['ELOOP', 'EMLINK'].includes(systemCode(thrown))) throw thrown
    }
  }
  const real = await realpath(path)
  return isInside(realRoot, real) ? openFile(real, openFlags) : leadsOut
}

const lastName = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

const readAll = async (
  file: number,
  offset: number,
  length: number,
): Promise<Uint8Array | undefined> => {
  const bytes = Buffer.allocUnsafe(length)
  for (let done = 0; done < length;) {
    const count = await readSome(file, bytes, done, offset + done)
    if (count === 0) return undefined
    done += count
  }
  return bytes
}

const readSome = (file: number, bytes: Buffer, from: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(file, bytes, from, bytes.length - from, position, (error, count) => {
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
