import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Blobs } from '#agent/ports/blobs.ts'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createPlanReader } from '#agent/data/plan/plan-reader.ts'
import { limits } from '#protocol/limits.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import type { PlanChunkWritten } from '#protocol/model/record.ts'
import { encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { job } from './specs.ts'
import { tempFolder } from './temp.ts'

const miniBatchSize = 2_500
const chunkSize = 5_000
const itemAt = (index: number): PlannedItem => ({
  name: `${index}.png`,
  bytes: index,
  modifiedMs: 5,
  input: index % 3,
})

/** Stores a plan of `total` items and gives its records. */
const storePlan = async (blobs: Blobs, total: number): Promise<PlanChunkWritten[]> => {
  const records: PlanChunkWritten[] = []
  for (let chunk = 0; chunk * chunkSize < total; chunk++) {
    const start = {
      firstItem: chunk * chunkSize,
      firstMiniBatch: (chunk * chunkSize) / miniBatchSize,
    }
    const count = Math.min(chunkSize, total - start.firstItem)
    const rest = count % miniBatchSize
    const runs = [
      ...(count < miniBatchSize
        ? []
        : [{ count: Math.floor(count / miniBatchSize), items: miniBatchSize }]),
      ...(rest === 0 ? [] : [{ count: 1, items: rest }]),
    ]
    const last = start.firstItem + count === total
    const items = Array.from({ length: count }, (_, i) => itemAt(start.firstItem + i))
    const whole = {
      job,
      chunk,
      ...start,
      runs,
      items,
      last,
      partitions: [],
      kind: 'files',
    } as const
    const put = await blobs.put(encodePlanChunk(whole))
    if (!put.ok) throw new Error(put.error.message)
    const miniBatches = runs.reduce((sum, run) => sum + run.count, 0)
    const kind = 'plan-chunk-written'
    records.push({
      kind,
      job,
      chunk,
      blob: put.value,
      ...start,
      items: count,
      miniBatches,
      runs,
      last,
    })
  }
  return records
}

describe('the plan reader', () => {
  it('gives any range of items, also across chunks and with records in any order', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const total = 3 * chunkSize + 123
    const records = (await storePlan(blobs, total)).toReversed()
    const reader = createPlanReader({ blobs, planChunks: () => Promise.resolve(records) })
    const range = fc.tuple(fc.nat(total - 1), fc.integer({ min: 1, max: 12_000 }))
    await fc.assert(
      fc.asyncProperty(range, async ([first, length]) => {
        const count = Math.min(length, total - first)
        const expected = Array.from({ length: count }, (_, i) => itemAt(first + i))
        expect(await reader.items(job, first, count)).toEqual({ ok: true, value: expected })
      }),
      { numRuns: 30 },
    )
    expect(await reader.items(job, total - 1, 2)).toMatchObject({ error: { code: 'BlobMissing' } })
    expect(await reader.items(job, total, 1)).toMatchObject({ error: { code: 'BlobMissing' } })
  })

  it('tells where the plan ends, for planning to go on there', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const records = await storePlan(blobs, chunkSize + 2)
    const reader = createPlanReader({ blobs, planChunks: () => Promise.resolve(records) })
    const file = itemAt(chunkSize + 1)
    expect(await reader.end(job)).toEqual({
      ok: true,
      value: {
        chunk: 2,
        firstItem: chunkSize + 2,
        firstMiniBatch: 3,
        file,
        offset: file.bytes,
        record: 1,
      },
    })
    const none = createPlanReader({ blobs, planChunks: () => Promise.resolve([]) })
    expect(await none.end(job)).toEqual({ ok: true, value: undefined })
  })

  it('sees chunks that are written while it runs, and reads each blob once', async () => {
    await using folder = await tempFolder()
    const store = createBlobs({ folder: folder.path })
    let reads = 0
    const blobs: Blobs = {
      ...store,
      read: (blob) => {
        reads++
        return store.read(blob)
      },
    }
    const records = await storePlan(store, 12_000)
    const known = records.slice(0, 1)
    let asked = 0
    const planChunks = (): Promise<readonly PlanChunkWritten[]> => {
      asked++
      return Promise.resolve(known)
    }
    const reader = createPlanReader({ blobs, planChunks })
    expect((await reader.items(job, 5_000, 10)).ok).toBe(false)
    known.push(...records.slice(1))
    const ranges = Array.from({ length: 100 }, (_, i) => reader.items(job, i * 100, 100))
    expect((await Promise.all(ranges)).every((result) => result.ok)).toBe(true)
    expect(reads).toBe(2)
    const before = asked
    expect(await reader.items(job, 5_000, 1)).toEqual({ ok: true, value: [itemAt(5_000)] })
    expect([reads, asked]).toEqual([2, before])
  })

  it('asks again after a blob was missing', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const [record] = await storePlan(blobs, 10)
    if (record === undefined) throw new Error('no record')
    const bytes = await blobs.read(record.blob)
    await blobs.delete(record.blob)
    const reader = createPlanReader({ blobs, planChunks: () => Promise.resolve([record]) })
    expect(await reader.items(job, 0, 1)).toMatchObject({ error: { code: 'BlobMissing' } })
    if (bytes.ok) await blobs.put(bytes.value)
    expect(await reader.items(job, 0, 1)).toMatchObject({ ok: true })
  })

  it('keeps no more decoded chunks than its limit', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const chunks = limits.planChunksDecoded + 2
    const records = await storePlan(blobs, chunks * chunkSize)
    const reader = createPlanReader({ blobs, planChunks: () => Promise.resolve(records) })
    for (const record of records) await reader.items(job, record.firstItem, 1)
    const [oldest, newest] = [records[0], records.at(-1)]
    if (oldest === undefined || newest === undefined) throw new Error('no records')
    await blobs.delete(oldest.blob)
    await blobs.delete(newest.blob)
    expect((await reader.items(job, newest.firstItem, 1)).ok).toBe(true)
    expect((await reader.items(job, oldest.firstItem, 1)).ok).toBe(false)
  })
})
