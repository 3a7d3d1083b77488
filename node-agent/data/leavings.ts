import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobLeavings } from '#agent/ports/leavings.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { sideFolderOf } from './model-folder.ts'

export interface LeavingsFolders {
  /** Each has one folder for each job. */
  readonly outputs: string
  readonly logs: string
  readonly sideInputs: string
}

export const createLeavings = ({ outputs, logs, sideInputs }: LeavingsFolders): JobLeavings => ({
  remove: async (job) => {
    for (const root of [outputs, logs]) await removeFolder(join(root, checked(job)))
  },
  removeSideInput: ({ files }) => removeFolder(sideFolderOf(sideInputs, files)),
})

const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 3 })

/** Ids come from other machines: none of them may name another folder. */
const checked = (job: JobId): string => {
  if (!/^[0-9a-z]{26}$/i.test(job)) throw new Error(`"${job}" is no job's id`)
  return job
}
