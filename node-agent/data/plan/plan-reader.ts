import type { Blobs } from '#agent/ports/blobs.ts'
import type { PlannedPart, PlanPosition, PlanReader } from '#agent/ports/plan.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ItemIndex, JobId } from '#protocol/model/ids.ts'
import type { PlanChunk, PlannedItem, TablePlanChunk } from '#protocol/model/plan.ts'
import type { PlanChunkWritten } from '#protocol/model/record.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { InputLabel } from '#protocol/wire/input/protocol.ts'
import { decodePlanChunk } from '#protocol/wire/plan/plan.ts'

export interface PlanReaderDeps {
  readonly blobs: Blobs
  /** The plan chunks of a job that the ledger knows, in any order. */
  readonly planChunks: (job: JobId) => Promise<readonly PlanChunkWritten[]>
}

/** Reads planned items by range. The most recently used chunks stay decoded. */
export const createPlanReader = (deps: PlanReaderDeps): PlanReader => {
  const boundaries = createBoundaries(deps.planChunks)
  const decoded = createDecoded(deps.blobs)
  return {
    items: async (job, first, count) => {
      const chunks = await boundaries(job, first, count)
      if (chunks === undefined) return err(notPlanned(job, first, count))
      const items: PlannedItem[] = []
      for (const chunk of chunks) {
        const content = await decoded(chunk)
        if (!content.ok) return content
        if (content.value.kind !== 'files') return err(notPlanned(job, first, count))
        const start = Math.max(first - chunk.firstItem, 0)
        for (const item of content.value.items.slice(start, first + count - chunk.firstItem))
          items.push(item)
      }
      return ok(items)
    },
    slices: async (job, first, count) => {
      const chunks = await boundaries(job, first, count)
      const parts: PlannedPart[] = []
      let label: InputLabel | undefined
      for (const chunk of chunks ?? []) {
        const content = await decoded(chunk)
        if (!content.ok) return content
        if (content.value.kind !== 'table') break
        label ??= labelOf(content.value, first)
        parts.push(...partsIn(content.value, first, count))
      }
      return label === undefined ? err(notPlanned(job, first, count)) : ok({ parts, label })
    },
    label: async (job, item) => {
      const [chunk] = (await boundaries(job, item, 1)) ?? []
      if (chunk === undefined) return err(notPlanned(job, item, 1))
      const content = await decoded(chunk)
      return content.ok ? ok(labelOf(content.value, item)) : content
    },
    end: async (job) => {
      const written = await deps.planChunks(job)
      const last = written.find((one) => one.chunk === written.length - 1)
      if (last === undefined) return ok(undefined)
      const content = await decoded(last)
      return content.ok ? ok(endOf(last, content.value)) : content
    },
  }
}

const labelOf = (chunk: PlanChunk, item: ItemIndex): InputLabel => {
  const partition = chunk.partitions[miniBatchAt(chunk, item)]
  const input =
    chunk.kind === 'files'
      ? chunk.items[item - chunk.firstItem]?.input
      : partsIn(chunk, item, 1)[0]?.slice.file.input
  return { input: input ?? 0, ...(partition === undefined ? {} : { partition }) }
}

/** Position of an item's mini-batch in its chunk. */
const miniBatchAt = ({ runs, firstItem }: PlanChunk, item: ItemIndex): number => {
  let left = item - firstItem
  let before = 0
  for (const { count, items } of runs) {
    if (left < count * items) return before + Math.floor(left / items)
    left -= count * items
    before += count
  }
  return before
}

/** Those slices of a chunk, or what of them, that hold items `first` .. `first + count - 1`. */
const partsIn = (
  { slices, firstItem }: TablePlanChunk,
  first: ItemIndex,
  count: number,
): readonly PlannedPart[] => {
  const parts: PlannedPart[] = []
  let start = firstItem
  for (const slice of slices) {
    const end = start + slice.records
    const from = Math.max(start, first)
    const to = Math.min(end, first + count)
    if (to > from) parts.push({ slice, firstItem: from, skip: from - start, records: to - from })
    if (end >= first + count) break
    start = end
  }
  return parts
}

const endOf = (written: PlanChunkWritten, content: PlanChunk): PlanPosition | undefined => {
  const start = {
    chunk: written.chunk + 1,
    firstItem: written.firstItem + written.items,
    firstMiniBatch: written.firstMiniBatch + written.miniBatches,
  }
  if (content.kind === 'files') {
    const file = content.items.at(-1)
    return file === undefined ? undefined : { ...start, file, offset: file.bytes, record: 1 }
  }
  const slice = content.slices.at(-1)
  if (slice === undefined) return undefined
  const { file, offset, length, firstRecord, records } = slice
  return { ...start, file, offset: offset + length, record: firstRecord + records }
}

const notPlanned = (job: JobId, first: ItemIndex, count: number): MusterError =>
  musterError(
    'BlobMissing',
    `Items ${first} to ${first + count - 1} of job ${job} are in no plan on this machine: ` +
      `ask the machine that holds the job's data.`,
    { retryable: true },
  )

type FindChunks = (
  job: JobId,
  first: ItemIndex,
  count: number,
) => Promise<readonly PlanChunkWritten[] | undefined>

/** The chunks that cover a range, ascending; undefined if a part is not covered. The lists are kept. */
const createBoundaries = (planChunks: PlanReaderDeps['planChunks']): FindChunks => {
  const known = new Map<JobId, readonly PlanChunkWritten[]>()
  return async (job, first, count) => {
    const list = known.get(job)
    const kept = list === undefined ? undefined : covering(list, first, count)
    if (kept !== undefined) return kept
    const fresh = (await planChunks(job)).toSorted((a, b) => a.firstItem - b.firstItem)
    if (fresh.length === 0) known.delete(job)
    else keep(known, job, fresh)
    return covering(fresh, first, count)
  }
}

const covering = (
  chunks: readonly PlanChunkWritten[],
  first: ItemIndex,
  count: number,
): readonly PlanChunkWritten[] | undefined => {
  const found: PlanChunkWritten[] = []
  let next = first
  for (let i = lastStarting(chunks, first); next < first + count; i++) {
    const chunk = chunks[i]
    if (chunk === undefined || chunk.firstItem > next) return undefined
    const end = chunk.firstItem + chunk.items
    if (end <= next) return undefined
    found.push(chunk)
    next = end
  }
  return found
}

/** Index of the last chunk that starts at or before `item`; -1 if there is none. */
const lastStarting = (chunks: readonly PlanChunkWritten[], item: ItemIndex): number => {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((chunks[middle]?.firstItem ?? Infinity) <= item) low = middle + 1
    else high = middle
  }
  return low - 1
}

type Decoded = (chunk: PlanChunkWritten) => Promise<Result<PlanChunk, MusterError>>

/** Decodes each chunk once, also for callers that ask at the same time; failures are not remembered. */
const createDecoded = (blobs: Blobs): Decoded => {
  const recent = new Map<string, ReturnType<Decoded>>()
  return (chunk) => {
    const running = recent.get(chunk.blob) ?? decode(blobs, chunk)
    keep(recent, chunk.blob, running)
    const forget = (): boolean => recent.get(chunk.blob) === running && recent.delete(chunk.blob)
    running.then((content) => content.ok || forget(), forget)
    return running
  }
}

const decode: (blobs: Blobs, chunk: PlanChunkWritten) => ReturnType<Decoded> = async (
  blobs,
  chunk,
) => {
  const bytes = await blobs.read(chunk.blob)
  if (!bytes.ok) return bytes
  try {
    return ok(decodePlanChunk(bytes.value))
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    throw thrown
  }
}

/** Makes `key` the most recently used of a small map and drops the least recently used. */
const keep = <Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void => {
  map.delete(key)
  map.set(key, value)
  if (map.size <= limits.planChunksDecoded) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
