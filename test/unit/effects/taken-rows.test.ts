import { zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { packTaken } from '#agent/effects/runs/taken-rows.ts'
import type { Donor, Pair } from '#agent/effects/runs/taken-rows.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import type { Views } from '#agent/ports/views.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { ok } from '#protocol/model/result.ts'
import type { AttemptRows, ReadRows } from '#protocol/model/rows.ts'
import { decodeResultChunk } from '#protocol/wire/chunk/chunk.ts'
import { linesOf, packChunk } from '../../support/chunks.ts'
import {
  blobNamed,
  createTempFolder,
  createTestKeys,
  genesisOf,
  groupOf,
  jobNumbered,
  jobOf,
  openTestStore,
  planOf,
  sha256,
} from '../../support/ledger-fixtures.ts'

const [job, again] = [jobNumbered(1), jobNumbered(2)]

/** Rows that a job returned: `rowsOf[i]` of mini-batch i. Every mini-batch has `items` items. */
const openDonor = async (items: number, rowsOf: readonly (readonly string[])[]) => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys] = createTestKeys('m')
  if (keys === undefined) throw new Error('no keys')
  const { self } = keys
  const { ledger, views } = stack.use(await openTestStore(folder.path, keys))
  await ledger.found(genesisOf(self))
  const entries = rowsOf.map((rows, miniBatch): AttemptRows => {
    const places = rows.map((_, at) => miniBatch * items + at)
    const names = places.map((item) => `${item}.png`)
    return { miniBatch, attempt: 1, items: places, names, lines: linesOf(rows), failures: [] }
  })
  const packed = packChunk({ job, peer: self, entries })
  const chunk = blobNamed(sha256(packed))
  const miniBatches = entries.map(({ miniBatch }) => miniBatch)
  const rows = rowsOf.map(({ length }) => length)
  const added = await ledger.append([
    { kind: 'job-submitted', job: jobOf(job, self) },
    planOf(job, rowsOf.length, items),
    {
      kind: 'committed',
      job,
      term: { number: 1, head: self },
      groups: [{ ...groupOf(self, chunk, miniBatches, items), rows }],
      at: 1,
    },
  ])
  if (!added.ok) throw new MusterFailure(added.error)
  await views.keepRows({ chunk, job, peer: self, positions: miniBatches, packed })
  const fold = await views.job(job)
  if (fold === undefined) throw new Error('no job')
  const commits = new Map((await views.commits(job)).map((one) => [one.miniBatch, one]))
  const donor: Donor = { fold, commits }
  /** Each mini-batch taken for one `behind` further on in the new job. */
  const pairs = (behind: number): readonly Pair[] =>
    miniBatches.map((miniBatch) => ({
      now: {
        miniBatch: miniBatch + behind,
        firstItem: (miniBatch + behind) * items,
        items,
      },
      earlier: { miniBatch, firstItem: miniBatch * items, items, contents: undefined },
    }))
  return { self, views, donor, pairs, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Takes rows over, and notes how many were on their way from the store into a chunk at any time. */
const take = async (
  { self, views, donor }: Awaited<ReturnType<typeof openDonor>>,
  pairs: readonly Pair[],
) => {
  const taken: ReadRows[] = []
  let [held, mostHeld, mostLines] = [0, 0, 0]
  const counted: Views = {
    ...views,
    rowsOfItems: async (...range) => {
      const page = await views.rowsOfItems(...range)
      held += page.miniBatches.reduce((sum, { items }) => sum + items.length, 0)
      mostHeld = Math.max(mostHeld, held)
      return page
    },
  }
  const chunks: Pick<Chunks, 'pack'> = {
    pack: (chunk) => {
      const lines = chunk.entries.reduce((sum, entry) => sum + entry.lines.length, 0)
      mostLines = Math.max(mostLines, lines)
      const packed = packChunk(chunk)
      const { entries } = decodeResultChunk(zstdDecompressSync(packed))
      taken.push(...entries)
      held -= entries.reduce((sum, { rows }) => sum + rows.length, 0)
      return Promise.resolve(ok(blobNamed(sha256(packed))))
    },
  }
  const deps = {
    self,
    views: counted,
    chunks: { ...chunks, read: () => Promise.reject(new Error()) },
  }
  const groups = await packTaken(deps, jobOf(again, self), donor, pairs)
  return { groups, taken, mostHeld, mostLines }
}

test('however many mini-batches are taken over at once, few of their rows are held', async () => {
  const [miniBatches, items] = [600, 50]
  const row = (miniBatch: number, at: number) => JSON.stringify(`${miniBatch}:${at}`.padEnd(60))
  const rows = Array.from({ length: miniBatches }, (_, miniBatch) =>
    Array.from({ length: items }, (_none, at) => row(miniBatch, at)),
  )
  await using donor = await openDonor(items, rows)
  const { groups, taken, mostHeld, mostLines } = await take(donor, donor.pairs(3))
  expect(taken.map(({ rows: own }) => own)).toEqual(rows)
  expect(taken.map(({ miniBatch }) => miniBatch)).toEqual(rows.map((_, at) => at + 3))
  expect(taken.map((entry) => [entry.items[0], entry.items.at(-1)])).toEqual(
    rows.map((_, at) => [(at + 3) * items, (at + 4) * items - 1]),
  )
  expect(groups.flatMap((group) => group.miniBatches)).toEqual(rows.map((_, at) => at + 3))
  expect(mostLines).toBeLessThanOrEqual(limits.takenChunkBytes)
  // A chunk that fills, and a page behind it.
  const inChunk = limits.takenChunkBytes / (row(0, 0).length + 1)
  expect(mostHeld).toBeLessThan(inChunk + limits.takenPageRows + 2 * items)
  expect(mostHeld).toBeLessThan((miniBatches * items) / 3)
})

test('a mini-batch without rows is taken over, one whose rows are not all here is not', async () => {
  await using donor = await openDonor(2, [['1', '2'], [], ['3'], ['4', '5']])
  const commits = new Map(donor.donor.commits)
  const third = commits.get(2)
  if (third === undefined) throw new Error('no commit')
  commits.set(2, { ...third, rows: 2 })
  const short = { ...donor, donor: { ...donor.donor, commits } }
  const { groups, taken } = await take(short, donor.pairs(0))
  expect(taken.map(({ miniBatch, rows }) => [miniBatch, rows])).toEqual([
    [0, ['1', '2']],
    [1, []],
    [3, ['4', '5']],
  ])
  expect(groups.map(({ miniBatches, rows }) => [miniBatches, rows])).toEqual([
    [
      [0, 1, 3],
      [2, 0, 2],
    ],
  ])
})
