import type { Millis } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { fileKey, fileOf, isOld } from './reuse.ts'
import type { MiniBatchContent } from './reuse.ts'

/** What a new plan has and an earlier one had, for the sentence that says why some of it must run. */
export interface ReuseCounts extends FileCounts {
  readonly miniBatches: number
  readonly taken: number
  /** They hold the same, but the earlier job has not all of their rows. */
  readonly unfinished: number
  /** Files that only the earlier plan has. */
  readonly gone: number
}

interface FileCounts {
  /** Files with another size or time, or found to hold something else. */
  readonly changed: number
  /** Files that the earlier plan has not. */
  readonly added: number
  /** Files written too shortly before the earlier plan was made. */
  readonly unsure: number
  /** Files with another time, of which it is not known what was in them. */
  readonly unread: number
  /** Files with another time that were not read again, since that would have been too much. */
  readonly uncompared: number
  /** Files with another time, in mini-batches that were taken over since they hold what they held. */
  readonly touched: number
}

/**
 * What became of a mini-batch: its rows are there; not all of them; its times prove nothing; some of its files
 * were found to hold something else; what was in them is not known; nobody looked; it has other files, sizes or
 * times.
 */
export type Outcome =
  'taken' | 'unfinished' | 'unsure' | 'changed' | 'unread' | 'uncompared' | 'other'

export interface ReuseCount {
  /** @param files where it was taken over: those with another time; else those for which it was not */
  readonly add: (
    miniBatch: MiniBatchContent,
    outcome: Outcome,
    files?: readonly PlannedFile[],
  ) => void
  readonly counts: () => ReuseCounts
}

export interface CountedPlans {
  readonly pinned: boolean
  readonly seenAt: Millis
  /** Files of the earlier plan; undefined where those that are gone are not counted: of tables. */
  readonly files: number | undefined
}

export const createReuseCount = (
  { pinned, seenAt, files: filesBefore }: CountedPlans,
  earlierFile: (file: PlannedFile) => PlannedFile | undefined,
): ReuseCount => {
  let [miniBatches, taken, unfinished, met] = [0, 0, 0, 0]
  const tally = filesBefore === undefined ? createFileMarks() : createTally()
  const addFile = (file: PlannedFile, outcome: 'unsure' | 'other'): void => {
    const before = earlierFile(file)
    if (before === undefined) tally.add('added', file)
    else if (outcome === 'other' && isOther(file, before, pinned)) tally.add('changed', file)
    else if (outcome === 'unsure' && !isOld(file, seenAt)) tally.add('unsure', file)
  }
  return {
    add: (miniBatch, outcome, files = []) => {
      miniBatches += 1
      if (outcome === 'taken') taken += 1
      if (outcome === 'unfinished') unfinished += 1
      const kind = outcome === 'taken' ? 'touched' : outcome
      if (isNamed(kind)) for (const file of files) tally.add(kind, file)
      for (const entry of miniBatch.entries) {
        const file = fileOf(entry)
        if (outcome === 'taken' || earlierFile(file) !== undefined) met += 1
        if (outcome === 'unsure' || outcome === 'other') addFile(file, outcome)
      }
    },
    counts: () => {
      const gone = filesBefore === undefined ? 0 : Math.max(0, filesBefore - met)
      return { miniBatches, taken, unfinished, gone, ...tally.counts() }
    },
  }
}

/** Outcomes of which the files are told. */
const isNamed = (
  kind: Outcome | 'touched',
): kind is 'touched' | 'changed' | 'unread' | 'uncompared' =>
  kind === 'touched' || kind === 'changed' || kind === 'unread' || kind === 'uncompared'

const isOther = (file: PlannedFile, before: PlannedFile, pinned: boolean): boolean =>
  file.bytes !== before.bytes || (!pinned && file.modifiedMs !== before.modifiedMs)

type Kind = keyof FileCounts

interface Tally {
  readonly add: (kind: Kind, file: PlannedFile) => void
  readonly counts: () => FileCounts
}

const none: FileCounts = {
  changed: 0,
  added: 0,
  unsure: 0,
  unread: 0,
  uncompared: 0,
  touched: 0,
}

/** Each file stands in one mini-batch. */
const createTally = (): Tally => {
  const counts = { ...none }
  return {
    add: (kind) => {
      counts[kind] += 1
    },
    counts: () => counts,
  }
}

/** Files of tables stand in many mini-batches; of so many it is remembered what was said of them. */
const rememberedFiles = 10_000

/** What is said of a file of which several things are true: the first of these. */
const strongest: readonly Kind[] = ['added', 'changed', 'unread', 'uncompared', 'unsure', 'touched']

const createFileMarks = (): Tally => {
  const marks = new Map<string, Kind>()
  return {
    add: (kind, file) => {
      const key = fileKey(file)
      const before = marks.get(key)
      const isStronger =
        before === undefined
          ? marks.size < rememberedFiles
          : strongest.indexOf(kind) < strongest.indexOf(before)
      if (isStronger) marks.set(key, kind)
    },
    counts: () => {
      const counts = { ...none }
      for (const kind of marks.values()) counts[kind] += 1
      return counts
    },
  }
}
