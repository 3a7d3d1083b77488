import type { Blobs } from '#agent/ports/blobs.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { ContentDigest } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { JobId, Millis, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { Job, JobSpec, ReuseRefusal } from '#protocol/model/job.ts'
import type { PlanChunk, PlannedFile } from '#protocol/model/plan.ts'
import type { Committed, PlanChunkWritten, TakenOver } from '#protocol/model/record.ts'
import { decodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { createLook } from './look-into-files.ts'
import type { Doubt } from './look-into-files.ts'
import { packTaken } from './taken-rows.ts'
import type { Donor, Pair, TakenRowsDeps } from './taken-rows.ts'

/** Finds rows of earlier jobs that stand for those of a new one, while the new one is planned. */
export interface TakeOver {
  /** @param written chunks of the job's plan from before a restart */
  readonly begin: (job: Job, written: readonly PlanChunkWritten[]) => Promise<Reusing>
}

/** What a plan goes through before its chunks are written. */
export interface Reusing {
  /** The chunks as they shall be written, with what goes into the ledger beside them. */
  readonly through: (
    chunks: AsyncIterable<PlanChunk>,
    signal: AbortSignal,
  ) => AsyncIterable<ReusedChunk>
}

export interface ReusedChunk {
  readonly chunk: PlanChunk
  /**
   * Commits of the chunk's mini-batches that an earlier job computed already. They go into the ledger in
   * front of the chunk, so that no head grants what needs no work.
   */
  readonly committed?: Committed
  readonly taken?: TakenOver
  /** What became of reuse in the whole job, once it is known. */
  readonly reuse?: string
}

export interface TakeOverDeps extends TakenRowsDeps {
  readonly clock: Clock
  readonly blobs: Blobs
  readonly contents: ContentDigest
  readonly rules: ReuseRules
}

/** Rules of `job/`, handed in by the composition root. */
export interface ReuseRules {
  readonly createReuseMatch: (of: {
    readonly spec: JobSpec
    readonly pinned: boolean
    readonly seenAt: Millis
    readonly files: number | undefined
    readonly isFinished: (miniBatch: MiniBatchIndex) => boolean
  }) => Match
  readonly refusalSentence: (why: ReuseRefusal | undefined) => string
  readonly firstOfItsKind: string
  readonly otherSentence: (job: Job, earlier: Job) => string
  readonly noDonorSentence: (earlier: Job, why: string) => string
  readonly takenSentence: (from: JobId, counts: Counts, isWhole: boolean) => string
}

interface Match {
  readonly wants: (of: Source, chunk: PlanChunk) => boolean
  readonly know: (of: Source, chunk: PlanChunk, contents: Contents) => void
  readonly cut: (chunk: PlanChunk) => PlanChunk | undefined
  readonly find: (chunk: PlanChunk) => {
    readonly found: readonly Pair[]
    readonly doubtful: readonly Doubt[]
  }
  readonly settle: (miniBatch: MiniBatchIndex, changed: readonly PlannedFile[] | undefined) => void
  readonly counts: () => Counts
}

type Source = 'earlier' | 'later'
type Contents = ReadonlyMap<MiniBatchIndex, Uint8Array>

interface Counts {
  readonly miniBatches: number
  readonly taken: number
  readonly unfinished: number
  readonly changed: number
  readonly added: number
  readonly gone: number
  readonly unsure: number
  readonly unread: number
  readonly uncompared: number
  readonly touched: number
}

export const createTakeOver = (deps: TakeOverDeps): TakeOver => ({
  begin: async (job, written) => {
    const found = await donorOf(deps, job, written)
    return {
      through:
        typeof found === 'object'
          ? (chunks, signal) =>
              takeFrom(deps, job, found, { chunks, isWhole: written.length === 0, signal })
          : (chunks) => untouched(chunks, written.length === 0 ? found : undefined),
    }
  },
})

/** All is computed. */
async function* untouched(
  chunks: AsyncIterable<PlanChunk>,
  reuse: string | undefined,
): AsyncGenerator<ReusedChunk, void, undefined> {
  for await (const chunk of chunks)
    yield reuse === undefined || chunk.chunk > 0 ? { chunk } : { chunk, reuse }
}

/**
 * Of several the newest that completed, else the newest; after a restart the one that was begun with. Or why
 * there is none; undefined where reuse means nothing.
 */
const donorOf = async (
  deps: TakeOverDeps,
  job: Job,
  written: readonly PlanChunkWritten[],
): Promise<Donor | string | undefined> => {
  const { views, rules } = deps
  if (job.reuse === undefined) return undefined
  if (!job.reuse.take) return rules.refusalSentence(job.reuse.whyNot)
  const begun = written.find((chunk) => chunk.taken !== undefined)?.taken?.from
  if (begun === undefined && written.length > 0) return undefined
  const folds: JobFold[] = []
  let refused: string | undefined
  for (const id of begun === undefined ? await views.jobsWithKey(job.reuse.key) : [begun]) {
    const fold = id === job.id ? undefined : await views.job(id)
    const why = fold === undefined ? undefined : whyNoDonor(deps, fold)
    if (fold !== undefined && why === undefined) folds.push(fold)
    else if (fold !== undefined && why !== undefined)
      refused ??= rules.noDonorSentence(fold.job, why)
  }
  const fold = folds.find(({ sealed }) => sealed?.state === 'Completed') ?? folds[0]
  if (fold === undefined) return refused ?? (await differing(deps, job))
  const commits = await views.commits(fold.job.id)
  const whole = commits.filter(({ failed }) => failed === 0)
  return { fold, commits: new Map(whole.map((one) => [one.miniBatch, one])) }
}

/**
 * Its data and its rows must be here. What scripts wrote into their output directories is not taken over:
 * a job that has such files is computed anew.
 */
const whyNoDonor = ({ self }: TakeOverDeps, fold: JobFold): string | undefined => {
  const { job, sealed, committed, rowsHere, rows } = fold
  if (sealed === null) return 'has not ended yet'
  if (fold.forgotten !== undefined) return 'was forgotten'
  if (sealed.outputFiles !== undefined || job.spec.outputAction !== 'append_row')
    return 'wrote files, which are not taken over'
  if (job.dataPeer !== self || job.keeper !== self)
    return 'has its data or its rows on another machine'
  if (committed === 0)
    return `${sealed.state === 'Canceled' ? 'was canceled' : 'failed'} before any of it was done`
  return rowsHere < rows ? 'has rows that are not on this machine any more' : undefined
}

/** How the job differs from the one before it of its name. */
const differing = async ({ views, rules }: TakeOverDeps, job: Job): Promise<string | undefined> => {
  if (job.run === undefined) return undefined
  for (const id of await views.jobsOfStep(job.run.name, job.run.step)) {
    const fold = id === job.id ? undefined : await views.job(id)
    if (fold === undefined || fold.job.only !== undefined) continue
    if (fold.job.submitter === job.submitter && fold.job.submittedAt <= job.submittedAt)
      return rules.otherSentence(job, fold.job)
  }
  return rules.firstOfItsKind
}

interface Planned {
  readonly chunks: AsyncIterable<PlanChunk>
  /** The plan was begun here, not before a restart. */
  readonly isWhole: boolean
  readonly signal: AbortSignal
}

async function* takeFrom(
  deps: TakeOverDeps,
  job: Job,
  donor: Donor,
  { chunks, isWhole, signal }: Planned,
): AsyncGenerator<ReusedChunk, void, undefined> {
  const from = donor.fold.job.id
  const match = matchOf(deps, job, donor)
  const later = await laterReader(deps, job, donor)
  const plans = {
    earlier: readPlan(deps, from),
    later: later === undefined ? noPlan() : readPlan(deps, later),
  }
  const look = createLook(deps.contents, job, signal)
  for await (const planned of chunks) {
    for (const source of ['earlier', 'later'] as const)
      while (match.wants(source, planned)) {
        const next = await plans[source].next()
        if (next.done === true) break
        match.know(source, next.value.chunk, next.value.contents)
      }
    const chunk = match.cut(planned)
    if (chunk === undefined) continue
    const { found, doubtful } = match.find(chunk)
    const pairs = [...found]
    for (const doubt of doubtful) {
      const changed = await look(doubt)
      match.settle(doubt.now.miniBatch, changed)
      if (changed?.length === 0) pairs.push(doubt)
    }
    pairs.sort((a, b) => a.now.miniBatch - b.now.miniBatch)
    const groups = await packTaken(deps, job, donor, pairs)
    const reuse = chunk.last
      ? { reuse: deps.rules.takenSentence(from, match.counts(), isWhole) }
      : {}
    if (groups.length === 0) {
      yield { chunk, ...reuse }
      continue
    }
    // No head takes the number 0: such a commit goes before any of theirs.
    const term = { number: 0, head: deps.self }
    const at = deps.clock.now()
    const miniBatches = groups.reduce((sum, group) => sum + group.miniBatches.length, 0)
    yield {
      chunk,
      committed: { kind: 'committed', job: job.id, term, groups, at },
      taken: { from, miniBatches },
      ...reuse,
    }
  }
}

const matchOf = ({ rules }: TakeOverDeps, { spec, reuse }: Job, { fold, commits }: Donor): Match =>
  rules.createReuseMatch({
    spec,
    pinned: reuse?.pinned === true,
    seenAt: fold.job.submittedAt,
    files: spec.inputs[0]?.kind === 'files' ? fold.items : undefined,
    isFinished: (miniBatch) => commits.has(miniBatch),
  })

/** The newest job that read the same folders after the donor did, whatever it made of them. */
const laterReader = async (
  { views, self }: TakeOverDeps,
  { id, spec, reuse }: Job,
  { fold: { job: donor } }: Donor,
): Promise<JobId | undefined> => {
  if (reuse?.pinned === true) return undefined
  // What is said of slices of text is said of bytes of their files, however these are read.
  const rootsOf = ({ inputs }: JobSpec): string =>
    JSON.stringify(
      inputs.map(({ root, ...input }) => [
        root,
        input.kind === 'table' ? input.format : input.kind,
      ]),
    )
  const found = (await views.jobs(limits.laterReaders)).find(
    ({ job, committed }) =>
      job.id !== id &&
      job.id !== donor.id &&
      job.submittedAt > donor.submittedAt &&
      job.dataPeer === self &&
      job.keeper === self &&
      committed > 0 &&
      rootsOf(job.spec) === rootsOf(spec),
  )
  return found?.job.id
}

interface SeenChunk {
  readonly chunk: PlanChunk
  readonly contents: Contents
}

/** An earlier plan as far as it is there, and what was read of it. */
async function* readPlan(
  { blobs, views }: TakeOverDeps,
  job: JobId,
): AsyncGenerator<SeenChunk, void, undefined> {
  for (const { blob, firstMiniBatch, miniBatches } of await views.planChunks(job)) {
    const bytes = await blobs.read(blob)
    if (!bytes.ok) continue
    const seen = await views.contents(job, firstMiniBatch, firstMiniBatch + miniBatches)
    const contents = new Map(seen.map((one) => [one.miniBatch, one.contents]))
    yield { chunk: decodePlanChunk(bytes.value), contents }
  }
}

async function* noPlan(): AsyncGenerator<SeenChunk, void, undefined> {}
