import { stat, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isFull } from '#agent/job/cut/mini-batches.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput, MiniBatchSize } from '#protocol/model/job.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { shorten, unreadableMs } from '#protocol/model/planned-file.ts'
import { systemCode } from './disk.ts'
import { findFiles, isInside, openRoot, walkFiles } from './folder-walk.ts'
import type { FoundName, Walk } from './folder-walk.ts'
import { createMatcher } from './patterns.ts'
import type { CutMiniBatch } from './plan-chunks.ts'

/** How a file is looked at. */
export type StatOf = (path: string) => Stats | Promise<Stats>

/** Whether nothing else waits for the thread, so that it may wait for the disk. */
const isAtOnce = (look: StatOf): boolean => look === statSync

/** One input of a job, and how it is read. */
export interface Listing {
  readonly input: JobInput
  /** Position of the input in the job's list. */
  readonly number: number
  readonly look: StatOf
  /** List only what stands behind this name. */
  readonly after?: string
  readonly signal?: AbortSignal
}

/** Files of one input cut into mini-batches in the order of the walk. */
export async function* cutFiles(
  listing: Listing,
  size: MiniBatchSize,
): AsyncGenerator<CutMiniBatch<PlannedItem>, void, undefined> {
  let entries: PlannedItem[] = []
  let bytes = 0
  for await (const item of listFiles(listing)) {
    if (isFull(size, { items: entries.length, bytes }, item.bytes)) {
      yield { entries, items: entries.length }
      entries = []
      bytes = 0
    }
    entries.push(item)
    bytes += item.bytes
  }
  if (entries.length > 0) yield { entries, items: entries.length }
}

/** Names become items with size and time, a few dozen at once. */
export async function* listFiles(listing: Listing): AsyncGenerator<PlannedItem, void, undefined> {
  const walk = await openWalk(listing)
  let names: FoundName[] = []
  for await (const found of walkFiles(walk)) {
    names.push(found)
    if (names.length < limits.statsAtOnce) continue
    yield* await describe(walk, names, listing)
    names = []
  }
  yield* await describe(walk, names, listing)
}

/** The same items in no order, as folders tell them, for those who need only the first. */
export async function* findItems(listing: Listing): AsyncGenerator<PlannedItem, void, undefined> {
  const walk = await openWalk(listing)
  for await (const found of findFiles(walk)) yield* await describe(walk, [found], listing)
}

const openWalk = async ({ input, after, signal, look }: Listing): Promise<Walk> => ({
  atOnce: isAtOnce(look),
  root: await openRoot(input.root, input.name),
  matcher: createMatcher(input.patterns),
  ...(after === undefined ? {} : { after }),
  ...(signal === undefined ? {} : { signal }),
})

const describe = async (
  walk: Walk,
  names: readonly FoundName[],
  listing: Listing,
): Promise<PlannedItem[]> => {
  walk.signal?.throwIfAborted()
  const items = await Promise.all(names.map((found) => toItem(walk.root, found, listing)))
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
  { look, number: input }: Listing,
): Promise<PlannedItem | undefined> => {
  const { name } = found
  const unreadable = (shown: string): PlannedItem => ({
    name: shown,
    bytes: 0,
    modifiedMs: unreadableMs,
    input,
  })
  if (Buffer.byteLength(name) > limits.itemNameBytes) return unreadable(shorten(name))
  const path = join(root, name)
  try {
    if (found.isLink && !isInside(root, await realpath(path))) return undefined
    const facts = await look(path)
    if (!facts.isFile()) return undefined
    return { name, bytes: facts.size, modifiedMs: Math.trunc(facts.mtimeMs), input }
  } catch (thrown) {
    const vanished = systemCode(thrown) === 'ENOENT' && !name.includes('\ufffd')
    return vanished || found.isLink ? undefined : unreadable(name)
  }
}

/** The callback form costs half of the promise form, and a plan may ask a million times. */
export const statOf = (path: string): Promise<Stats> =>
  new Promise((resolve, reject) => {
    stat(path, (error, facts) => {
      if (error === null) resolve(facts)
      else reject(error)
    })
  })
