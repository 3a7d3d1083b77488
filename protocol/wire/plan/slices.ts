import { z } from 'zod'
import { limits } from '../../limits.ts'
import type { PlannedSlice, PlannedTable } from '../../model/plan.ts'
import { count } from '../fields.ts'

/** Slices in columns, with each file and each list of columns once. */
export interface WireSlices {
  readonly headers: readonly (readonly string[])[]
  readonly files: readonly WireTable[]
  /** Position in `files`. */
  readonly of: readonly number[]
  readonly offsets: readonly number[]
  readonly lengths: readonly number[]
  readonly firstRecords: readonly number[]
  readonly records: readonly number[]
}

interface WireTable extends Omit<PlannedTable, 'columns'> {
  /** Position in `headers`. */
  readonly header: number
}

const column = z.array(count).max(limits.slicesPerMiniBatch)
const headers = z
  .array(z.array(z.string().max(limits.columnNameLength)).max(limits.tableColumns))
  .max(limits.slicesPerMiniBatch)

export const wireSlices: z.ZodType<WireSlices> = z
  .object({
    headers,
    files: z
      .array(
        z.object({
          name: z.string().min(1).max(limits.itemNameBytes),
          bytes: count,
          modifiedMs: z.number(),
          input: count,
          header: count,
          tailBytes: count,
        }),
      )
      .max(limits.slicesPerMiniBatch),
    of: column,
    offsets: column,
    lengths: column,
    firstRecords: column,
    records: column,
  })
  .refine(
    (it) =>
      [it.offsets, it.lengths, it.firstRecords, it.records].every(
        (other) => other.length === it.of.length,
      ),
    'columns of different length',
  )
  .refine(
    (it) =>
      it.of.every((file) => file < it.files.length) &&
      it.files.every((file) => file.header < it.headers.length),
    'a position behind the end of its list',
  )

export const slicesToWire = (slices: readonly PlannedSlice[]): WireSlices => {
  const headers = new Map<string, { readonly at: number; readonly columns: readonly string[] }>()
  const files = new Map<PlannedTable, { readonly at: number; readonly file: WireTable }>()
  const headerAt = (columns: readonly string[]): number => {
    const key = JSON.stringify(columns)
    const at = headers.get(key)?.at ?? headers.size
    headers.set(key, { at, columns })
    return at
  }
  const of = slices.map(({ file }) => {
    const known = files.get(file)
    if (known !== undefined) return known.at
    const { columns, ...facts } = file
    const at = files.size
    files.set(file, { at, file: { ...facts, header: headerAt(columns) } })
    return at
  })
  return {
    headers: [...headers.values()].map((one) => one.columns),
    files: [...files.values()].map((one) => one.file),
    of,
    offsets: slices.map((slice) => slice.offset),
    lengths: slices.map((slice) => slice.length),
    firstRecords: slices.map((slice) => slice.firstRecord),
    records: slices.map((slice) => slice.records),
  }
}

/** Slices of one file share its facts. */
export const slicesFromWire = (wire: WireSlices): readonly PlannedSlice[] => {
  const files = wire.files.map(({ header, ...facts }) => ({
    ...facts,
    columns: wire.headers[header] ?? [],
  }))
  return wire.of.flatMap((at, i) => {
    const file = files[at]
    return file === undefined
      ? []
      : {
          file,
          offset: wire.offsets[i] ?? 0,
          length: wire.lengths[i] ?? 0,
          firstRecord: wire.firstRecords[i] ?? 0,
          records: wire.records[i] ?? 0,
        }
  })
}
