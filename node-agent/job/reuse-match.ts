import type { Millis, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { FilePlanChunk, PlanChunk, PlannedFile, PlannedItem } from '#protocol/model/plan.ts'
import { toRuns } from './cut/mini-batches.ts'
import { createPlanStretch, entriesOf } from './plan-stretch.ts'
import type { Contents, PlanStretch, SeenMiniBatch } from './plan-stretch.ts'
import { realign } from './realign.ts'
import type { EarlierCuts } from './realign.ts'
import { createReuseCount } from './reuse-count.ts'
import type { ReuseCount, ReuseCounts } from './reuse-count.ts'
import { judge } from './reuse-judge.ts'
import type { EntryCheck } from './reuse-judge.ts'
import { contentsOf, fileOf } from './reuse.ts'
import type { MiniBatchContent } from './reuse.ts'

/**
 * Finds mini-batches of an earlier job again in a new plan, wherever they stand there. `earlier` is the job
 * that gives rows; `later` one that read the same files after it, whatever it made of them.
 */
export interface ReuseMatch {
  /** Whether more of that job's plan has to be known before this chunk is cut and looked at. */
  readonly wants: (of: Source, chunk: PlanChunk) => boolean
  /** The next chunk of that job's plan, and what was read of it. */
  readonly know: (of: Source, chunk: PlanChunk, contents: Contents) => void
  /** The chunk anew, cut where the earlier plan was; files of a mini-batch that is not full are kept for the next. */
  readonly cut: (chunk: PlanChunk) => PlanChunk | undefined
  /** Which of its mini-batches hold what an earlier one held that was finished. */
  readonly find: (chunk: PlanChunk) => FoundIn
  /** What came of looking into the files of a doubtful one: those that are others, or undefined if nobody looked. */
  readonly settle: (miniBatch: MiniBatchIndex, changed: readonly PlannedFile[] | undefined) => void
  /** What was found so far. */
  readonly counts: () => ReuseCounts
}

export type Source = 'earlier' | 'later'

export interface FoundIn {
  readonly found: readonly Found[]
  /** Times of some files say nothing: what is in them must be compared. */
  readonly doubtful: readonly Doubt[]
}

/** A mini-batch, and the earlier one whose rows may stand for its own. */
export interface Found {
  readonly now: MiniBatchContent
  readonly earlier: SeenMiniBatch
}

export interface Doubt extends Found {
  readonly checks: readonly EntryCheck[]
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
  const isOrdered = of.spec.partitionKeys.length === 0
  const sources = {
    earlier: createPlanStretch(isOrdered, of.pinned),
    later: createPlanStretch(isOrdered, of.pinned),
  }
  const cutter = createCutter(of, sources.earlier)
  const count = createReuseCount(of, sources.earlier.file)
  const doubts = new Map<MiniBatchIndex, Doubt>()
  return {
    wants: (source, chunk) => sources[source].isShortOf(chunk),
    know: (source, chunk, contents) => sources[source].add(chunk, contents),
    cut: (chunk) => {
      const cut = cutter(chunk)
      const [first] = cut === undefined ? [] : entriesOf(cut)
      if (first !== undefined) {
        sources.earlier.forgetBefore(first)
        sources.later.forgetBefore(first)
      }
      return cut
    },
    find: (chunk) => {
      const all = find(of, sources, count, chunk)
      for (const doubt of all.doubtful) doubts.set(doubt.now.miniBatch, doubt)
      return all
    },
    settle: (miniBatch, changed) => {
      const doubt = doubts.get(miniBatch)
      if (doubt === undefined || !doubts.delete(miniBatch)) return
      const { now, checks } = doubt
      const touched = checks.flatMap(({ entry, isTouched }) => (isTouched ? [fileOf(entry)] : []))
      const doubtful = checks.map(({ entry }) => fileOf(entry))
      if (changed === undefined) count.add(now, 'uncompared', doubtful)
      else if (changed.length > 0) count.add(now, 'changed', changed)
      else count.add(now, 'taken', touched)
    },
    counts: count.counts,
  }
}

const find = (
  of: ReuseMatchOf,
  { earlier: before, later }: Readonly<Record<Source, PlanStretch>>,
  count: ReuseCount,
  chunk: PlanChunk,
): FoundIn => {
  const found: Found[] = []
  const doubtful: Doubt[] = []
  for (const now of contentsOf(chunk, of.pinned)) {
    const same = before.withText(now.text)
    // Files with other times may hold what they held.
    const earlier = same ?? before.inPlaceOf(now)
    const judged = earlier && judge(now, earlier, { ...of, later })
    if (earlier === undefined || judged === undefined) count.add(now, 'other')
    else if (!of.isFinished(earlier.miniBatch)) count.add(now, same ? 'unfinished' : 'other')
    else if (judged.changed.length > 0) count.add(now, 'changed', judged.changed)
    else if (judged.unproved.length > 0) count.add(now, same ? 'unsure' : 'unread', judged.unproved)
    else if (judged.toCheck.length > 0) doubtful.push({ now, earlier, checks: judged.toCheck })
    else {
      found.push({ now, earlier })
      count.add(now, 'taken', judged.touched)
    }
  }
  return { found, doubtful }
}

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
