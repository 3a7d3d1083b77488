import type { Millis, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { FilePlanChunk, PlanChunk, PlannedFile, PlannedItem } from '#protocol/model/plan.ts'
import { toRuns } from './cut/mini-batches.ts'
import { comparePaths } from './cut/names.ts'
import { realign } from './realign.ts'
import type { EarlierCuts, PieceSize } from './realign.ts'
import { createReuseCount } from './reuse-count.ts'
import type { ReuseCounts } from './reuse-count.ts'
import { contentsOf, contentText, isSure } from './reuse.ts'
import type { MiniBatchContent } from './reuse.ts'

/**
 * Finds mini-batches of an earlier plan again in a new one, wherever they stand there. Both plans list
 * files in the same order, so only a stretch of the earlier one has to be known at a time.
 */
export interface ReuseMatch {
  /** Whether more of the earlier plan has to be known before this chunk is cut and looked at. */
  readonly wants: (chunk: PlanChunk) => boolean
  /** The next chunk of the earlier plan. */
  readonly know: (chunk: PlanChunk) => void
  /** The chunk anew, cut where the earlier plan was; files of a mini-batch that is not full are kept for the next. */
  readonly cut: (chunk: PlanChunk) => PlanChunk | undefined
  /** Which of its mini-batches hold what an earlier one held that was finished. */
  readonly find: (chunk: PlanChunk) => readonly Found[]
  /** What was found so far. */
  readonly counts: () => ReuseCounts
}

/** A mini-batch, and the earlier one whose rows may stand for its own. */
export interface Found {
  readonly now: MiniBatchContent
  readonly earlier: MiniBatchContent
}

export interface ReuseMatchOf {
  readonly spec: Pick<JobSpec, 'miniBatchSize' | 'partitionKeys'>
  /** See `ReuseSettings`. */
  readonly pinned: boolean
  /** When the earlier job was submitted: its plan was made after. */
  readonly seenAt: Millis
  /** Files of the earlier plan; undefined: its inputs are tables. */
  readonly files: number | undefined
  /** Whether all rows of the earlier mini-batch were had. */
  readonly isFinished: (miniBatch: MiniBatchIndex) => boolean
}

export const createReuseMatch = (of: ReuseMatchOf): ReuseMatch => {
  const known = createKnown(of)
  const cutter = createCutter(of, known)
  const count = createReuseCount(of, known.file)
  return {
    wants: (chunk) => known.isShortOf(chunk),
    know: known.add,
    cut: (chunk) => {
      const cut = cutter(chunk)
      const [first] = cut === undefined ? [] : filesOf(cut)
      if (first !== undefined) known.forgetBefore(first)
      return cut
    },
    find: (chunk) => {
      const found: Found[] = []
      for (const now of contentsOf(chunk, of.pinned)) {
        const earlier = known.withText(now.text)
        const isFinished = earlier !== undefined && of.isFinished(earlier.miniBatch)
        const isTaken = isFinished && isSure(earlier, of)
        if (isTaken) found.push({ now, earlier })
        count.add(
          now,
          isTaken
            ? 'taken'
            : earlier === undefined
              ? 'other'
              : isFinished
                ? 'unsure'
                : 'unfinished',
        )
      }
      return found
    },
    counts: count.counts,
  }
}

/** A stretch of the earlier plan. */
interface Known extends EarlierCuts {
  readonly add: (chunk: PlanChunk) => void
  readonly isShortOf: (chunk: PlanChunk) => boolean
  readonly forgetBefore: (file: PlannedFile) => void
  readonly withText: (text: string) => MiniBatchContent | undefined
  readonly file: (file: PlannedFile) => PlannedFile | undefined
}

interface KnownChunk {
  readonly endMiniBatch: MiniBatchIndex
  readonly last: PlannedFile | undefined
  readonly byText: ReadonlyMap<string, MiniBatchContent>
  readonly starts: ReadonlyMap<string, PieceSize>
  readonly files: ReadonlyMap<string, PlannedFile>
}

/** Partitions stand in no order of files: as many chunks of their plan are known at a time. */
const partitionChunks = 3

const createKnown = ({ spec, pinned }: ReuseMatchOf): Known => {
  let chunks: KnownChunk[] = []
  const isOrdered = spec.partitionKeys.length === 0
  const first = <Value>(look: (chunk: KnownChunk) => Value | undefined): Value | undefined => {
    for (const chunk of chunks) {
      const value = look(chunk)
      if (value !== undefined) return value
    }
    return undefined
  }
  const withText = (text: string): MiniBatchContent | undefined =>
    first(({ byText }) => byText.get(text))
  return {
    add: (chunk) => {
      chunks.push(toKnown(chunk, pinned))
      if (!isOrdered) chunks = chunks.slice(-partitionChunks)
    },
    isShortOf: (chunk) => {
      const end = chunks.at(-1)
      if (end === undefined) return true
      if (!isOrdered) return end.endMiniBatch < endOf(chunk)
      const last = filesOf(chunk).at(-1)
      return last !== undefined && end.last !== undefined && compareFiles(end.last, last) < 0
    },
    forgetBefore: (file) => {
      if (isOrdered)
        chunks = chunks.filter(
          ({ last }, at) =>
            at === chunks.length - 1 || (last !== undefined && compareFiles(last, file) >= 0),
        )
    },
    withText,
    file: (file) => first(({ files }) => files.get(keyOf(file))),
    beginningWith: (item) => first(({ starts }) => starts.get(keyOf(item))),
    isKnown: (items) => withText(contentText(items, null, pinned)) !== undefined,
  }
}

const toKnown = (chunk: PlanChunk, pinned: boolean): KnownChunk => {
  const contents = contentsOf(chunk, pinned)
  const files = filesOf(chunk)
  const starts = new Map<string, PieceSize>()
  for (const { files: all } of contents) {
    const [file] = all
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0)
    if (file !== undefined) starts.set(keyOf(file), { items: all.length, bytes })
  }
  return {
    endMiniBatch: endOf(chunk),
    last: files.at(-1),
    byText: new Map(contents.map((content) => [content.text, content])),
    starts,
    files: new Map(files.map((file) => [keyOf(file), file])),
  }
}

const endOf = ({ firstMiniBatch, runs }: PlanChunk): MiniBatchIndex =>
  runs.reduce((sum, run) => sum + run.count, firstMiniBatch)

const filesOf = (chunk: PlanChunk): readonly PlannedFile[] =>
  chunk.kind === 'files' ? chunk.items : chunk.slices.map(({ file }) => file)

const keyOf = ({ input, name }: PlannedFile): string => `${input}/${name}`

const compareFiles = (a: PlannedFile, b: PlannedFile): number =>
  a.input - b.input || comparePaths(a.name, b.name)

/** Only where files are counted out: tables are cut within each file, partitions by their keys. */
const createCutter = (
  { spec }: ReuseMatchOf,
  known: EarlierCuts,
): ((chunk: PlanChunk) => PlanChunk | undefined) => {
  const { miniBatchSize: size, partitionKeys } = spec
  const isSingle = size.kind === 'items' && size.items === 1
  let kept: readonly PlannedItem[] = []
  let next: Pick<FilePlanChunk, 'chunk' | 'firstItem' | 'firstMiniBatch'> | undefined
  return (chunk) => {
    if (chunk.kind === 'table' || partitionKeys.length > 0 || isSingle) return chunk
    const items = [...kept, ...chunk.items]
    const lengths = realign(items, size, known, chunk.last)
    const count = lengths.reduce((sum, length) => sum + length, 0)
    kept = items.slice(count)
    next ??= chunk
    if (lengths.length === 0 && !chunk.last) return undefined
    const { chunk: number, firstItem, firstMiniBatch } = next
    const place = { chunk: number, firstItem, firstMiniBatch }
    next = {
      chunk: number + 1,
      firstItem: firstItem + count,
      firstMiniBatch: firstMiniBatch + lengths.length,
    }
    return { ...chunk, ...place, runs: toRuns(lengths), items: items.slice(0, count) }
  }
}
