import type { Millis } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { isOld } from './reuse.ts'
import type { MiniBatchContent } from './reuse.ts'

/** What a new plan has and an earlier one had, for the sentence that says why some of it must run. */
export interface ReuseCounts {
  readonly miniBatches: number
  readonly taken: number
  /** They hold the same, but the earlier job has not all of their rows. */
  readonly unfinished: number
  /** Files with another size or time. */
  readonly changed: number
  /** Files that the earlier plan has not. */
  readonly added: number
  /** Files that only the earlier plan has. */
  readonly gone: number
  /** Files written too shortly before the earlier plan was made. */
  readonly unsure: number
  /** Files with another time, in mini-batches that were taken over since they hold what they held. */
  readonly touched: number
}

/**
 * What became of a mini-batch: its rows are there; not all of them; its times prove nothing; some of its files
 * were found to hold something else; it has other files, sizes or times.
 */
export type Outcome = 'taken' | 'unfinished' | 'unsure' | 'changed' | 'other'

export interface ReuseCount {
  /** @param files where it was taken over: those with another time; where it changed: those that did */
  readonly add: (miniBatch: MiniBatchContent, outcome: Outcome, files?: number) => void
  readonly counts: () => ReuseCounts
}

export interface CountedPlans {
  readonly pinned: boolean
  readonly seenAt: Millis
  /** Files of the earlier plan; undefined where those that are gone are not counted. */
  readonly files: number | undefined
}

/** Files of tables stand in many mini-batches; of so many it is remembered that they were counted. */
const rememberedFiles = 10_000

export const createReuseCount = (
  { pinned, seenAt, files }: CountedPlans,
  earlierFile: (file: PlannedFile) => PlannedFile | undefined,
): ReuseCount => {
  let [miniBatches, taken, unfinished, changed, added, unsure, met] = [0, 0, 0, 0, 0, 0, 0]
  let touched = 0
  const counted = new Set<string>()
  const isNew = ({ input, name }: PlannedFile): boolean => {
    if (files !== undefined) return true
    const key = `${input}/${name}`
    if (counted.has(key) || counted.size >= rememberedFiles) return false
    counted.add(key)
    return true
  }
  return {
    add: (miniBatch, outcome, found = 0) => {
      miniBatches += 1
      if (outcome === 'taken') {
        taken += 1
        touched += found
      }
      if (outcome === 'unfinished') unfinished += 1
      if (outcome === 'changed') changed += found
      for (const file of miniBatch.files) {
        const before = outcome === 'taken' ? file : earlierFile(file)
        if (before !== undefined) met += 1
        if (!counting.has(outcome) || !isNew(file)) continue
        if (before === undefined) added += 1
        else if (outcome === 'unsure') unsure += isOld(file, seenAt) ? 0 : 1
        else if (isOther(file, before, pinned)) changed += 1
      }
    },
    counts: () => {
      const gone = files === undefined ? 0 : Math.max(0, files - met)
      return { miniBatches, taken, unfinished, changed, added, gone, unsure, touched }
    },
  }
}

/** Where files are looked at one by one. */
const counting: ReadonlySet<Outcome> = new Set(['unsure', 'other'])

const isOther = (file: PlannedFile, before: PlannedFile, pinned: boolean): boolean =>
  file.bytes !== before.bytes || (!pinned && file.modifiedMs !== before.modifiedMs)
