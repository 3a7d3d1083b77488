import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { FilePlanChunk, PlanChunk, TablePlanChunk } from '../../model/plan.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import { count, jobId, partition } from '../fields.ts'
import { slicesFromWire, slicesToWire, wireSlices } from './slices.ts'

/** A plan chunk's blob, in columns: there may be a million items. One large mini-batch may fill it. */
const common = {
  job: jobId,
  chunk: count,
  firstItem: count,
  firstMiniBatch: count,
  runs: z
    .array(z.object({ count: z.int().min(1), items: z.int().min(1) }))
    .max(limits.planChunkItems),
  partitions: z.array(partition).max(limits.planChunkItems),
  last: z.boolean(),
}
const column = z.array(count).max(limits.miniBatchItems)
const filePlanChunk = z
  .object({
    ...common,
    kind: z.literal('files'),
    names: z.array(z.string().min(1).max(limits.itemNameBytes)).max(limits.miniBatchItems),
    bytes: column,
    modifiedMs: z.array(z.number()).max(limits.miniBatchItems),
    inputs: column,
  })
  .refine(
    ({ names, bytes, modifiedMs, inputs }) =>
      [bytes, modifiedMs, inputs].every((other) => other.length === names.length),
    'columns of different length',
  )
const tablePlanChunk = z.object({ ...common, kind: z.literal('table'), slices: wireSlices })
const planChunk = z.discriminatedUnion('kind', [filePlanChunk, tablePlanChunk])

export const encodePlanChunk = (value: PlanChunk): Uint8Array =>
  encodeCbor(value.kind === 'files' ? filesToWire(value) : tableToWire(value))

const filesToWire = ({ items, ...rest }: FilePlanChunk): z.output<typeof filePlanChunk> => ({
  ...rest,
  runs: [...rest.runs],
  partitions: [...rest.partitions],
  names: items.map((item) => item.name),
  bytes: items.map((item) => item.bytes),
  modifiedMs: items.map((item) => item.modifiedMs),
  inputs: items.map((item) => item.input),
})

const tableToWire = ({ slices, ...rest }: TablePlanChunk): z.output<typeof tablePlanChunk> => ({
  ...rest,
  runs: [...rest.runs],
  partitions: [...rest.partitions],
  slices: slicesToWire(slices),
})

/** @throws MusterFailure `MessageInvalid` */
export const decodePlanChunk = (data: Uint8Array): PlanChunk => {
  const chunk = decodeCbor(data, planChunk, 'plan chunk')
  if (chunk.kind === 'table') return { ...chunk, slices: slicesFromWire(chunk.slices) }
  const { names, bytes, modifiedMs, inputs, ...rest } = chunk
  const items = names.map((name, i) => ({
    name,
    bytes: bytes[i] ?? 0,
    modifiedMs: modifiedMs[i] ?? 0,
    input: inputs[i] ?? 0,
  }))
  return { ...rest, items }
}
