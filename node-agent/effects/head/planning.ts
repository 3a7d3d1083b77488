import type { Clock } from '#agent/ports/clock.ts'
import type { Planner, PlanReader } from '#agent/ports/plan.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { itemsOf, miniBatchesOf } from '#protocol/model/plan.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import { encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { refusalOfData } from '../inputs/data-consent.ts'
import { planOnly } from './plan-only.ts'
import type { OnlyPlanDeps } from './plan-only.ts'
import type { ReusedChunk, TakeOver } from '../runs/take-over.ts'

/** Writes the plans of jobs whose data is here, chunk by chunk; goes on where it stopped. */
export interface Planning extends AsyncDisposable {
  readonly start: (job: Job) => void
  /** The job ended: its plan is not needed any further. */
  readonly stop: (job: JobId) => void
  /** Why the plan cannot be written now, in a sentence; empty if there is no trouble. */
  readonly problemOf: (job: JobId) => string
}

export interface PlanningDeps extends OnlyPlanDeps {
  readonly takeOver: TakeOver
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly planner: Planner
  readonly planReader: PlanReader
  readonly ledger: Ledger
}

export const createPlanning = (deps: PlanningDeps): Planning => {
  const running = new Map<
    JobId,
    { readonly stop: AbortController; readonly ended: Promise<void> }
  >()
  const problems = new Map<JobId, string>()

  return {
    start: (job) => {
      if (job.dataPeer !== deps.self || running.has(job.id)) return
      const stop = new AbortController()
      const ended = plan({ ...deps, problems }, job, stop.signal)
        .catch((thrown: unknown) =>
          deps.log.error('planning broke', { detail: thrownToText(thrown) }),
        )
        .finally(() => {
          running.delete(job.id)
          problems.delete(job.id)
        })
      running.set(job.id, { stop, ended })
    },
    stop: (job) => running.get(job)?.stop.abort(),
    problemOf: (job) => problems.get(job) ?? '',
    [Symbol.asyncDispose]: async () => {
      const all = [...running.values()]
      for (const { stop } of all) stop.abort()
      await Promise.all(all.map((one) => one.ended))
    },
  }
}

interface Plans extends PlanningDeps {
  readonly problems: Map<JobId, string>
}

/** Where the disk is full, nothing is wrong with the input: it goes on behind what is written when there is room. */
const plan = async (deps: Plans, job: Job, signal: AbortSignal): Promise<void> => {
  for (;;) {
    const error = await planOn(deps, job, signal)
    if (error === undefined || signal.aborted) return
    deps.log.warn('planning failed', { job: job.id, error })
    const isFull = error.code === 'DiskFull'
    if (!isFull && (await sayFailed(deps, job, error))) return
    deps.problems.set(job.id, error.message)
    await deps.clock.sleep(limits.runAgainMs, signal).catch(() => undefined)
    if (signal.aborted) return
  }
}

/** False: not even that can be recorded now. */
const sayFailed = async (
  { ledger, clock }: PlanningDeps,
  { id: job }: Job,
  error: MusterError,
): Promise<boolean> => {
  const message = error.message.slice(0, limits.sentenceLength)
  return (await ledger.append([{ kind: 'plan-failed', job, message, at: clock.now() }])).ok
}

/** Writes what is missing of the plan. An error says why not all of it. */
const planOn = async (
  deps: PlanningDeps,
  job: Job,
  signal: AbortSignal,
): Promise<MusterError | undefined> => {
  try {
    const written = await deps.views.planChunks(job.id)
    if (written.some((chunk) => chunk.last)) return undefined
    const refusal = await refusalOfData(deps, job)
    if (refusal !== undefined) return musterError('Forbidden', refusal)
    const reusing = await deps.takeOver.begin(job, written)
    const chunks = await chunksOf(deps, job, written.length, signal)
    for await (const reused of reusing.through(chunks, signal)) {
      signal.throwIfAborted()
      await writeChunk(deps, reused)
    }
    return undefined
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return thrown.error
    return musterError('Internal', `The input could not be listed: ${thrownToText(thrown)}`)
  }
}

/** Chunks behind those that are written: of the whole input, or of what failed in an earlier job. */
const chunksOf = async (
  deps: PlanningDeps,
  job: Job,
  written: number,
  signal: AbortSignal,
): Promise<AsyncIterable<PlanChunk>> => {
  if (job.only !== undefined) return planOnly(deps, job, job.only, written)
  const end = await deps.planReader.end(job.id)
  if (!end.ok) throw new MusterFailure(end.error)
  return deps.planner.plan(job.id, job.spec, end.value, signal)
}

/** The item list becomes a blob, its boundaries a record; what was taken over is committed in front of it. */
const writeChunk = async (
  { blobs, ledger }: PlanningDeps,
  { chunk, committed, taken, reuse }: ReusedChunk,
): Promise<void> => {
  const blob = await blobs.put(encodePlanChunk(chunk))
  if (!blob.ok) throw new MusterFailure(blob.error)
  const { job, firstItem, firstMiniBatch, runs, last } = chunk
  const added = await ledger.append([
    ...(committed === undefined ? [] : [committed]),
    {
      kind: 'plan-chunk-written',
      job,
      chunk: chunk.chunk,
      blob: blob.value,
      firstItem,
      items: itemsOf(chunk),
      firstMiniBatch,
      miniBatches: miniBatchesOf(chunk),
      runs,
      last,
      ...(taken === undefined ? {} : { taken }),
      ...(reuse === undefined ? {} : { reuse: reuse.slice(0, limits.sentenceLength) }),
    },
  ])
  if (!added.ok) throw new MusterFailure(added.error)
}
