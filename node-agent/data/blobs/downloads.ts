import { createHash, randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import type { DownloadedFile, Downloads } from '#agent/ports/data.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { changedSince, shorten } from '#protocol/model/planned-file.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { writeAll, writeError } from '../disk.ts'

/** Copies of inputs below `folder`, one folder for each job and in it one for each of its inputs. */
export const createDownloads = (folder: string): Downloads => {
  // What a killed agent left was not written through to the disk: it proves nothing.
  rmSync(folder, { recursive: true, force: true })
  const jobFolder = (job: JobId): string => join(folder, job)
  const folderOf = (job: JobId, input: number): string => join(jobFolder(job), String(input))
  return {
    folderOf,
    missing: async (job, files) => {
      const found: PlannedFile[] = []
      for (const file of files) {
        const path = pathInside(folderOf(job, file.input), file.name)
        if (path === undefined || !(await isThere(path, file))) found.push(file)
      }
      return found
    },
    open: (job, file) => openOne(folderOf(job, file.input), file),
    freeBytes: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },
    drop: (job) => rm(jobFolder(job), { recursive: true, force: true }),
  }
}

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

const openOne = async (
  folder: string,
  file: PlannedFile,
): Promise<Result<DownloadedFile, MusterError>> => {
  const path = pathInside(folder, file.name)
  if (path === undefined)
    return err(
      musterError(
        'InputUnreadable',
        `The file "${shorten(file.name)}" cannot have this name on this machine, so it cannot be downloaded: rename it.`,
      ),
    )
  const fresh = join(folder, `.${randomUUID()}`)
  const tellError = (thrown: unknown): Result<never, MusterError> =>
    err(writeError(thrown, `The downloaded file "${shorten(file.name)}"`, folder))
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const handle = await open(fresh, 'wx', 0o600)
    return ok(fileOf({ handle, fresh, path, file, tellError }))
  } catch (thrown) {
    return tellError(thrown)
  }
}

interface Opened {
  readonly handle: FileHandle
  /** Its path until it is whole. */
  readonly fresh: string
  readonly path: string
  readonly file: PlannedFile
  readonly tellError: (thrown: unknown) => Result<never, MusterError>
}

const fileOf = ({ handle, fresh, path, file, tellError }: Opened): DownloadedFile => {
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
