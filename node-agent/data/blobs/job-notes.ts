import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asBlobHash, asJobId } from '#protocol/model/ids.ts'
import type { BlobHash, JobId } from '#protocol/model/ids.ts'
import { systemCode } from '../disk.ts'

/**
 * Which blobs are here for which job, as empty files in a folder for each job. A note is written before its
 * blob is here: a kill in between leaves a note without a blob, never a blob that nobody remembers.
 */
export interface JobNotes {
  readonly open: (job: JobId) => Promise<void>
  readonly add: (job: JobId, blob: BlobHash) => Promise<void>
  readonly of: (job: JobId) => Promise<readonly BlobHash[]>
  readonly drop: (job: JobId) => Promise<void>
  /** Jobs with notes, also those that were only opened. */
  readonly jobs: () => Promise<readonly JobId[]>
}

/** @param folder absolute; made with the first note */
export const createJobNotes = (folder: string): JobNotes => {
  const open = async (job: JobId): Promise<void> => {
    await mkdir(join(folder, job), { recursive: true })
  }
  return {
    open,
    add: async (job, blob) => {
      await open(job)
      await writeFile(join(folder, job, blob), '')
    },
    of: async (job) =>
      (await namesIn(join(folder, job)))
        .filter((name) => /^[0-9a-f]{64}$/.test(name))
        .map(asBlobHash),
    drop: (job) => rm(join(folder, job), { recursive: true, force: true }),
    jobs: async () =>
      (await namesIn(folder)).filter((name) => /^[0-9a-z]{26}$/.test(name)).map(asJobId),
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
