import type { Planner, PlanPosition } from '#agent/ports/plan.ts'
import { fileChunkRoom, tableChunkRoom } from '#agent/job/cut/mini-batches.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { PlanChunk, PlannedItem, PlannedSlice } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { toChunks } from './plan-chunks.ts'
import type { ChunkStart, CutMiniBatch } from './plan-chunks.ts'
import { cutFiles, findItems, listFiles, statOf } from './plan-files.ts'
import type { Listing, StatOf } from './plan-files.ts'
import { checkKeys, partitionFiles, partitionTables } from './plan-partitions.ts'
import { cutFile, cutTables } from './plan-tables.ts'
import { patientAccess } from '../readers/file-access.ts'
import type { FileAccess } from '../readers/file-access.ts'

export interface PlannerDeps {
  /** How files are looked at and read; left out: without holding up the thread. */
  readonly look?: StatOf
  readonly access?: FileAccess
}

/** Plans folders of files and tables. */
export const createPlanner = (deps: PlannerDeps = {}): Planner => ({
  check: async (input, keys, signal) => {
    try {
      const found = await checkInput({ input, number: 0, look: statOf, ...given(signal) }, keys)
      return found ? ok(undefined) : err(inputEmpty(input))
    } catch (thrown) {
      return err(toFailure(thrown, input, signal).error)
    }
  },
  list: async (input, most, signal) => {
    try {
      const files: PlannedItem[] = []
      for await (const file of listFiles({ input, number: 0, look: statOf, ...given(signal) })) {
        if (files.length >= most) break
        files.push(file)
      }
      return ok(files)
    } catch (thrown) {
      return err(toFailure(thrown, input, signal).error)
    }
  },
  plan: (job, spec, behind, signal) => {
    const { look = statOf, access = patientAccess } = deps
    return plan({ job, spec, behind, signal, look, access })
  },
})

const given = (signal: AbortSignal | undefined): { readonly signal?: AbortSignal } =>
  signal === undefined ? {} : { signal }

/** Whether an input has an item. @throws MusterFailure */
const checkInput = async (listing: Listing, keys: readonly string[]): Promise<boolean> => {
  const { input } = listing
  for await (const item of findItems(listing)) {
    if (input.kind === 'files') return true
    const table = { ...listing, input, access: patientAccess }
    for await (const { file } of cutFile(table, item, 1)) {
      checkKeys(input, file, keys)
      return true
    }
  }
  return false
}

interface PlanRequest {
  readonly job: JobId
  readonly spec: JobSpec
  readonly behind: PlanPosition | undefined
  readonly signal: AbortSignal
  readonly look: StatOf
  readonly access: FileAccess
}

async function* plan(request: PlanRequest): AsyncGenerator<PlanChunk, void, undefined> {
  const { job, spec, behind } = request
  const isTable = spec.inputs[0]?.kind === 'table'
  const isWhole = spec.partitionKeys.length > 0
  // Partitions are found by looking through everything: what is written already is passed over.
  const { chunk, firstItem, firstMiniBatch } = (isWhole ? undefined : behind) ?? planStart
  const start = { chunk, firstItem, firstMiniBatch }
  const passed = isWhole ? behind : undefined
  if (isTable) {
    for await (const { entries, ...rest } of toChunks(tablesOf(request), start, tableChunkRoom)) {
      checkCount(rest)
      if (isBehind(rest, passed)) yield { ...rest, job, kind: 'table', slices: entries }
    }
  } else {
    for await (const { entries, ...rest } of toChunks(filesOf(request), start, fileChunkRoom)) {
      checkCount(rest)
      if (isBehind(rest, passed)) yield { ...rest, job, kind: 'files', items: entries }
    }
  }
}

const planStart = { chunk: 0, firstItem: 0, firstMiniBatch: 0 }

/** @throws MusterFailure where no head could keep count of what was planned */
const checkCount = ({ firstItem, firstMiniBatch }: ChunkStart): void => {
  if (firstMiniBatch > limits.jobMiniBatches)
    throw new MusterFailure(
      musterError(
        'InputUnreadable',
        `The input gives more than the ${limits.jobMiniBatches} mini-batches that a job may have: give a larger mini_batch_size.`,
      ),
    )
  if (firstItem > limits.jobItems)
    throw new MusterFailure(
      musterError(
        'InputUnreadable',
        `The input has more than the ${limits.jobItems} items that a job may have: split it into several jobs by pattern.`,
      ),
    )
}

/** @throws MusterFailure if the data is no longer that of which the chunks before were made */
const isBehind = (chunk: ChunkStart, passed: PlanPosition | undefined): boolean => {
  if (passed === undefined || chunk.chunk > passed.chunk) return true
  if (chunk.chunk < passed.chunk) return false
  if (chunk.firstItem === passed.firstItem && chunk.firstMiniBatch === passed.firstMiniBatch)
    return true
  throw new MusterFailure(
    musterError(
      'InputUnreadable',
      'The input was changed while the job was planned: submit the job again.',
    ),
  )
}

/** Mini-batches of all inputs, one input after the other. */
async function* filesOf(
  request: PlanRequest,
): AsyncGenerator<CutMiniBatch<PlannedItem>, void, undefined> {
  const { spec } = request
  for (const listing of listingsOf(request)) {
    const { input, after } = listing
    if (input.kind !== 'files') continue
    const isWhole = spec.partitionKeys.length > 0
    yield* notEmpty(
      request,
      listing,
      isWhole
        ? partitionFiles({ ...listing, input }, spec.partitionKeys)
        : cutFiles(listing, spec.miniBatchSize),
      after !== undefined,
    )
  }
}

async function* tablesOf(
  request: PlanRequest,
): AsyncGenerator<CutMiniBatch<PlannedSlice>, void, undefined> {
  const { spec, access, behind } = request
  for (const { after, ...listing } of listingsOf(request)) {
    const { input } = listing
    if (input.kind !== 'table') continue
    const table = { ...listing, input, access }
    const from = after === undefined ? undefined : behind
    const isWhole = spec.partitionKeys.length > 0
    yield* notEmpty(
      request,
      listing,
      isWhole
        ? partitionTables(table, spec.partitionKeys)
        : cutTables(table, spec.miniBatchSize, from),
      from !== undefined,
    )
  }
}

/** The inputs of which something is still to be planned. */
const listingsOf = (request: PlanRequest): readonly Listing[] => {
  const { spec, behind, signal, look } = request
  const last = spec.partitionKeys.length > 0 ? undefined : behind?.file
  return spec.inputs.flatMap((input, number) => {
    if (last !== undefined && number < last.input) return []
    const after = last?.input === number ? { after: last.name } : {}
    return [{ input, number, look, signal, ...after }]
  })
}

async function* notEmpty<Entry>(
  { signal }: PlanRequest,
  { input }: Listing,
  miniBatches: AsyncIterable<CutMiniBatch<Entry>>,
  isBegun: boolean,
): AsyncGenerator<CutMiniBatch<Entry>, void, undefined> {
  let isEmpty = !isBegun
  try {
    for await (const miniBatch of miniBatches) {
      isEmpty = false
      yield miniBatch
    }
  } catch (thrown) {
    throw signal.aborted ? thrown : toFailure(thrown, input)
  }
  if (isEmpty) throw new MusterFailure(inputEmpty(input))
}

const toFailure = (thrown: unknown, input: JobInput, signal?: AbortSignal): MusterFailure => {
  if (thrown instanceof MusterFailure) return thrown
  const detail = thrownToText(thrown)
  return new MusterFailure(
    signal?.aborted === true
      ? musterError('Aborted', `Listing ${input.root} was stopped.`, { retryable: true, detail })
      : musterError(
          'InputMissing',
          `The folder ${input.root} of input "${input.name}" could not be listed to its end: check its disk.`,
          { detail },
        ),
  )
}

const inputEmpty = ({ kind, name, root, patterns }: JobInput): MusterError => {
  const wanted = patterns.map((pattern) => `"${pattern}"`).join(' or ')
  return musterError(
    'InputEmpty',
    kind === 'files'
      ? `No file in ${root} matches ${wanted}: correct the path or the pattern of input "${name}".`
      : `No file in ${root} that matches ${wanted} holds a record: correct the path or the pattern of input "${name}".`,
  )
}
