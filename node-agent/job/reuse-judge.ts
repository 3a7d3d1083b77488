import { contentHashAt } from '#protocol/model/content.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { PlannedFile, PlannedTable } from '#protocol/model/plan.ts'
import type { PlanStretch, SeenMiniBatch } from './plan-stretch.ts'
import { fileOf, isOld } from './reuse.ts'
import type { MiniBatchContent, PlanEntry } from './reuse.ts'

/** Whether a mini-batch holds what an earlier one held. Files of slices may stand in a list several times. */
export interface Judgement {
  /** Files of which another job read other content since, though size and time are the same. */
  readonly changed: readonly PlannedFile[]
  /** Files and slices that may be the same, with the hash of what was in them. */
  readonly toCheck: readonly EntryCheck[]
  /** Files that may be the same, and nobody knows what was in them. */
  readonly unproved: readonly PlannedFile[]
  /** Files with another time that hold what they held, as another job found. */
  readonly touched: readonly PlannedFile[]
}

export interface EntryCheck {
  readonly entry: PlanEntry
  /** Hex, as in `protocol/model/content.ts`. */
  readonly hash: string
  /** The time of its file is another, or the size of a file with more records than these. */
  readonly isTouched: boolean
}

export interface JudgeBy {
  readonly pinned: boolean
  /** When the earlier job was submitted. */
  readonly seenAt: Millis
  /** What a job after that found in the files. */
  readonly later: Pick<PlanStretch, 'entry'>
}

/** Undefined: other files or records, or other sizes of them. */
export const judge = (
  now: MiniBatchContent,
  earlier: SeenMiniBatch,
  { pinned, seenAt, later }: JudgeBy,
): Judgement | undefined => {
  if (now.entries.length !== earlier.entries.length) return undefined
  const changed: PlannedFile[] = []
  const unproved: PlannedFile[] = []
  const touched: PlannedFile[] = []
  const toCheck: EntryCheck[] = []
  for (const [at, entry] of now.entries.entries()) {
    const before = earlier.entries[at]
    if (before === undefined || !isAlike(entry, before)) return undefined
    if (pinned) continue
    const file = fileOf(entry)
    const isTouched = !isSameFile(file, fileOf(before))
    const hash = contentHashAt(earlier.contents, at)
    const since = hashSince(later, entry)
    if (hash !== undefined && since !== undefined) {
      if (hash !== since) changed.push(file)
      else if (isTouched) touched.push(file)
    } else if (isTouched || !isOld(file, seenAt)) {
      if (hash === undefined) unproved.push(file)
      else toCheck.push({ entry, hash, isTouched })
    }
  }
  return { changed, toCheck, unproved, touched }
}

/** What a later job found in it, if its file is still as that job saw it. */
const hashSince = (later: JudgeBy['later'], entry: PlanEntry): string | undefined => {
  const found = later.entry(entry)
  const isStill =
    found !== undefined &&
    isAlike(entry, found.entry) &&
    isSameFile(fileOf(entry), fileOf(found.entry)) &&
    offsetOf(entry) === offsetOf(found.entry)
  return isStill ? found.hash : undefined
}

const isSameFile = (a: PlannedFile, b: PlannedFile): boolean =>
  a.bytes === b.bytes && a.modifiedMs === b.modifiedMs

/**
 * Whether they can hold the same: files of the same name and size, or as many records from the same one on in as
 * many bytes, wherever these stand in the file: rows know the numbers of their records, not their places.
 */
const isAlike = (now: PlanEntry, before: PlanEntry): boolean => {
  const [file, was] = [fileOf(now), fileOf(before)]
  if (file.name !== was.name || file.input !== was.input) return false
  if (!('file' in now) || !('file' in before)) return file.bytes === was.bytes
  return (
    now.firstRecord === before.firstRecord &&
    now.records === before.records &&
    now.length === before.length &&
    hasSameColumns(now.file, before.file)
  )
}

const hasSameColumns = ({ columns: now }: PlannedTable, { columns: before }: PlannedTable) =>
  now === before ||
  (now.length === before.length && now.every((column, at) => column === before[at]))

const offsetOf = (entry: PlanEntry): number => ('file' in entry ? entry.offset : 0)
