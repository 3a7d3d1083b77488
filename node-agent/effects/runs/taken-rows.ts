import type { Chunks } from '#agent/ports/chunks.ts'
import type { TakenRows, Views } from '#agent/ports/views.ts'
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
  readonly chunks: Pick<Chunks, 'pack'>
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

/**
 * Commits of these mini-batches; one of whose rows some are not here is left out. However many they are, little
 * more than one chunk of rows is held at once.
 */
export const packTaken = async (
  deps: TakenRowsDeps,
  job: Job,
  donor: Donor,
  pairs: readonly Pair[],
): Promise<readonly CommitGroup[]> => {
  const groups: CommitGroup[] = []
  for await (const some of heaps(entriesOf(deps, donor, pairs)))
    groups.push(await pack(deps, job, some))
  return groups
}

interface Entry {
  readonly rows: AttemptRows
  readonly commit: CountedCommit
}

async function* entriesOf(
  { views }: TakenRowsDeps,
  { fold, commits }: Donor,
  pairs: readonly Pair[],
): AsyncGenerator<Entry, void, undefined> {
  for (const stretch of stretches(pairs)) {
    const end = endOf(stretch.at(-1)?.earlier)
    let next = stretch[0]?.earlier.firstItem ?? end
    let held = new Map<MiniBatchIndex, TakenRows>()
    for (const pair of stretch) {
      const { miniBatch } = pair.earlier
      while (next < endOf(pair.earlier)) {
        const page = await views.rowsOfItems(fold.job.id, next, end)
        held = new Map(page.miniBatches.map((rows) => [rows.miniBatch, rows]))
        next = page.next
      }
      const commit = commits.get(miniBatch)
      const rows = held.get(miniBatch) ?? noRows(miniBatch)
      if (commit !== undefined && rows.items.length === commit.rows)
        yield { rows: toRows(pair, rows), commit }
    }
  }
}

const endOf = (place: Place | undefined): ItemIndex =>
  place === undefined ? 0 : place.firstItem + place.items

/** A mini-batch may return nothing. */
const noRows = (miniBatch: MiniBatchIndex): TakenRows => ({
  miniBatch,
  items: [],
  names: [],
  lines: new Uint8Array(),
})

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

const toRows = ({ now, earlier }: Pair, { items, names, lines }: TakenRows): AttemptRows => ({
  miniBatch: now.miniBatch,
  attempt: 1,
  items: items.map((item) => now.firstItem + item - earlier.firstItem),
  names,
  lines,
  failures: [],
  ...(earlier.contents === undefined ? {} : { contents: earlier.contents }),
})

/** Entries in heaps that fit a result chunk. */
async function* heaps(
  entries: AsyncIterable<Entry>,
): AsyncGenerator<readonly Entry[], void, undefined> {
  let heap: Entry[] = []
  let bytes = 0
  for await (const entry of entries) {
    const size = entry.rows.lines.length
    const isFull = heap.length >= limits.chunkEntries || bytes + size > limits.takenChunkBytes
    if (heap.length > 0 && isFull) {
      yield heap
      heap = []
      bytes = 0
    }
    heap.push(entry)
    bytes += size
  }
  if (heap.length > 0) yield heap
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
