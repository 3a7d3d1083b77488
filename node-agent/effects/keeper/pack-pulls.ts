import type { Packs } from '#agent/ports/packs.ts'
import type { KeptPack, Views } from '#agent/ports/views.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { BlobExchange } from './blob-exchange.ts'

/** Fetches files of scripts to their keeper while their makers are still there. */
export interface PackPulls {
  /** Peers that hold files of the job's counted commits and could not be reached; none: all are here. */
  readonly pull: (job: Job, signal: AbortSignal) => Promise<readonly PeerId[]>
  /** The job is over: its packs go. */
  readonly drop: (job: JobId) => Promise<void>
}

export interface PackPullsDeps {
  readonly views: Views
  readonly packs: Packs
  readonly exchange: BlobExchange
}

export const createPackPulls = ({ views, packs, exchange }: PackPullsDeps): PackPulls => {
  /** Id of the last pack of a job up to which all are here. */
  const hereUpTo = new Map<JobId, number>()

  const fetch = async (job: JobId, { pack, peer }: KeptPack, signal: AbortSignal) => {
    // Noted first: a pack that is here and not noted would stay for ever.
    await packs.expect(job, pack)
    return (await exchange.fetch(pack, [peer], signal)).ok
  }
  const pull = async ({ id }: Job, signal: AbortSignal): Promise<readonly PeerId[]> => {
    const away = new Set<PeerId>()
    for (let after = hereUpTo.get(id) ?? 0; ;) {
      const wanted = await views.packs(id, after, limits.pageRows)
      const last = wanted.at(-1)
      if (last === undefined) return [...away]
      after = last.id
      const left = [...wanted]
      const next = async (): Promise<void> => {
        for (let one = left.shift(); one !== undefined; one = left.shift())
          if (signal.aborted || away.has(one.peer) || !(await fetch(id, one, signal)))
            away.add(one.peer)
      }
      await Promise.all(Array.from({ length: limits.chunkPulls }, next))
      if (away.size === 0) hereUpTo.set(id, after)
    }
  }
  return {
    pull: (job, signal) => (job.spec.runtime === 'node' ? pull(job, signal) : Promise.resolve([])),
    drop: async (job) => {
      hereUpTo.delete(job)
      await packs.drop(job)
    },
  }
}
