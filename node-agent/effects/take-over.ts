import type { Blobs } from '#agent/ports/blobs.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { TakenRow, Views } from '#agent/ports/views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { CountedCommit, JobFold } from '#protocol/model/fold.ts'
import type { Millis, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import type { CommitGroup, Committed, PlanChunkWritten, TakenOver } from '#protocol/model/record.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import { decodePlanChunk } from '#protocol/wire/plan/plan.ts'

/** Finds rows of earlier jobs that stand for those of a new one, while the new one is planned. */
export interface TakeOver {
  /** The earlier job whose rows may be taken; undefined: there is none, all is computed. */
  readonly donorOf: (job: Job, written: readonly PlanChunkWritten[]) => Promise<Donor | undefined>
  /**
   * Commits of the chunk's mini-batches that the donor computed already. They go into the ledger in front
   * of the chunk, so that no head grants what needs no work.
   */
  readonly take: (job: Job, donor: Donor, chunk: PlanChunk) => Promise<Taken | undefined>
}

export interface Taken {
  readonly committed: Committed
  readonly taken: TakenOver
}

/** An earlier job, as far as it is needed again and again. */
export interface Donor {
  readonly fold: JobFold
  readonly chunks: readonly PlanChunkWritten[]
  /** Counted commits without a failed item. */
  readonly commits: ReadonlyMap<MiniBatchIndex, CountedCommit>
  /** Contents of the donor's chunk that was read last. */
  recent: { readonly chunk: number; readonly contents: readonly Content[] } | undefined
}

interface Content {
  readonly miniBatch: MiniBatchIndex
  readonly firstItem: number
  readonly items: number
  readonly text: string
  readonly newest: Millis
}

export interface TakeOverDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly views: Views
  readonly blobs: Blobs
  readonly chunks: Chunks
  /** Rules of `job/`, handed in by the composition root. */
  readonly rules: {
    readonly contentsOf: (chunk: PlanChunk, pinned: boolean) => readonly Content[]
    readonly mayTake: (
      now: Content,
      earlier: Content,
      rule: { readonly seenAt: Millis; readonly pinned: boolean },
    ) => boolean
  }
}

export const createTakeOver = (deps: TakeOverDeps): TakeOver => ({
  donorOf: (job, written) => donorOf(deps, job, written),
  take: (job, donor, chunk) => take(deps, job, donor, chunk),
})

/** Of several the newest that completed, else the newest. After a restart the one that was begun with. */
const donorOf = async (
  deps: TakeOverDeps,
  job: Job,
  written: readonly PlanChunkWritten[],
): Promise<Donor | undefined> => {
  const { views } = deps
  if (job.reuse?.take !== true) return undefined
  const begun = written.find((chunk) => chunk.taken !== undefined)?.taken?.from
  if (begun === undefined && written.length > 0) return undefined
  const folds: JobFold[] = []
  for (const id of begun === undefined ? await views.jobsWithKey(job.reuse.key) : [begun]) {
    const fold = id === job.id ? undefined : await views.job(id)
    if (fold !== undefined && mayDonate(deps, fold)) folds.push(fold)
  }
  const fold = folds.find(({ sealed }) => sealed?.state === 'Completed') ?? folds[0]
  if (fold === undefined) return undefined
  const commits = await views.commits(fold.job.id)
  return {
    fold,
    chunks: await views.planChunks(fold.job.id),
    commits: new Map(
      commits.filter(({ failed }) => failed === 0).map((one) => [one.miniBatch, one]),
    ),
    recent: undefined,
  }
}

/**
 * Its data and its rows must be here. What scripts wrote into their output directories is not taken over:
 * a job that has such files is computed anew.
 */
const mayDonate = ({ self }: TakeOverDeps, { job, sealed, ...fold }: JobFold): boolean =>
  sealed !== null &&
  sealed.outputFiles === undefined &&
  job.spec.outputAction === 'append_row' &&
  job.dataPeer === self &&
  job.keeper === self &&
  fold.committed > 0 &&
  fold.rowsHere >= fold.rows

const take = async (
  deps: TakeOverDeps,
  job: Job,
  donor: Donor,
  chunk: PlanChunk,
): Promise<Taken | undefined> => {
  const pinned = job.reuse?.pinned === true
  const rule = { seenAt: donor.fold.job.submittedAt, pinned }
  const same: Content[] = []
  for (const now of deps.rules.contentsOf(chunk, pinned)) {
    if (!donor.commits.has(now.miniBatch)) continue
    const earlier = await contentAt(deps, donor, now.miniBatch, pinned)
    if (earlier !== undefined && deps.rules.mayTake(now, earlier, rule)) same.push(now)
  }
  const entries = await entriesOf(deps, donor, same)
  if (entries.length === 0) return undefined
  const groups: CommitGroup[] = []
  for (const some of parts(entries)) groups.push(await pack(deps, job, donor, some))
  const { self } = deps
  // No head takes the number 0: such a commit goes before any of theirs.
  const term = { number: 0, head: self }
  return {
    committed: { kind: 'committed', job: job.id, term, groups, at: deps.clock.now() },
    taken: { from: donor.fold.job.id, miniBatches: entries.length },
  }
}

/** What the donor's plan says of a mini-batch; undefined if it has none, or its plan is gone. */
const contentAt = async (
  { blobs, rules }: TakeOverDeps,
  donor: Donor,
  miniBatch: MiniBatchIndex,
  pinned: boolean,
): Promise<Content | undefined> => {
  const written = donor.chunks.find(
    ({ firstMiniBatch, miniBatches }) =>
      miniBatch >= firstMiniBatch && miniBatch < firstMiniBatch + miniBatches,
  )
  if (written === undefined) return undefined
  if (donor.recent?.chunk !== written.chunk) {
    const bytes = await blobs.read(written.blob)
    const contents = bytes.ok ? rules.contentsOf(decodePlanChunk(bytes.value), pinned) : []
    donor.recent = { chunk: written.chunk, contents }
  }
  return donor.recent.contents[miniBatch - written.firstMiniBatch]
}

/** Rows of the mini-batches, as if they had been returned again; one with a row missing is left out. */
const entriesOf = async (
  { views }: TakeOverDeps,
  { fold, commits }: Donor,
  same: readonly Content[],
): Promise<readonly AttemptRows[]> => {
  const first = same[0]?.firstItem ?? 0
  const last = same.at(-1)
  const end = (last?.firstItem ?? 0) + (last?.items ?? 0)
  const rows = Map.groupBy(
    await views.rowsOfItems(fold.job.id, first, end),
    ({ miniBatch }) => miniBatch,
  )
  return same.flatMap(({ miniBatch }) => {
    const here = rows.get(miniBatch) ?? []
    return here.length === commits.get(miniBatch)?.rows ? [toEntry(miniBatch, here)] : []
  })
}

const toEntry = (miniBatch: MiniBatchIndex, rows: readonly TakenRow[]): AttemptRows => ({
  miniBatch,
  attempt: 1,
  items: rows.map(({ item }) => item),
  names: rows.map(({ name }) => name),
  lines: Buffer.from(rows.map(({ value }) => value).join('\n')),
  failures: [],
})

/** Entries in heaps that fit a result chunk. */
const parts = (entries: readonly AttemptRows[]): readonly (readonly AttemptRows[])[] => {
  const heaps: AttemptRows[][] = [[]]
  let bytes = 0
  for (const entry of entries) {
    const heap = heaps.at(-1) ?? []
    if (
      heap.length >= limits.chunkEntries ||
      (heap.length > 0 && bytes + entry.lines.length > limits.takenChunkBytes)
    ) {
      heaps.push([entry])
      bytes = entry.lines.length
    } else {
      heap.push(entry)
      bytes += entry.lines.length
    }
  }
  return heaps.filter((heap) => heap.length > 0)
}

const pack = async (
  { self, chunks }: TakeOverDeps,
  job: Job,
  donor: Donor,
  entries: readonly AttemptRows[],
): Promise<CommitGroup> => {
  const packed = await chunks.pack({ job: job.id, peer: self, entries })
  if (!packed.ok) throw new MusterFailure(packed.error)
  const commits = entries.map(({ miniBatch }) => donor.commits.get(miniBatch))
  return {
    peer: self,
    chunk: packed.value,
    miniBatches: entries.map(({ miniBatch }) => miniBatch),
    attempts: entries.map(({ attempt }) => attempt),
    positions: entries.map((_, position) => position),
    succeeded: commits.map((commit) => commit?.succeeded ?? 0),
    failed: commits.map(() => 0),
    rows: commits.map((commit) => commit?.rows ?? 0),
  }
}
