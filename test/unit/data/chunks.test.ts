import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createBlobAudit } from '#agent/data/blobs/blob-audit.ts'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createChunks } from '#agent/data/blobs/chunks.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { ChunkRows } from '#protocol/model/rows.ts'
import { encodeResultChunk } from '#protocol/wire/chunk/chunk.ts'
import { job, peer } from './specs.ts'
import { tempFolder } from './temp.ts'

const chunkOf = (entries: number, rowsEach: number): ChunkRows => ({
  job,
  peer,
  entries: Array.from({ length: entries }, (_, miniBatch) => {
    const items = Array.from({ length: rowsEach }, (__, i) => miniBatch * rowsEach + i)
    const rows = items.map((item) => JSON.stringify({ digit: item % 10, score: 0.9 }))
    return {
      miniBatch,
      attempt: 1,
      items,
      names: items.map((item) => `digits/${item}.png`),
      lines: Buffer.from(rows.join('\n')),
      failures: [],
    }
  }),
})

describe('result chunks', () => {
  it('lie on the disk as they were packed, smaller', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const chunks = createChunks({ blobs, notes: join(folder.path, 'notes') })
    const chunk = chunkOf(100, 10)
    const packed = await chunks.pack(chunk)
    if (!packed.ok) throw new Error(packed.error.message)
    const read = await chunks.read(packed.value)
    if (!read.ok) throw new Error(read.error.message)
    const whole = encodeResultChunk(chunk)
    expect(Buffer.from(whole).equals(zstdDecompressSync(read.value))).toBe(true)
    expect(await blobs.size(packed.value)).toBeLessThan(whole.length / 3)
    expect(await chunks.pack(chunk)).toEqual(packed)
  })

  it('are at hand once if packed here, within a size, and on the disk in any case', async () => {
    await using folder = await tempFolder()
    const disk = createBlobs({ folder: folder.path })
    let reads = 0
    const read: typeof disk.read = (blob) => {
      reads += 1
      return disk.read(blob)
    }
    const sized = await createChunks({ blobs: disk, notes: join(folder.path, 'notes') }).pack(
      chunkOf(101, 10),
    )
    const recentBytes = sized.ok ? await disk.size(sized.value) : undefined
    if (recentBytes === undefined) throw new Error('it was packed')
    const chunks = createChunks({
      blobs: { ...disk, read },
      notes: join(folder.path, 'notes'),
      recentBytes,
    })
    const packed = [await chunks.pack(chunkOf(100, 10)), await chunks.pack(chunkOf(101, 10))]
    const [first, second] = packed.map((one) => {
      if (!one.ok) throw new Error(one.error.message)
      return one.value
    })
    if (first === undefined || second === undefined) throw new Error('two were packed')
    const readsOf = async (blob: typeof first): Promise<number> => {
      const before = reads
      expect((await chunks.read(blob)).ok).toBe(true)
      return reads - before
    }
    expect(await readsOf(second)).toBe(0)
    expect(await readsOf(second)).toBe(1)
    expect(await readsOf(first)).toBe(1)
  })

  it('that are not there are told apart', async () => {
    await using folder = await tempFolder()
    const chunks = createChunks({
      blobs: createBlobs({ folder: folder.path }),
      notes: join(folder.path, 'notes'),
    })
    expect(await chunks.read(asBlobHash('0'.repeat(64)))).toMatchObject({
      error: { code: 'BlobMissing' },
    })
  })

  it.each(['before', 'after'] as const)(
    'go with their job where an agent was killed %s one was here',
    async (dies) => {
      await using folder = await tempFolder()
      const blobs = createBlobs({ folder: folder.path })
      const notes = join(folder.path, 'notes')
      const put: typeof blobs.put = async (bytes, options) => {
        await blobs.put(bytes, {
          beforeHere: async (blob) => {
            await options?.beforeHere?.(blob)
            if (dies === 'before') throw new Error('killed')
          },
        })
        throw new Error('killed')
      }
      const first = createChunks({ blobs: { ...blobs, put }, notes })
      await expect(first.pack(chunkOf(10, 1))).rejects.toThrow('killed')

      const chunks = createChunks({ blobs, notes })
      expect(await chunks.jobs()).toEqual([job])
      const kept = await chunks.pack(chunkOf(20, 1))
      if (!kept.ok) throw new Error(kept.error.message)
      await chunks.settle(job, async () => new Set([kept.value]))
      const left = await createBlobAudit({ folder: folder.path }).list()
      expect(left.map(({ blob }) => blob)).toEqual([kept.value])
      expect(await chunks.jobs()).toEqual([])
    },
  )
})
