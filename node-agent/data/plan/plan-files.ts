import { stat, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { isFull } from '#agent/job/cut/mini-batches.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { MiniBatchSize } from '#protocol/model/job.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { shorten, unreadableMs } from '#protocol/model/planned-file.ts'
import { systemCode } from '../disk.ts'
import { findFiles, isInside, openRoot, walkInBatches } from './folder-walk.ts'
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
  // A turn of the loop for each of a million files would cost more than looking at them.
  for await (const items of listInBatches(listing))
    for (const item of items) {
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
async function* listInBatches(
  listing: Listing,
): AsyncGenerator<readonly PlannedItem[], void, undefined> {
  const walk = await openWalk(listing)
  for await (const names of walkInBatches(walk)) yield await describe(walk, names, listing)
}

/** The same one by one. */
export async function* listFiles(listing: Listing): AsyncGenerator<PlannedItem, void, undefined> {
  for await (const items of listInBatches(listing)) yield* items
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
  const items: PlannedItem[] = []
  const waiting = names.map((found) => toItem(walk.root, found, listing))
  for (const one of waiting) {
    const item = one instanceof Promise ? await one : one
    if (item !== undefined) items.push(item)
  }
  return items
}

/**
 * The item, or undefined if there is none: a file that vanished, or a link that leads to no regular file
 * below the root. A file that cannot be looked at is planned all the same: it fails as an item, in words,
 * instead of going missing without one.
 */
const toItem = (
  root: string,
  found: FoundName,
  { look, number }: Listing,
): PlannedItem | undefined | Promise<PlannedItem | undefined> => {
  const { name } = found
  if (name.length > limits.itemNameBytes / 3 && Buffer.byteLength(name) > limits.itemNameBytes)
    return unreadable(shorten(name), number)
  const path = root + sep + name
  if (found.isLink) return toLinkedItem(root, { name, path, look, number })
  try {
    const facts = look(path)
    return facts instanceof Promise
      ? facts.then(
          (known) => factsToItem(name, known, number),
          (thrown: unknown) => withoutFacts(name, thrown, number),
        )
      : factsToItem(name, facts, number)
  } catch (thrown) {
    return withoutFacts(name, thrown, number)
  }
}

interface Linked extends Pick<Listing, 'look' | 'number'> {
  readonly name: string
  readonly path: string
}

const toLinkedItem = async (
  root: string,
  { name, path, look, number }: Linked,
): Promise<PlannedItem | undefined> => {
  try {
    if (!isInside(root, await realpath(path))) return undefined
    return factsToItem(name, await look(path), number)
  } catch {
    return undefined
  }
}

const factsToItem = (name: string, facts: Stats, input: number): PlannedItem | undefined =>
  facts.isFile()
    ? { name, bytes: facts.size, modifiedMs: Math.trunc(facts.mtimeMs), input }
    : undefined

const withoutFacts = (name: string, thrown: unknown, input: number): PlannedItem | undefined =>
  systemCode(thrown) === 'ENOENT' && !name.includes('\ufffd') ? undefined : unreadable(name, input)

const unreadable = (name: string, input: number): PlannedItem => ({
  name,
  bytes: 0,
  modifiedMs: unreadableMs,
  input,
})

/** The callback form costs half of the promise form, and a plan may ask a million times. */
export const statOf = (path: string): Promise<Stats> =>
  new Promise((resolve, reject) => {
    stat(path, (error, facts) => {
      if (error === null) resolve(facts)
      else reject(error)
    })
  })
