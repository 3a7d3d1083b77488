import { contentHashAt } from '#protocol/model/content.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { PlanStretch, SeenMiniBatch } from './plan-stretch.ts'
import { isOld } from './reuse.ts'
import type { MiniBatchContent } from './reuse.ts'

/** Whether a mini-batch holds what an earlier one held. */
export interface Judgement {
  /** Files of which another job read other content since, though size and time are the same. */
  readonly changed: number
  /** Files that may be the same, with the hash of what was in them. */
  readonly toCheck: readonly FileCheck[]
  /** Files that may be the same, and nobody knows what was in them. */
  readonly unproved: number
  /** Files with another time that hold what they held, as another job found. */
  readonly touched: number
}

export interface FileCheck {
  readonly file: PlannedFile
  /** Hex, as in `protocol/model/content.ts`. */
  readonly hash: string
  /** Its time is another. */
  readonly isTouched: boolean
}

export interface JudgeBy {
  readonly pinned: boolean
  /** When the earlier job was submitted. */
  readonly seenAt: Millis
  /** What a job after that found in the files. */
  readonly later: Pick<PlanStretch, 'file'>
}

/** Undefined: other files, or files of other sizes. */
export const judge = (
  now: MiniBatchContent,
  earlier: SeenMiniBatch,
  { pinned, seenAt, later }: JudgeBy,
): Judgement | undefined => {
  if (now.files.length !== earlier.files.length) return undefined
  let [changed, unproved, touched] = [0, 0, 0]
  const toCheck: FileCheck[] = []
  for (const [at, file] of now.files.entries()) {
    const before = earlier.files[at]
    if (before?.name !== file.name || before.bytes !== file.bytes || before.input !== file.input)
      return undefined
    if (pinned) continue
    const isTouched = before.modifiedMs !== file.modifiedMs
    const hash = contentHashAt(earlier.contents, at)
    const found = later.file(file)
    const isFound = found?.file.bytes === file.bytes && found.file.modifiedMs === file.modifiedMs
    const since = isFound ? found.hash : undefined
    if (hash !== undefined && since !== undefined) {
      if (hash !== since) changed += 1
      else if (isTouched) touched += 1
    } else if (isTouched || !isOld(file, seenAt)) {
      if (hash === undefined) unproved += 1
      else toCheck.push({ file, hash, isTouched })
    }
  }
  return { changed, toCheck, unproved, touched }
}
