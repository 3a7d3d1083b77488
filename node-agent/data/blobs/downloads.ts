import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import type { DownloadedFile, Downloads } from '#agent/ports/downloads.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { changedSince, shorten } from '#protocol/model/planned-file.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { systemCode, writeAll, writeError } from '../disk.ts'
import { createWholeLists } from './whole-lists.ts'

/**
 * Copies of inputs below `folder`, one folder for each job: in it one for each of its inputs, one for files that
 * are not whole, and the list of those that are.
 */
export const createDownloads = (folder: string): Downloads => {
  const jobFolder = (job: JobId): string => join(folder, job)
  const folderOf = (job: JobId, input: number): string => join(jobFolder(job), String(input))
  const lists = createWholeLists(jobFolder)
  return {
    folderOf,
    missing: async (job, files, signal) => {
      const found: PlannedFile[] = []
      for (const file of files) {
        const path = pathInside(folderOf(job, file.input), file.name)
        const isHere = path !== undefined && (await isThere(path, file))
        if (!isHere || !(await lists.isProven(job, { file, path, signal }))) found.push(file)
      }
      return found
    },
    keepOnly: async (jobs) => {
      const kept = new Map<JobId, number>()
      for (const name of await namesIn(folder)) {
        const job = jobs.find((one) => one === name)
        const left = job === undefined ? folder : jobFolder(job)
        await rm(join(left, job === undefined ? name : unfinished), {
          recursive: true,
          force: true,
        })
        if (job !== undefined) kept.set(job, await lists.bytesOf(job))
      }
      return kept
    },
    open: (job, file) =>
      openOne({
        folder: folderOf(job, file.input),
        fresh: join(jobFolder(job), unfinished, randomUUID()),
        file,
        whole: (sha256) => lists.add(job, file, sha256),
      }),
    freeBytes: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },
    drop: async (job) => {
      lists.drop(job)
      await rm(jobFolder(job), { recursive: true, force: true })
    },
  }
}

/** Beside the folders of inputs, which are numbers. */
const unfinished = 'unfinished'

const namesIn = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return []
    throw thrown
  })

/** Names come from others. Undefined: it leads out, or can be no name here. */
const pathInside = (folder: string, name: string): string | undefined => {
  const path = resolve(folder, name)
  const isPlain = path.startsWith(folder + sep) && !name.includes('\0')
  return isPlain && (sep === '/' || !/[<>:"|?*\\]/.test(name)) ? path : undefined
}

const isThere = async (path: string, file: PlannedFile): Promise<boolean> => {
  const facts = await stat(path).catch(() => undefined)
  return facts !== undefined && changedSince(file, facts) === undefined
}

interface Opening {
  /** Folder of the input. */
  readonly folder: string
  /** The file's path until it is whole. */
  readonly fresh: string
  readonly file: PlannedFile
  /** It is whole and has its name. */
  readonly whole: (sha256: string) => Promise<void>
}

const openOne = async (opening: Opening): Promise<Result<DownloadedFile, MusterError>> => {
  const { folder, fresh, file } = opening
  const path = pathInside(folder, file.name)
  if (path === undefined)
    return err(
      musterError(
        'InputUnreadable',
        `The file "${shorten(file.name)}" cannot have this name on this machine, so it cannot be downloaded: rename it.`,
      ),
    )
  const tellError = (thrown: unknown): Result<never, MusterError> =>
    err(writeError(thrown, `The downloaded file "${shorten(file.name)}"`, folder))
  try {
    for (const target of [path, fresh])
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    const handle = await open(fresh, 'wx', 0o600)
    return ok(fileOf({ ...opening, handle, path, tellError }))
  } catch (thrown) {
    return tellError(thrown)
  }
}

interface Opened extends Opening {
  readonly handle: FileHandle
  readonly path: string
  readonly tellError: (thrown: unknown) => Result<never, MusterError>
}

const fileOf = ({ handle, fresh, path, file, whole, tellError }: Opened): DownloadedFile => {
  const hash = createHash('sha256')
  let bytes = 0
  let isWhole = false
  return {
    write: async (part) => {
      try {
        await writeAll(handle, part, bytes)
        hash.update(part)
        bytes += part.length
        return ok(undefined)
      } catch (thrown) {
        return tellError(thrown)
      }
    },
    finish: async (sha256) => {
      if (bytes !== file.bytes || hash.digest('hex') !== sha256) return ok(false)
      try {
        // Half a millisecond more: the nearest number of seconds may lie below the whole millisecond.
        const seconds = (file.modifiedMs + (file.modifiedMs < 0 ? -0.5 : 0.5)) / 1_000
        await handle.utimes(seconds, seconds)
        await handle.close()
        await rename(fresh, path)
        isWhole = true
        await whole(sha256)
        return ok(await isThere(path, file))
      } catch (thrown) {
        return tellError(thrown)
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (isWhole) return
      await handle.close().catch(() => undefined)
      await rm(fresh, { force: true })
    },
  }
}
