import { open, rm } from 'node:fs/promises'
import type { Blobs } from '#agent/ports/blobs.ts'
import type { Packs } from '#agent/ports/packs.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { keepNewest } from '#protocol/model/keep-newest.ts'
import { isPackHead, packHeadBytes } from '#protocol/wire/pack/pack.ts'
import { systemCode } from '../disk.ts'
import { createJobNotes } from './job-notes.ts'

/** @param folder absolute; notes which packs are here for which job */
export const createPacks = (
  folder: string,
  blobs: Pick<Blobs, 'putFile' | 'path' | 'delete'>,
): Packs => {
  const notes = createJobNotes(folder)
  const dropped = new Set<JobId>()
  const drop = async (job: JobId): Promise<void> => {
    dropped.add(job)
    keepNewest(dropped, limits.endedJobs)
    for (const blob of await notes.of(job))
      if (await isPack(blobs.path(blob))) await blobs.delete(blob)
    await notes.drop(job)
  }
  return {
    expect: notes.add,
    take: async (job, path) => {
      const stored = await blobs.putFile(path, { beforeHere: (pack) => notes.add(job, pack) })
      // Swept at the next start if the disk refuses.
      await rm(path, { force: true }).catch(() => undefined)
      if (!stored.ok) return stored
      const { blob } = stored.value
      if (dropped.has(job)) {
        // An attempt that ended after its job: nobody will ask for it. What stays now goes at the next start.
        const gone = blobs.delete(blob).then(() => notes.drop(job))
        await gone.catch(() => undefined)
      }
      return { ok: true, value: blob }
    },
    drop,
    jobs: notes.jobs,
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
