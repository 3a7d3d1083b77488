import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blobs } from '#agent/ports/blobs.ts'
import type { Packs } from '#agent/ports/packs.ts'
import { limits } from '#protocol/limits.ts'
import { asBlobHash, asJobId } from '#protocol/model/ids.ts'
import type { BlobHash, JobId } from '#protocol/model/ids.ts'
import { isPackHead, packHeadBytes } from '#protocol/wire/pack/pack.ts'
import { systemCode } from '../disk.ts'

/** @param folder absolute; holds an empty file for each pack, in a folder for each job */
export const createPacks = (
  folder: string,
  blobs: Pick<Blobs, 'putFile' | 'path' | 'delete'>,
): Packs => {
  const note = async (job: JobId, pack: BlobHash): Promise<void> => {
    await mkdir(join(folder, job), { recursive: true })
    await writeFile(join(folder, job, pack), '')
  }
  const dropped = createDropped()
  const drop = async (job: JobId): Promise<void> => {
    dropped.add(job)
    for (const name of await namesIn(join(folder, job))) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue
      const blob = asBlobHash(name)
      if (await isPack(blobs.path(blob))) await blobs.delete(blob)
    }
    await rm(join(folder, job), { recursive: true, force: true })
  }
  return {
    expect: note,
    take: async (job, path) => {
      // Noted before it is here: what a kill left here without a note would stay for ever.
      const stored = await blobs.putFile(path, { beforeHere: (pack) => note(job, pack) })
      await rm(path, { force: true })
      if (!stored.ok) return stored
      const { blob } = stored.value
      if (dropped.has(job)) {
        // Its note may have gone while it was on its way here.
        await blobs.delete(blob)
        await drop(job)
      }
      return { ok: true, value: blob }
    },
    drop,
    jobs: async () =>
      (await namesIn(folder)).filter((name) => /^[0-9a-z]{26}$/.test(name)).map(asJobId),
  }
}

/** The jobs whose packs were dropped last: an attempt of theirs that ends later leaves nothing. */
const createDropped = () => {
  const jobs = new Set<JobId>()
  return {
    has: (job: JobId): boolean => jobs.has(job),
    add: (job: JobId): void => {
      jobs.delete(job)
      jobs.add(job)
      const [oldest] = jobs
      if (oldest !== undefined && jobs.size > limits.droppedJobs) jobs.delete(oldest)
    },
  }
}

/** Packs are named by other machines: none of them may talk us into deleting a model. */
const isPack = async (path: string): Promise<boolean> => {
  try {
    await using file = await open(path, 'r')
    const head = Buffer.alloc(packHeadBytes)
    const { bytesRead } = await file.read(head, 0, packHeadBytes, 0)
    return isPackHead(head.toString('latin1', 0, bytesRead))
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false
    throw thrown
  }
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return []
    throw thrown
  }
}
