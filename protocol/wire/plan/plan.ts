import { z } from 'zod'
import { musterError, MusterFailure } from '../../errors.ts'
import { limits } from '../../limits.ts'
import type { FilePlanChunk, PlanChunk, TablePlanChunk } from '../../model/plan.ts'
import { decodeCbor, encodeCbor } from '../codec.ts'
import {
  createTableReader,
  decodeNames,
  decodeTimes,
  encodeColumn,
  encodeNames,
  encodeTimes,
} from '../columns.ts'
import { bytes, count, jobId, partition } from '../fields.ts'
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
const filePlanChunk = z.object({
  ...common,
  kind: z.literal('files'),
  names: bytes,
  bytes,
  modifiedMs: bytes,
  inputs: bytes,
})
const tablePlanChunk = z.object({ ...common, kind: z.literal('table'), slices: wireSlices })
const planChunk = z.discriminatedUnion('kind', [filePlanChunk, tablePlanChunk])

/** The bytes of a plan chunk, which its blob holds. */
export const encodePlanChunk = (value: PlanChunk): Uint8Array =>
  encodeCbor(value.kind === 'files' ? filesToWire(value) : tableToWire(value))

const filesToWire = ({ items, ...rest }: FilePlanChunk): object => ({
  ...rest,
  runs: [...rest.runs],
  partitions: [...rest.partitions],
  names: encodeNames(items.map((item) => item.name)),
  bytes: encodeColumn(items.map((item) => item.bytes)),
  modifiedMs: encodeTimes(items.map((item) => item.modifiedMs)),
  inputs: encodeColumn(items.map((item) => item.input)),
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
  const { names, bytes: sizes, modifiedMs, inputs, ...rest } = chunk
  const read = createTableReader(limits.miniBatchItems)
  const { lines, columns } = read({ sizes, inputs }, ['sizes', 'inputs'])
  const times = decodeTimes(modifiedMs, lines)
  if (times.length !== lines) throw differentLength()
  const items = decodeNames(names, lines).map((name, i) => ({
    name,
    bytes: columns.sizes[i] ?? 0,
    modifiedMs: times[i] ?? 0,
    input: columns.inputs[i] ?? 0,
  }))
  return { ...rest, items }
}

const differentLength = (): MusterFailure =>
  new MusterFailure(
    musterError('MessageInvalid', 'A plan chunk could not be read and was dropped.', {
      detail: 'columns of different length',
    }),
  )
