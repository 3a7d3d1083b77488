import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { InputMode } from '#protocol/model/input.ts'
import type { Job } from '#protocol/model/job.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { findDirect } from './direct-inputs.ts'
import type { DirectInputsDeps } from './direct-inputs.ts'
import { download } from './download.ts'
import type { DownloadDeps } from './download.ts'

/** Makes inputs ready that a job wants to have on this machine as a whole before anything of it runs here. */
export interface WholeInputs {
  /** Errors that trying again soon may mend are `retryable`; others stand until the machine's owner acts. */
  readonly gather: (
    job: Job,
    progressed: (sentence: string) => void,
    signal: AbortSignal,
  ) => Promise<Result<void, MusterError>>
  /** Folders of inputs whose files the job's script opens by itself, by name; empty before they were gathered. */
  readonly directFolders: (job: JobId) => Readonly<Record<string, string>>
  /** The job is over. */
  readonly drop: (job: JobId) => Promise<void>
  /** Keeps what an agent before this one downloaded for these jobs, and nothing else. Once, before all others. */
  readonly restore: (open: readonly JobId[]) => Promise<void>
  /** The job is over, perhaps without having been gathered since this agent began. */
  readonly ended: (job: JobId) => Promise<void>
}

export type WholeInputsDeps = DirectInputsDeps & DownloadDeps

export const createWholeInputs = (deps: WholeInputsDeps): WholeInputs => {
  const taken = new Map<JobId, number>()
  const direct = new Map<JobId, Readonly<Record<string, string>>>()
  /** Jobs of which there are files, though nothing was gathered yet. */
  const left = new Set<JobId>()
  const drop = async (job: JobId): Promise<void> => {
    direct.delete(job)
    await deps.downloads.drop(job)
    taken.delete(job)
  }
  return {
    gather: async (job, progressed, signal) => {
      left.delete(job.id)
      const wants = (wanted: InputMode): boolean =>
        job.spec.inputs.some(({ mode }) => mode === wanted)
      if (wants('direct')) {
        const folders = await findDirect(deps, job, signal)
        if (!folders.ok) return folders
        direct.set(job.id, folders.value)
      }
      if (job.dataPeer === deps.transport.self || !wants('download')) return ok(undefined)
      return download({ ...deps, taken, job, progressed, signal })
    },
    directFolders: (job) => direct.get(job) ?? {},
    drop,
    restore: async (open) => {
      for (const [job, bytes] of await deps.downloads.keepOnly(open)) {
        taken.set(job, bytes)
        left.add(job)
      }
    },
    ended: async (job) => {
      if (left.delete(job)) await drop(job)
    },
  }
}
