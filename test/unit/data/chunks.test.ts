import { zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBlobs } from '#agent/data/blobs.ts'
import { createChunks } from '#agent/data/chunks.ts'
import { limits } from '#protocol/limits.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { ResultChunk } from '#protocol/model/rows.ts'
import { job, peer } from './specs.ts'
import { tempFolder } from './temp.ts'

const chunkOf = (entries: number, rowsEach: number): ResultChunk => ({
  job,
  peer,
  entries: Array.from({ length: entries }, (_, miniBatch) => ({
    miniBatch,
    attempt: 1,
    items: Array.from({ length: rowsEach }, (_, i) => miniBatch * rowsEach + i),
    rows: Array.from({ length: rowsEach }, (_, i) => JSON.stringify({ digit: i % 10, score: 0.9 })),
    failures: [],
  })),
})

describe('result chunks', () => {
  it('come back as they were packed, smaller on the disk', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const chunks = createChunks({ blobs })
    const chunk = chunkOf(100, 10)
    const packed = await chunks.pack(chunk)
    if (!packed.ok) throw new Error(packed.error.message)
    expect(await chunks.unpack(packed.value)).toEqual({ ok: true, value: chunk })
    expect(await blobs.size(packed.value)).toBeLessThan(JSON.stringify(chunk).length / 3)
    expect(await chunks.pack(chunk)).toEqual(packed)
  })

  it('are at hand once if packed here, within a size, and on the disk in any case', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const chunks = createChunks({ blobs, recentBytes: 4_000 })
    const [older, newer] = [chunkOf(8, 10), chunkOf(9, 10)]
    const packed = [await chunks.pack(older), await chunks.pack(newer)]
    const [first, second] = packed.map((one) => {
      if (!one.ok) throw new Error(one.error.message)
      return one.value
    })
    if (first === undefined || second === undefined) throw new Error('two were packed')
    const asKept = await chunks.unpack(second)
    expect(asKept.ok && asKept.value).toBe(newer)
    const again = await chunks.unpack(second)
    expect(again).toEqual({ ok: true, value: newer })
    expect(again.ok && again.value).not.toBe(newer)
    const pushedOut = await chunks.unpack(first)
    expect(pushedOut).toEqual({ ok: true, value: older })
    expect(pushedOut.ok && pushedOut.value).not.toBe(older)
  })

  it('keep any text and any failure', async () => {
    await using folder = await tempFolder()
    const chunks = createChunks({ blobs: createBlobs({ folder: folder.path }) })
    const text = fc.string({ unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(fc.array(text), text, async (rows, message) => {
        const items = rows.map((_, i) => i)
        const failures = [{ item: rows.length, name: `${message}.png`, message }]
        const entries = [{ miniBatch: 3, attempt: 2, items, rows, failures }]
        const packed = await chunks.pack({ job, peer, entries })
        if (!packed.ok) throw new Error(packed.error.message)
        expect(await chunks.unpack(packed.value)).toEqual({
          ok: true,
          value: { job, peer, entries },
        })
      }),
      { numRuns: 30 },
    )
  })

  it('refuse a blob that is none, and one that is not there', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const chunks = createChunks({ blobs })
    const codeOf = async (bytes: Uint8Array): Promise<string> => {
      const blob = await blobs.put(bytes)
      if (!blob.ok) throw new Error(blob.error.message)
      const result = await chunks.unpack(blob.value)
      return result.ok ? 'ok' : result.error.code
    }
    const packed = await chunks.pack(chunkOf(3, 3))
    const bytes = packed.ok ? await blobs.read(packed.value) : packed
    if (!bytes.ok) throw new Error(bytes.error.message)
    expect(await codeOf(Buffer.from('no zstd'))).toBe('MessageInvalid')
    expect(await codeOf(zstdCompressSync(Buffer.from('no cbor')))).toBe('MessageInvalid')
    expect(await codeOf(bytes.value.subarray(0, bytes.value.length - 4))).toBe('MessageInvalid')
    expect(await chunks.unpack(asBlobHash('0'.repeat(64)))).toMatchObject({
      error: { code: 'BlobMissing' },
    })
  })

  it('refuse a bomb while it unpacks', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const bomb = zstdCompressSync(Buffer.alloc(limits.chunkUnpackedBytes + 1))
    expect(bomb.length).toBeLessThan(100_000)
    const blob = await blobs.put(bomb)
    if (!blob.ok) throw new Error(blob.error.message)
    expect(await createChunks({ blobs }).unpack(blob.value)).toMatchObject({
      ok: false,
      error: { code: 'FrameTooLarge' },
    })
  })
})
