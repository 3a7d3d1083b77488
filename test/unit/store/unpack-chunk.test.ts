import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { unpackChunk } from '#agent/store/write/unpack-chunk.ts'
import { limits } from '#protocol/limits.ts'
import type { ChunkRows } from '#protocol/model/rows.ts'
import { linesOf, packChunk } from '../../support/chunks.ts'
import { blobNamed, createTestKeys, jobNumbered } from '../../support/ledger-fixtures.ts'

const chunkOf = (rows: readonly string[]): ChunkRows => ({
  job: jobNumbered(1),
  peer: createTestKeys('m')[0]?.self ?? ('' as ChunkRows['peer']),
  entries: [
    {
      miniBatch: 7,
      attempt: 2,
      items: rows.map((_, at) => 70 + at),
      names: rows.map((_, at) => `${70 + at}.png`),
      lines: linesOf(rows),
      failures: [],
    },
  ],
})

const codeOf = (bytes: Uint8Array): string => {
  const chunk = unpackChunk(blobNamed('a'), bytes)
  return chunk.ok ? 'ok' : chunk.error.code
}

describe('a packed result chunk', () => {
  it('is unpacked to its rows', () => {
    const packed = packChunk(chunkOf(['{"a":1}', '{"a":2}']))
    expect(unpackChunk(blobNamed('a'), packed)).toMatchObject({
      value: { entries: [{ miniBatch: 7, attempt: 2, rows: ['{"a":1}', '{"a":2}'] }] },
    })
  })

  it('that is none, or was cut off, is refused in words', () => {
    const packed = packChunk(chunkOf(['1', '2', '3']))
    expect(codeOf(packed)).toBe('ok')
    expect(codeOf(Buffer.from('no zstd'))).toBe('MessageInvalid')
    expect(codeOf(zstdCompressSync(Buffer.from('no cbor')))).toBe('MessageInvalid')
    expect(codeOf(packed.subarray(0, packed.length - 4))).toBe('MessageInvalid')
  })

  it('that is a bomb is refused while it unpacks', () => {
    const bomb = zstdCompressSync(Buffer.alloc(limits.chunkUnpackedBytes + 1))
    expect(bomb.length).toBeLessThan(100_000)
    expect(codeOf(bomb)).toBe('FrameTooLarge')
  })
})
