import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RunLogs } from '#agent/ports/logs.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import { systemCode, writeError } from '../disk.ts'
import { sweepTemps, tempBeside } from './publish.ts'

/** Logs are written one after the other, so all that they left is of an earlier agent. */
const tempName = 'log'

/** @param folderOf absolute folder of a run's output */
export const createRunLogs = (folderOf: (job: JobId) => string): RunLogs => {
  const folder = (job: JobId): string => join(folderOf(job), 'logs')
  return {
    folder,
    write: async (job, path, parts) => {
      const whole = join(folder(job), path)
      const temp = tempBeside(dirname(whole), tempName)
      try {
        await mkdir(dirname(whole), { recursive: true })
        sweepTemps(dirname(whole), tempName)
        await pipeline(Readable.from(parts), createWriteStream(temp, { flush: true }))
        await rename(temp, whole)
        return ok(undefined)
      } catch (thrown) {
        await rm(temp, { force: true })
        return err(writeError(thrown, `The log ${path}`, folder(job)))
      }
    },
    list: async (job) => {
      const root = folder(job)
      const names = await namesIn(root, true)
      const found = await Promise.all(names.map((path) => sizeOf(root, path)))
      return found.flat().sort((a, b) => (a.path < b.path ? -1 : 1))
    },
    read: (job, path, most) => readEnd(join(folder(job), path), most),
  }
}

// --- details -----------------------------------------------------------------------------------

export const namesIn = async (folder: string, recursive: boolean): Promise<readonly string[]> => {
  try {
    return await readdir(folder, { recursive })
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return []
    throw thrown
  }
}

/** Path and size of a regular file; none for anything else, and for one that is gone. */
export const sizeOf = async (root: string, path: string) => {
  try {
    const facts = await stat(join(root, path))
    return facts.isFile() ? [{ path: path.split(sep).join('/'), bytes: facts.size }] : []
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return []
    throw thrown
  }
}

/** Newest bytes of a file, `most` at most; none if it is gone. */
export const readEnd = async (path: string, most: number): Promise<Uint8Array> => {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    const bytes = Buffer.alloc(Math.min(size, most))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, size - bytes.length)
    return bytes.subarray(0, bytesRead)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return new Uint8Array()
    throw thrown
  }
}
