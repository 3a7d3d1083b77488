import { contentHashAt, contentHashBytes } from '#protocol/model/content.ts'
import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import type { PlanChunk, PlannedFile, PlannedItem } from '#protocol/model/plan.ts'
import { comparePaths } from './cut/names.ts'
import type { EarlierCuts } from './realign.ts'
import { contentsOf, contentText, entryKey, fileKey, fileOf } from './reuse.ts'
import type { MiniBatchContent, PlanEntry } from './reuse.ts'

/** Hashes of what was read for mini-batches, where they are known: see `protocol/model/content.ts`. */
export type Contents = ReadonlyMap<MiniBatchIndex, Uint8Array>

/**
 * The part of an earlier job's plan that lies beside what is being planned: both list files in the same order,
 * so the rest of it need not be known.
 */
export interface PlanStretch extends EarlierCuts {
  /** Whether more of the plan has to be known before this chunk is looked at. */
  readonly isShortOf: (chunk: PlanChunk) => boolean
  /** The next chunk of the plan. */
  readonly add: (chunk: PlanChunk, contents: Contents) => void
  /** What stands before this file or slice is not needed any more. */
  readonly forgetBefore: (entry: PlanEntry) => void
  readonly withText: (text: string) => SeenMiniBatch | undefined
  /** The mini-batch that stood in this place, whatever was in it. */
  readonly inPlaceOf: (miniBatch: MiniBatchContent) => SeenMiniBatch | undefined
  /** The file of this name. */
  readonly file: (file: PlannedFile) => PlannedFile | undefined
  /** The file of this name, or the slice that began with this record, and what was in it. */
  readonly entry: (entry: PlanEntry) => SeenEntry | undefined
}

export interface SeenMiniBatch extends MiniBatchContent {
  /** What was in its entries; undefined: that is not known. */
  readonly contents: Uint8Array | undefined
}

export interface SeenEntry {
  readonly entry: PlanEntry
  /** Hex; undefined: it is not known. */
  readonly hash: string | undefined
}

interface Chunk {
  readonly endMiniBatch: MiniBatchIndex
  readonly last: PlanEntry | undefined
  readonly byText: ReadonlyMap<string, SeenMiniBatch>
  readonly places: ReadonlyMap<string, SeenMiniBatch>
  readonly files: ReadonlyMap<string, PlannedFile>
  readonly entries: ReadonlyMap<string, SeenEntry>
}

/** Partitions stand in no order of files: as many chunks of their plan are known at a time. */
const partitionChunks = 3

export const createPlanStretch = (isOrdered: boolean, pinned: boolean): PlanStretch => {
  let chunks: Chunk[] = []
  const first = <Value>(look: (chunk: Chunk) => Value | undefined): Value | undefined => {
    for (const chunk of chunks) {
      const value = look(chunk)
      if (value !== undefined) return value
    }
    return undefined
  }
  const withText = (text: string): SeenMiniBatch | undefined =>
    first(({ byText }) => byText.get(text))
  const inPlace = (place: string): SeenMiniBatch | undefined =>
    first(({ places }) => places.get(place))
  return {
    add: (chunk, contents) => {
      chunks.push(toChunk(chunk, contents, pinned))
      if (!isOrdered) chunks = chunks.slice(-partitionChunks)
    },
    isShortOf: (chunk) => {
      const end = chunks.at(-1)
      if (end === undefined) return true
      if (!isOrdered) return end.endMiniBatch < endOf(chunk)
      const last = entriesOf(chunk).at(-1)
      return last !== undefined && end.last !== undefined && compareEntries(end.last, last) < 0
    },
    forgetBefore: (entry) => {
      if (isOrdered)
        chunks = chunks.filter(
          ({ last }, at) =>
            at === chunks.length - 1 || (last !== undefined && compareEntries(last, entry) >= 0),
        )
    },
    withText,
    inPlaceOf: ({ place }) => inPlace(place),
    file: (file) => first(({ files }) => files.get(fileKey(file))),
    entry: (entry) => first(({ entries }) => entries.get(entryKey(entry))),
    beginningWith: (item) => {
      const found = inPlace(entryKey(item))
      if (found === undefined) return undefined
      const bytes = found.entries.reduce((sum, one) => sum + fileOf(one).bytes, 0)
      return { items: found.entries.length, bytes }
    },
    isKnown: (items: readonly PlannedItem[]) =>
      withText(contentText(items, null, pinned)) !== undefined,
  }
}

const toChunk = (chunk: PlanChunk, contents: Contents, pinned: boolean): Chunk => {
  const seen = contentsOf(chunk, pinned).map((one) => ({
    ...one,
    contents: ofAll(one, contents.get(one.miniBatch)),
  }))
  const files = new Map<string, PlannedFile>()
  const entries = new Map<string, SeenEntry>()
  for (const one of seen)
    for (const [at, entry] of one.entries.entries()) {
      files.set(fileKey(fileOf(entry)), fileOf(entry))
      entries.set(entryKey(entry), { entry, hash: contentHashAt(one.contents, at) })
    }
  return {
    endMiniBatch: endOf(chunk),
    last: entriesOf(chunk).at(-1),
    byText: new Map(seen.map((one) => [one.text, one])),
    places: new Map(seen.map((one) => [one.place, one])),
    files,
    entries,
  }
}

/** Hashes of fewer entries are not those of this mini-batch. */
const ofAll = (
  { entries }: MiniBatchContent,
  contents: Uint8Array | undefined,
): Uint8Array | undefined =>
  contents?.length === entries.length * contentHashBytes ? contents : undefined

const endOf = ({ firstMiniBatch, runs }: PlanChunk): MiniBatchIndex =>
  runs.reduce((sum, run) => sum + run.count, firstMiniBatch)

export const entriesOf = (chunk: PlanChunk): readonly PlanEntry[] =>
  chunk.kind === 'files' ? chunk.items : chunk.slices

const compareEntries = (a: PlanEntry, b: PlanEntry): number => {
  const [one, other] = [fileOf(a), fileOf(b)]
  const files = one.input - other.input || comparePaths(one.name, other.name)
  return files || recordOf(a) - recordOf(b)
}

const recordOf = (entry: PlanEntry): number => ('file' in entry ? entry.firstRecord : 0)
