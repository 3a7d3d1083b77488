import type { ContentDigest } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { Pair } from './taken-rows.ts'

/** A mini-batch that may hold what an earlier one held, and the files of which that must be found out. */
export interface Doubt extends Pair {
  readonly files: readonly {
    readonly file: PlannedFile
    readonly hash: string
    readonly isTouched: boolean
  }[]
}

/**
 * Reads the doubtful files of a mini-batch and says how many hold something else; undefined: it was not
 * tried. Bounded: where most of what was read had changed, or much was read, the rest is computed instead.
 */
export const createLook = (
  contents: ContentDigest,
  { spec }: Job,
  signal: AbortSignal,
): ((doubt: Doubt) => Promise<number | undefined>) => {
  let [bytesLeft, same, other] = [limits.comparedBytes, 0, 0]
  return async ({ files }) => {
    const bytes = files.reduce((sum, { file }) => sum + file.bytes, 0)
    const isInVain = other >= limits.comparedInVain && other > same
    if (bytes > bytesLeft || isInVain) return undefined
    bytesLeft -= bytes
    let changed = 0
    const queue = files.values()
    const lane = async (): Promise<void> => {
      for (const { file, hash } of queue) {
        const input = spec.inputs[file.input]
        if (input === undefined || (await contents.file(input, file, signal)) !== hash) changed += 1
      }
    }
    await Promise.all(Array.from({ length: Math.min(limits.comparedAtOnce, files.length) }, lane))
    if (changed === 0) same += 1
    else other += 1
    return changed
  }
}
