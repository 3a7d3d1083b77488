import { zstdCompressSync } from 'node:zlib'
import type { AttemptRows, ChunkRows } from '#protocol/model/rows.ts'
import { encodeResultChunk } from '#protocol/wire/chunk/chunk.ts'

/** Texts of rows as they travel. */
export const linesOf = (rows: readonly string[]): AttemptRows['lines'] =>
  new TextEncoder().encode(rows.join('\n'))

/** A result chunk as a worker leaves it on its disk. */
export const packChunk = (chunk: ChunkRows): Uint8Array =>
  zstdCompressSync(encodeResultChunk(chunk))
