import type { Chunks } from '#agent/ports/chunks.ts'
import type { TakenRow, Views } from '#agent/ports/views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { CountedCommit, JobFold } from '#protocol/model/fold.ts'
import type { ItemIndex, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { CommitGroup } from '#protocol/model/record.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'

/** Rows of an earlier job packed as if the new one's mini-batches had returned them. */

export interface TakenRowsDeps {
  readonly self: PeerId
  readonly views: Views
  readonly chunks: Chunks
}

/** An earlier job that gives rows. */
export interface Donor {
  readonly fold: JobFold
  /** Counted commits without a failed item. */
  readonly commits: ReadonlyMap<MiniBatchIndex, CountedCommit>
}

interface Place {
  readonly miniBatch: MiniBatchIndex
  readonly firstItem: ItemIndex
  readonly items: number
}

/** A mini-batch, and the earlier one whose rows stand for its own. */
export interface Pair {
  readonly now: Place
  readonly earlier: Place & { readonly contents: Uint8Array | undefined }
}

/** Commits of these mini-batches; one of whose rows some are not here is left out. */
export const packTaken = async (
  deps: TakenRowsDeps,
  job: Job,
  donor: Donor,
  pairs: readonly Pair[],
): Promise<readonly CommitGroup[]> => {
  const groups: CommitGroup[] = []
  for (const some of parts(await entriesOf(deps, donor, pairs)))
    groups.push(await pack(deps, job, some))
  return groups
}

interface Entry {
  readonly rows: AttemptRows
  readonly commit: CountedCommit
}

const entriesOf = async (
  { views }: TakenRowsDeps,
  { fold, commits }: Donor,
  pairs: readonly Pair[],
): Promise<readonly Entry[]> => {
  const entries: Entry[] = []
  for (const stretch of stretches(pairs)) {
    const first = stretch[0]?.earlier.firstItem ?? 0
    const last = stretch.at(-1)?.earlier
    const end = (last?.firstItem ?? 0) + (last?.items ?? 0)
    const found = await views.rowsOfItems(fold.job.id, first, end)
    const rows = Map.groupBy(found, ({ miniBatch }) => miniBatch)
    for (const pair of stretch) {
      const commit = commits.get(pair.earlier.miniBatch)
      const here = rows.get(pair.earlier.miniBatch) ?? []
      if (commit !== undefined && here.length === commit.rows)
        entries.push({ rows: toRows(pair, here), commit })
    }
  }
  return entries
}

/** Pairs that follow each other closely in the earlier job, so that one question gets their rows. */
const stretches = (pairs: readonly Pair[]): readonly (readonly Pair[])[] => {
  const found: Pair[][] = []
  for (const pair of pairs) {
    const before = found.at(-1)?.at(-1)?.earlier
    const gap = before === undefined ? 0 : pair.earlier.firstItem - before.firstItem - before.items
    if (before === undefined || gap < 0 || gap > limits.takenGapItems) found.push([pair])
    else found.at(-1)?.push(pair)
  }
  return found
}

const toRows = ({ now, earlier }: Pair, rows: readonly TakenRow[]): AttemptRows => ({
  miniBatch: now.miniBatch,
  attempt: 1,
  items: rows.map(({ item }) => now.firstItem + item - earlier.firstItem),
  names: rows.map(({ name }) => name),
  lines: Buffer.from(rows.map(({ value }) => value).join('\n')),
  failures: [],
  ...(earlier.contents === undefined ? {} : { contents: earlier.contents }),
})

/** Entries in heaps that fit a result chunk. */
const parts = (entries: readonly Entry[]): readonly (readonly Entry[])[] => {
  const heaps: Entry[][] = [[]]
  let bytes = 0
  for (const entry of entries) {
    const size = entry.rows.lines.length
    const heap = heaps.at(-1) ?? []
    if (
      heap.length >= limits.chunkEntries ||
      (heap.length > 0 && bytes + size > limits.takenChunkBytes)
    ) {
      heaps.push([entry])
      bytes = size
    } else {
      heap.push(entry)
      bytes += size
    }
  }
  return heaps.filter((heap) => heap.length > 0)
}

const pack = async (
  { self, chunks }: TakenRowsDeps,
  job: Job,
  entries: readonly Entry[],
): Promise<CommitGroup> => {
  const rows = entries.map((entry) => entry.rows)
  const packed = await chunks.pack({ job: job.id, peer: self, entries: rows })
  if (!packed.ok) throw new MusterFailure(packed.error)
  return {
    peer: self,
    chunk: packed.value,
    miniBatches: rows.map(({ miniBatch }) => miniBatch),
    attempts: rows.map(({ attempt }) => attempt),
    positions: entries.map((_, position) => position),
    succeeded: entries.map(({ commit }) => commit.succeeded),
    failed: entries.map(() => 0),
    rows: entries.map(({ commit }) => commit.rows),
  }
}
