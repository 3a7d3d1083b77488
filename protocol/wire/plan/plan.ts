import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { PlanChunk } from '../../model/plan.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import { count, jobId } from '../fields.ts'

/** A plan chunk's blob: items in columns, since there may be a million. One large mini-batch may fill it. */
const planChunk = z
  .object({
    job: jobId,
    chunk: count,
    firstItem: count,
    firstMiniBatch: count,
    runs: z
      .array(z.object({ count: z.int().min(1), items: z.int().min(1) }))
      .max(limits.planChunkItems),
    names: z.array(z.string().min(1).max(limits.itemNameBytes)).max(limits.miniBatchItems),
    bytes: z.array(count).max(limits.miniBatchItems),
    modifiedMs: z.array(z.number()).max(limits.miniBatchItems),
    last: z.boolean(),
  })
  .refine(
    (value) =>
      value.bytes.length === value.names.length && value.modifiedMs.length === value.names.length,
    'columns of different length',
  )

export const encodePlanChunk = (value: PlanChunk): Uint8Array =>
  encodeCbor({
    job: value.job,
    chunk: value.chunk,
    firstItem: value.firstItem,
    firstMiniBatch: value.firstMiniBatch,
    runs: value.runs,
    names: value.items.map((item) => item.name),
    bytes: value.items.map((item) => item.bytes),
    modifiedMs: value.items.map((item) => item.modifiedMs),
    last: value.last,
  })

/** @throws MusterFailure `MessageInvalid` */
export const decodePlanChunk = (data: Uint8Array): PlanChunk => {
  const { names, bytes, modifiedMs, ...rest } = decodeCbor(data, planChunk, 'plan chunk')
  const items = names.map((name, i) => ({
    name,
    bytes: bytes[i] ?? 0,
    modifiedMs: modifiedMs[i] ?? 0,
  }))
  return { ...rest, items }
}
