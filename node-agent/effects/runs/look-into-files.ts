import type { ContentDigest } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedFile, PlannedItem, PlannedSlice } from '#protocol/model/plan.ts'
import type { Pair } from './taken-rows.ts'

/** A mini-batch that may hold what an earlier one held, and the files or slices of which that must be found out. */
export interface Doubt extends Pair {
  readonly checks: readonly Check[]
}

interface Check {
  readonly entry: PlannedItem | PlannedSlice
  readonly hash: string
  readonly isTouched: boolean
}

/**
 * Reads the doubtful files of a mini-batch, or of tables just its slices of them, and says which files hold
 * something else; undefined: it was not tried. Bounded: where most of what was read had changed, or much was
 * read, the rest is computed instead.
 */
export const createLook = (
  contents: ContentDigest,
  { spec }: Job,
  signal: AbortSignal,
): ((doubt: Doubt) => Promise<readonly PlannedFile[] | undefined>) => {
  let [bytesLeft, same, other] = [limits.comparedBytes, 0, 0]
  const known = createKnownSlices()
  const fileHash = async (file: PlannedItem): Promise<string | undefined> => {
    const input = spec.inputs[file.input]
    return input && contents.file(input, file, signal)
  }
  const sliceHashes = async (slices: readonly PlannedSlice[]): Promise<void> => {
    const input = spec.inputs[slices[0]?.file.input ?? -1]
    if (input?.kind !== 'table') return
    known.add(slices, await contents.slices(input, slices, signal))
  }
  return async ({ checks }) => {
    const slices = known.without(checks.flatMap(({ entry }) => ('file' in entry ? [entry] : [])))
    const bytes =
      slices.reduce((sum, { length }) => sum + Math.max(length, limits.comparedSliceBytes), 0) +
      checks.reduce((sum, { entry }) => sum + ('file' in entry ? 0 : entry.bytes), 0)
    const isInVain = other >= limits.comparedInVain && other > same
    if (bytes > bytesLeft || isInVain) return undefined
    bytesLeft -= bytes
    await sliceHashes(slices)
    const changed: PlannedFile[] = []
    const queue = checks.values()
    const lane = async (): Promise<void> => {
      for (const { entry, hash } of queue)
        if ('file' in entry) {
          if (known.hashOf(entry) !== hash) changed.push(entry.file)
        } else if ((await fileHash(entry)) !== hash) changed.push(entry)
    }
    await Promise.all(Array.from({ length: Math.min(limits.comparedAtOnce, checks.length) }, lane))
    if (changed.length === 0) same += 1
    else other += 1
    return changed
  }
}

interface KnownSlices {
  /** Those whose bytes were not read lately, each once. */
  readonly without: (slices: readonly PlannedSlice[]) => readonly PlannedSlice[]
  readonly add: (slices: readonly PlannedSlice[], hashes: readonly (string | undefined)[]) => void
  readonly hashOf: (slice: PlannedSlice) => string | undefined
}

/** Partitions have slices of the same row groups of Parquet: those that were read last are remembered. */
const createKnownSlices = (): KnownSlices => {
  const known = new Map<string, string | undefined>()
  const keyOf = ({ file, offset, length }: PlannedSlice): string =>
    `${offset}+${length} ${file.input}/${file.name}`
  return {
    without: (slices) => {
      if (known.size > limits.comparedSlices) known.clear()
      const fresh = new Map(slices.map((slice) => [keyOf(slice), slice]))
      return [...fresh].flatMap(([key, slice]) => (known.has(key) ? [] : [slice]))
    },
    add: (slices, hashes) => {
      for (const [at, slice] of slices.entries()) known.set(keyOf(slice), hashes[at])
    },
    hashOf: (slice) => known.get(keyOf(slice)),
  }
}
