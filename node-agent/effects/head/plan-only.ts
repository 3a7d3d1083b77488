import type { Blobs } from '#agent/ports/blobs.ts'
import type { ItemReader } from '#agent/ports/items.ts'
import type { Views } from '#agent/ports/views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ItemIndex } from '#protocol/model/ids.ts'
import type { Job, OnlyItems } from '#protocol/model/job.ts'
import type { PlanChunk, PlannedItem, PlannedSlice, TablePlanChunk } from '#protocol/model/plan.ts'
import { decodePlanChunk } from '#protocol/wire/plan/plan.ts'

/** Plans a job of only some items of an earlier one's plan. */
export interface OnlyPlanDeps {
  readonly views: Views
  readonly blobs: Blobs
  readonly items: ItemReader
}

/**
 * Plan chunks with just those items. Files are looked at again, since people mend what failed. Records of a
 * table come in one mini-batch where they stood in one, a partition whole.
 */
export async function* planOnly(
  deps: OnlyPlanDeps,
  job: Job,
  only: OnlyItems,
  written: number,
): AsyncGenerator<PlanChunk, void, undefined> {
  const wanted = await wantedItems(deps, only)
  const [input] = job.spec.inputs
  const chunks =
    input?.kind === 'table' ? slicesOf(deps, job, only, wanted) : filesOf(deps, job, only, wanted)
  let chunk = 0
  let held: Planned | undefined
  let [firstItem, firstMiniBatch] = [0, 0]
  const toChunk = (planned: Planned, last: boolean): PlanChunk => {
    const made = { job: job.id, chunk, firstItem, firstMiniBatch, last, ...planned }
    chunk += 1
    firstItem += planned.runs.reduce((sum, run) => sum + run.count * run.items, 0)
    firstMiniBatch += planned.runs.reduce((sum, run) => sum + run.count, 0)
    return made
  }
  for await (const planned of chunks) {
    if (held !== undefined) {
      const made = toChunk(held, false)
      if (made.chunk >= written) yield made
    }
    held = planned
  }
  if (held !== undefined) yield toChunk(held, true)
}

/** A chunk without its place. */
type Planned = PlanChunk extends infer Chunk
  ? Chunk extends PlanChunk
    ? Omit<Chunk, 'job' | 'chunk' | 'firstItem' | 'firstMiniBatch' | 'last'>
    : never
  : never

const wantedItems = async (
  { blobs }: OnlyPlanDeps,
  { blob }: OnlyItems,
): Promise<readonly ItemIndex[]> => {
  const bytes = await blobs.read(blob)
  if (!bytes.ok) throw new MusterFailure(bytes.error)
  const { buffer, byteOffset, byteLength } = Buffer.from(bytes.value)
  return [...new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength))]
}

/** Chunks of the earlier plan that hold wanted items, with those items. */
async function* wantedChunks(
  { views, blobs }: OnlyPlanDeps,
  only: OnlyItems,
  wanted: readonly ItemIndex[],
): AsyncGenerator<{ readonly chunk: PlanChunk; readonly wanted: readonly ItemIndex[] }> {
  for (const { firstItem, items, blob } of await views.planChunks(only.job)) {
    const here = wanted.filter((item) => item >= firstItem && item < firstItem + items)
    if (here.length === 0) continue
    const bytes = await blobs.read(blob)
    if (!bytes.ok) throw new MusterFailure(bytes.error)
    yield { chunk: decodePlanChunk(bytes.value), wanted: here }
  }
}

async function* filesOf(
  deps: OnlyPlanDeps,
  job: Job,
  only: OnlyItems,
  wanted: readonly ItemIndex[],
): AsyncGenerator<Planned> {
  const { miniBatchSize, inputs } = job.spec
  const size = miniBatchSize.kind === 'items' ? miniBatchSize.items : limits.autoItems
  for await (const { chunk, wanted: here } of wantedChunks(deps, only, wanted)) {
    if (chunk.kind !== 'files') continue
    const planned = here.flatMap((item) => chunk.items[item - chunk.firstItem] ?? [])
    const items: PlannedItem[] = []
    for (const item of planned)
      items.push(await deps.items.lookAgain(inputs[item.input]?.root ?? '', item))
    const whole = Math.floor(items.length / size)
    const rest = items.length - whole * size
    const runs = [
      ...(whole === 0 ? [] : [{ count: whole, items: size }]),
      ...(rest === 0 ? [] : [{ count: 1, items: rest }]),
    ]
    yield { kind: 'files', runs, partitions: [], items }
  }
}

async function* slicesOf(
  deps: OnlyPlanDeps,
  job: Job,
  only: OnlyItems,
  wanted: readonly ItemIndex[],
): AsyncGenerator<Planned> {
  for await (const { chunk, wanted: here } of wantedChunks(deps, only, wanted)) {
    if (chunk.kind !== 'table') continue
    const items = new Set(here)
    const runs: { readonly count: number; readonly items: number }[] = []
    const partitions: PlanChunk['partitions'][number][] = []
    const slices: PlannedSlice[] = []
    for (const { firstItem, place, own } of miniBatchesOf(chunk)) {
      const some = await wantedOf(deps, job, own, (at) => items.has(firstItem + at))
      if (some.length === 0) continue
      runs.push({ count: 1, items: recordsOf(some) })
      slices.push(...some)
      const partition = chunk.partitions[place]
      if (partition !== undefined) partitions.push(partition)
    }
    if (runs.length > 0) yield { kind: 'table', runs, partitions, slices }
  }
}

/** Mini-batches of a chunk with their slices. */
function* miniBatchesOf({ runs, slices, firstItem: first }: TablePlanChunk) {
  let [at, firstItem, place] = [0, first, 0]
  for (const { count, items } of runs)
    for (let n = 0; n < count; n++) {
      const own: PlannedSlice[] = []
      while (recordsOf(own) < items) {
        const slice = slices[at++]
        if (slice === undefined) break
        own.push(slice)
      }
      yield { firstItem, place, own }
      firstItem += items
      place += 1
    }
}

/** Slices of a mini-batch with its wanted records; of a partition all of it, if any is wanted. */
const wantedOf = async (
  { items }: OnlyPlanDeps,
  { spec }: Job,
  own: readonly PlannedSlice[],
  isWanted: (at: number) => boolean,
): Promise<readonly PlannedSlice[]> => {
  const found: PlannedSlice[] = []
  let before = 0
  for (const slice of own) {
    const places = Array.from({ length: slice.records }, (_, i) => i)
    const wanted = places.filter((i) => isWanted(before + i))
    before += slice.records
    const input = spec.inputs[slice.file.input]
    const isWhole = wanted.length === slice.records || input?.kind !== 'table'
    if (wanted.length > 0)
      found.push(...(isWhole ? [slice] : await items.narrow(input, slice, wanted)))
  }
  return spec.partitionKeys.length > 0 && found.length > 0 ? own : found
}

const recordsOf = (slices: readonly PlannedSlice[]): number =>
  slices.reduce((sum, { records }) => sum + records, 0)
