import type { Blobs } from '#agent/ports/blobs.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { JobLeavings } from '#agent/ports/leavings.ts'
import type { Log } from '#agent/ports/log.ts'
import type { Packs } from '#agent/ports/packs.ts'
import type { JobRemains, Views } from '#agent/ports/views.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { BlobHash, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { SideInput } from '#protocol/model/input.ts'
import type { Role } from '#protocol/model/member.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Forgetting jobs: the wish, which is recorded, and what it means for the files of this machine. */

export interface ForgetJobDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly ledger: Ledger
  readonly views: Views
  readonly rolesOf: (peer: PeerId) => readonly Role[]
}

/** Records that a job is to be forgotten; nothing if it is already. */
export const forgetJob = async (
  deps: ForgetJobDeps,
  fold: JobFold,
): Promise<Result<void, MusterError>> => {
  const { job, sealed } = fold
  if (job.submitter !== deps.self && !deps.rolesOf(deps.self).includes('admin')) {
    const may = 'Only the submitter of a job or an admin may have it forgotten.'
    return err(musterError('RoleMissing', may))
  }
  if (fold.forgotten !== undefined) return ok(undefined)
  if (sealed === null) return err(stillRuns(job))
  const open = await openRun(deps.views, job)
  if (open !== undefined) return err(open)
  const added = await deps.ledger.append([
    {
      kind: 'job-forgotten',
      job: job.id,
      state: sealed.state,
      endedAt: sealed.at,
      sums: {
        items: fold.items,
        itemsSucceeded: fold.itemsSucceeded,
        itemsFailed: fold.itemsFailed,
        miniBatches: fold.miniBatches + fold.halvings,
        committed: fold.committed,
        failedMiniBatches: fold.failedMiniBatches,
      },
      at: deps.clock.now(),
    },
  ])
  return added.ok ? ok(undefined) : added
}

/** Why a job's rows and files cannot be had any more; undefined if it is not forgotten. */
export const forgottenRefusal = (
  { job, forgotten }: JobFold,
  nameOf: (peer: PeerId) => string,
): MusterError | undefined => {
  if (forgotten === undefined) return undefined
  const at = new Date(forgotten.at).toISOString()
  const message = `Job ${job.spec.name} was forgotten by ${nameOf(forgotten.by)} at ${at}: its rows, its logs and the names of its items are gone; submit its file again if you need them.`
  return musterError('JobForgotten', message)
}

const stillRuns = ({ spec, id }: Job): MusterError =>
  musterError(
    'JobRunning',
    `Job ${spec.name} has not ended yet; cancel it first with \`muster job cancel ${id}\` and wait until it is canceled.`,
  )

/** Later steps may need the output of this one. */
const openRun = async (views: Views, { run }: Job): Promise<MusterError | undefined> => {
  const fold = run === undefined ? undefined : await views.pipeline(run.pipeline)
  if (fold === undefined || fold.ended !== null || fold.run.steps.length === 1) return undefined
  return musterError(
    'JobRunning',
    `The run ${fold.run.name} that this job belongs to has not ended yet; wait for it, or cancel it with \`muster pipeline cancel ${fold.run.id}\`.`,
  )
}

/** Removes what forgotten jobs left on this machine: blobs, files of scripts, outputs, logs. */
export interface Forgetter extends AsyncDisposable {
  /** A job may be forgotten now: look. */
  readonly look: () => void
}

export interface ForgetterDeps {
  readonly clock: Clock
  readonly log: Log
  readonly views: Views
  readonly blobs: Blobs
  readonly chunks: Pick<Chunks, 'settle'>
  readonly packs: Packs
  readonly leavings: JobLeavings
}

export const createForgetter = (deps: ForgetterDeps): Forgetter => {
  let wanted = false
  const stopped = new AbortController()
  let working: Promise<void> | undefined
  let retry: Disposable | undefined

  const work = async (): Promise<void> => {
    while (wanted && !stopped.signal.aborted) {
      wanted = false
      const problems: unknown[] = []
      // One whose files are in use, for example, keeps no other from going.
      for (const remains of await deps.views.toRemove())
        await remove(deps, remains).catch((thrown: unknown) => problems.push(thrown))
      if (problems.length > 0) throw problems[0]
    }
  }
  const start = (): void => {
    retry?.[Symbol.dispose]()
    retry = undefined
    wanted = true
    working ??= work()
      .catch((thrown: unknown) => {
        if (stopped.signal.aborted) return
        deps.log.warn('a forgotten job is not gone yet', { detail: thrownToText(thrown) })
        retry = deps.clock.after(limits.pullRetryMs, start)
      })
      .finally(() => {
        working = undefined
      })
  }
  return {
    look: start,
    [Symbol.asyncDispose]: async () => {
      stopped.abort()
      retry?.[Symbol.dispose]()
      await working
    },
  }
}

const remove = async (deps: ForgetterDeps, { job, blobs }: JobRemains): Promise<void> => {
  const { views, packs, leavings } = deps
  const spec = (await views.job(job))?.job
  const sides = spec?.spec.runtime === 'node' ? spec.spec.sideInputs : []
  const all = [...blobs, ...ofSides(sides), ...(spec?.only === undefined ? [] : [spec.only.blob])]
  const free = new Set(await views.unnamed(all))
  for (const blob of free) await deps.blobs.delete(blob)
  await packs.drop(job)
  await deps.chunks.settle(job, async () => new Set())
  for (const side of sides)
    if (side.files.some((file) => free.has(file.blob))) await leavings.removeSideInput(side)
  await leavings.remove(job)
  await views.removed(job)
  deps.log.info('a job is forgotten here', { job })
}

const ofSides = (sides: readonly SideInput[]): readonly BlobHash[] =>
  sides.flatMap(({ files }) => files.map(({ blob }) => blob))
