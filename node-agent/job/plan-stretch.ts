import { contentHashAt } from '#protocol/model/content.ts'
import type { MiniBatchIndex } from '#protocol/model/ids.ts'
import type { PlanChunk, PlannedFile, PlannedItem } from '#protocol/model/plan.ts'
import { comparePaths } from './cut/names.ts'
import type { EarlierCuts } from './realign.ts'
import { contentsOf, contentText } from './reuse.ts'
import type { MiniBatchContent } from './reuse.ts'

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
  /** What stands before this file is not needed any more. */
  readonly forgetBefore: (file: PlannedFile) => void
  readonly withText: (text: string) => SeenMiniBatch | undefined
  /** The mini-batch that began with this file, whatever its size and time are now. */
  readonly startingWith: (file: PlannedFile) => SeenMiniBatch | undefined
  /** The file of this name, and what was in it. */
  readonly file: (file: PlannedFile) => SeenFile | undefined
}

export interface SeenMiniBatch extends MiniBatchContent {
  /** What was in its items; undefined: that is not known, or they are records. */
  readonly contents: Uint8Array | undefined
}

export interface SeenFile {
  readonly file: PlannedFile
  /** Hex; undefined: it is not known. */
  readonly hash: string | undefined
}

interface Chunk {
  readonly endMiniBatch: MiniBatchIndex
  readonly last: PlannedFile | undefined
  readonly byText: ReadonlyMap<string, SeenMiniBatch>
  readonly starts: ReadonlyMap<string, SeenMiniBatch>
  readonly files: ReadonlyMap<string, SeenFile>
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
  const startingWith = (file: PlannedFile): SeenMiniBatch | undefined =>
    first(({ starts }) => starts.get(keyOf(file)))
  return {
    add: (chunk, contents) => {
      chunks.push(toChunk(chunk, contents, pinned))
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
    startingWith,
    file: (file) => first(({ files }) => files.get(keyOf(file))),
    beginningWith: (item) => {
      const found = startingWith(item)
      if (found === undefined) return undefined
      const bytes = found.files.reduce((sum, one) => sum + one.bytes, 0)
      return { items: found.files.length, bytes }
    },
    isKnown: (items: readonly PlannedItem[]) =>
      withText(contentText(items, null, pinned)) !== undefined,
  }
}

const toChunk = (chunk: PlanChunk, contents: Contents, pinned: boolean): Chunk => {
  const seen = contentsOf(chunk, pinned).map((one) => ({
    ...one,
    contents: chunk.kind === 'files' ? contents.get(one.miniBatch) : undefined,
  }))
  const starts = new Map<string, SeenMiniBatch>()
  const files = new Map<string, SeenFile>()
  for (const one of seen) {
    const [begin] = one.files
    if (begin !== undefined) starts.set(keyOf(begin), one)
    for (const [at, file] of one.files.entries())
      files.set(keyOf(file), { file, hash: contentHashAt(one.contents, at) })
  }
  return {
    endMiniBatch: endOf(chunk),
    last: filesOf(chunk).at(-1),
    byText: new Map(seen.map((one) => [one.text, one])),
    starts,
    files,
  }
}

const endOf = ({ firstMiniBatch, runs }: PlanChunk): MiniBatchIndex =>
  runs.reduce((sum, run) => sum + run.count, firstMiniBatch)

export const filesOf = (chunk: PlanChunk): readonly PlannedFile[] =>
  chunk.kind === 'files' ? chunk.items : chunk.slices.map(({ file }) => file)

const keyOf = ({ input, name }: PlannedFile): string => `${input}/${name}`

const compareFiles = (a: PlannedFile, b: PlannedFile): number =>
  a.input - b.input || comparePaths(a.name, b.name)
