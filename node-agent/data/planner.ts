import { stat } from 'node:fs'
import type { Stats } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Planner } from '#agent/ports/data.ts'
import { cutItems, planChunkSize, planChunkStart } from '#agent/job/cut/mini-batches.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { FileInput, JobSpec } from '#protocol/model/job.ts'
import type { PlanChunk, PlannedItem } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { systemCode } from './disk.ts'
import { isInside, openRoot, walkFiles } from './folder-walk.ts'
import type { FoundName, Walk } from './folder-walk.ts'
import { shorten, unreadableMs } from './names.ts'
import { createMatcher } from './patterns.ts'

export interface PlannerDeps {
  /**
   * Name of the last item of a chunk that stands in the ledger, so that planning goes on behind it after a
   * restart even if files came or went meanwhile. Without it the items before are counted off again.
   */
  readonly lastItemOf?: (job: JobId, chunk: number) => Promise<string | undefined>
  /** How a file is looked at; left out: without holding up the thread. */
  readonly statOf?: StatOf
}

type StatOf = (path: string) => Stats | Promise<Stats>

/** Plans folders of files. */
export const createPlanner = (deps: PlannerDeps = {}): Planner => ({
  check: async (input, signal) => {
    try {
      const walk = await startWalk(input, signal)
      for await (const _ of plannedItems(walk, statOf)) return ok(undefined)
      return err(inputEmpty(input))
    } catch (thrown) {
      return err(toFailure(thrown, input, signal).error)
    }
  },
  plan: async function* (job, spec, from, signal) {
    try {
      yield* plan(deps, { job, spec, from, signal })
    } catch (thrown) {
      throw signal.aborted ? thrown : toFailure(thrown, spec.input)
    }
  },
})

const toFailure = (thrown: unknown, input: FileInput, signal?: AbortSignal): MusterFailure => {
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

interface PlanRequest {
  readonly job: JobId
  readonly spec: JobSpec
  readonly from: number
  readonly signal: AbortSignal
}

async function* plan(
  deps: PlannerDeps,
  request: PlanRequest,
): AsyncGenerator<PlanChunk, void, undefined> {
  const { job, spec, from, signal } = request
  const size = planChunkSize(spec.miniBatchSize)
  const after = from === 0 ? undefined : await deps.lastItemOf?.(job, from - 1)
  const walk = await startWalk(spec.input, signal)
  let uncounted = after === undefined ? from * size : 0
  let chunk = from
  let items: PlannedItem[] = []
  const behind = after === undefined ? walk : { ...walk, after }
  for await (const item of plannedItems(behind, deps.statOf ?? statOf)) {
    if (uncounted > 0) {
      uncounted--
      continue
    }
    // A full chunk waits for the item behind it, since only then it is known not to be the last.
    if (items.length === size) {
      yield toChunk(request, chunk++, items, false)
      items = []
    }
    items.push(item)
  }
  if (items.length === 0 && chunk === 0) throw new MusterFailure(inputEmpty(spec.input))
  yield toChunk(request, chunk, items, true)
}

const toChunk = (
  { job, spec }: PlanRequest,
  chunk: number,
  items: readonly PlannedItem[],
  last: boolean,
): PlanChunk => ({
  job,
  chunk,
  ...planChunkStart(chunk, spec.miniBatchSize),
  runs: cutItems(items.length, spec.miniBatchSize),
  items,
  last,
})

const startWalk = async (input: FileInput, signal?: AbortSignal): Promise<Walk> => ({
  root: await openRoot(input.root, input.name),
  matcher: createMatcher(input.patterns),
  ...(signal === undefined ? {} : { signal }),
})

const inputEmpty = (input: FileInput): MusterError =>
  musterError(
    'InputEmpty',
    `No file in ${input.root} matches ${input.patterns.map((p) => `"${p}"`).join(' or ')}: ` +
      `correct the path or the pattern of input "${input.name}".`,
  )

/** Names become items with size and time, a few dozen at once. */
async function* plannedItems(
  walk: Walk,
  look: StatOf,
): AsyncGenerator<PlannedItem, void, undefined> {
  let names: FoundName[] = []
  // The first file alone is enough for `check`, and starts the first chunk without delay.
  let atOnce = 1
  for await (const found of walkFiles(walk)) {
    names.push(found)
    if (names.length < atOnce) continue
    yield* await describe(walk, names, look)
    names = []
    atOnce = limits.statsAtOnce
  }
  yield* await describe(walk, names, look)
}

const describe = async (
  walk: Walk,
  names: readonly FoundName[],
  look: StatOf,
): Promise<PlannedItem[]> => {
  walk.signal?.throwIfAborted()
  const items = await Promise.all(names.map((found) => toItem(walk.root, found, look)))
  return items.filter((item) => item !== undefined)
}

/**
 * The item, or undefined if there is none: a file that vanished, or a link that leads to no regular file
 * below the root. A file that cannot be looked at is planned all the same: it fails as an item, in words,
 * instead of going missing without one.
 */
const toItem = async (
  root: string,
  found: FoundName,
  look: StatOf,
): Promise<PlannedItem | undefined> => {
  const { name } = found
  if (Buffer.byteLength(name) > limits.itemNameBytes) return unreadable(shorten(name))
  const path = join(root, name)
  try {
    if (found.isLink && !isInside(root, await realpath(path))) return undefined
    const facts = await look(path)
    if (!facts.isFile()) return undefined
    return { name, bytes: facts.size, modifiedMs: Math.trunc(facts.mtimeMs) }
  } catch (thrown) {
    const vanished = systemCode(thrown) === 'ENOENT' && !name.includes('\ufffd')
    return vanished || found.isLink ? undefined : unreadable(name)
  }
}

const unreadable = (name: string): PlannedItem => ({ name, bytes: 0, modifiedMs: unreadableMs })

/** The callback form costs half of the promise form, and a plan may ask a million times. */
const statOf = (path: string): Promise<Stats> =>
  new Promise((resolve, reject) => {
    stat(path, (error, facts) => {
      if (error === null) resolve(facts)
      else reject(error)
    })
  })
