import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { AttemptFiles, AttemptRows, ResultChunk } from '../../model/rows.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import { blobHash, count, jobId, peerId, sentence } from '../fields.ts'
import { isOutputPath } from './output-path.ts'

const files: z.ZodType<AttemptFiles> = z.object({
  pack: blobHash,
  list: z
    .array(
      z.object({
        path: z.string().refine(isOutputPath, 'no path below a folder'),
        bytes: count,
        hash: blobHash,
      }),
    )
    .min(1)
    .max(limits.outputFiles),
})

/**
 * A result chunk's bytes, before compression (zstd, by whoever stores it). Rows are JSON texts, so no
 * reader has to know what the job returned.
 */
const rows: z.ZodType<AttemptRows> = z
  .object({
    miniBatch: count,
    attempt: z.int().min(1),
    items: z.array(count),
    rows: z.array(z.string().max(limits.rowBytes)),
    names: z.array(z.string().max(limits.itemNameBytes)).exactOptional(),
    failures: z.array(
      z.object({
        item: count,
        name: z.string().max(limits.itemNameBytes),
        message: sentence,
      }),
    ),
    files: files.exactOptional(),
  })
  .refine(
    (entry) =>
      entry.items.length === entry.rows.length &&
      (entry.names === undefined || entry.names.length === entry.rows.length),
    'columns of different length',
  )

const chunk: z.ZodType<ResultChunk> = z.object({
  job: jobId,
  peer: peerId,
  entries: z.array(rows).min(1).max(limits.chunkEntries),
})

export const encodeResultChunk = (value: ResultChunk): Uint8Array => encodeCbor(value)

/** @throws MusterFailure `MessageInvalid` */
export const decodeResultChunk = (data: Uint8Array): ResultChunk =>
  decodeCbor(data, chunk, 'result chunk')
