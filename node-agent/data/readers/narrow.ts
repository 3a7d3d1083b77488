import { join } from 'node:path'
import { recordsIn } from '#agent/job/cut/records.ts'
import { limits } from '#protocol/limits.ts'
import type { TableInput } from '#protocol/model/input.ts'
import type { PlannedSlice } from '#protocol/model/plan.ts'
import { openForReading, patientAccess } from './file-access.ts'
import { ruleOf } from './text-head.ts'

/**
 * Slices with only some records of a slice, neighbours together. What cannot be told apart comes back whole:
 * a file that is gone or shorter now, which is told when it is read, or a slice too long to look through.
 * @param wanted places in the slice, ascending
 */
export const narrowSlice = async (
  input: TableInput,
  slice: PlannedSlice,
  wanted: readonly number[],
): Promise<readonly PlannedSlice[]> => {
  const stretches = neighbours(wanted)
  // Rows of Parquet are counted from the start of the file; their row group is read whole anyway.
  if (input.format === 'parquet')
    return stretches.map(({ from, count }) => ({
      ...slice,
      firstRecord: slice.firstRecord + from,
      records: count,
    }))
  const bytes = await bytesOf(input, slice)
  if (bytes === undefined) return [slice]
  const { starts, ends, count: found } = recordsIn(ruleOf({ ...input, header: false }), bytes)
  const narrowed = stretches.map(({ from, count }) => {
    const start = starts[from] ?? 0
    const end = ends[from + count - 1] ?? start
    return {
      ...slice,
      offset: slice.offset + start,
      length: end - start,
      firstRecord: slice.firstRecord + from,
      records: count,
    }
  })
  return found >= slice.records ? narrowed : [slice]
}

const bytesOf = async (
  { root }: TableInput,
  { file, offset, length }: PlannedSlice,
): Promise<Uint8Array | undefined> => {
  if (length > limits.narrowedBytes) return undefined
  try {
    await using open = await openForReading(patientAccess, join(root, file.name), file.bytes)
    return await open.exactly(offset, length)
  } catch {
    return undefined
  }
}

/** Numbers that follow each other, as stretches. */
const neighbours = (
  wanted: readonly number[],
): readonly { readonly from: number; readonly count: number }[] => {
  const stretches: { from: number; count: number }[] = []
  for (const one of wanted) {
    const last = stretches.at(-1)
    if (last !== undefined && last.from + last.count === one) last.count += 1
    else stretches.push({ from: one, count: 1 })
  }
  return stretches
}
