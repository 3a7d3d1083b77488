import type { Log } from '#agent/ports/log.ts'
import type { WorkerFact } from '#agent/worker/event.ts'
import { thrownToText } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { WholeInputs } from './whole-inputs.ts'

export interface GatheringDeps {
  readonly log: Log
  readonly wholeInputs: WholeInputs
  readonly jobById: (job: JobId) => Job | undefined
  readonly tell: (fact: WorkerFact) => void
  /** Jobs whose inputs are being made ready as a whole. */
  readonly gathering: Map<JobId, Gathering>
}

/** Whole inputs of a job on their way. */
export interface Gathering {
  readonly aborted: AbortController
  readonly done: Promise<void>
}

/** Tells the machine when they are here, or why not; how far it is meanwhile. */
export const gatherInputs = (working: GatheringDeps, jobId: JobId): void => {
  const { tell, wholeInputs, gathering, log } = working
  const job = working.jobById(jobId)
  const before = gathering.get(jobId)
  const aborted = new AbortController()
  const { signal } = aborted
  const gather = async (): Promise<void> => {
    // One that was given up a moment ago still closes its files.
    await before?.done
    if (job === undefined || signal.aborted) return
    const progressed = (message: string): void => {
      if (!signal.aborted) tell({ kind: 'inputsProgressed', job: jobId, message })
    }
    const found = await wholeInputs.gather(job, progressed, signal)
    if (signal.aborted) return
    gathering.delete(jobId)
    if (found.ok) return tell({ kind: 'inputsGathered', job: jobId })
    const { message, retryable, code } = found.error
    const lasting = !retryable || code === 'DiskFull'
    log.warn('inputs of a job could not be made ready', { job: jobId, error: found.error })
    tell({ kind: 'inputsNotGathered', job: jobId, lasting, message })
  }
  const done = gather().catch((thrown: unknown) => {
    const detail = thrownToText(thrown)
    log.error('inputs of a job could not be made ready', { job: jobId, detail })
    if (signal.aborted) return
    gathering.delete(jobId)
    const message = `The inputs of the job could not be made ready: ${detail}`
    tell({ kind: 'inputsNotGathered', job: jobId, lasting: false, message })
  })
  gathering.set(jobId, { aborted, done })
}

/** Gives it up; what is here goes when the job is over. */
export const stopInputs = async (
  { gathering, wholeInputs }: GatheringDeps,
  job: JobId,
  isOver: boolean,
): Promise<void> => {
  const current = gathering.get(job)
  current?.aborted.abort()
  if (!isOver) return
  await current?.done
  if (gathering.get(job) === current) gathering.delete(job)
  await wholeInputs.drop(job)
}
