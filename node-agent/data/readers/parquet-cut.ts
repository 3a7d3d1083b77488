import { limits } from '#protocol/limits.ts'
import type { PlannedSlice, PlannedTable } from '#protocol/model/plan.ts'
import type { ParquetFacts, RowGroup } from './parquet.ts'

/**
 * Slices of one file in order: neighbouring row groups up to `size` bytes together, a larger one alone, one
 * of very many rows in stretches of it. `fromRow`: go on behind the rows before it.
 */
export function* cutParquet(
  table: PlannedTable,
  { groups }: ParquetFacts,
  size: number,
  fromRow: number,
): Generator<PlannedSlice, void, undefined> {
  let taken: RowGroup | undefined
  for (const whole of groups) {
    const group = behind(whole, fromRow)
    if (group.rows === 0) continue
    const joined = taken && join(taken, group)
    if (joined !== undefined && joined.length <= size && joined.rows <= limits.tableBatchRecords) {
      taken = joined
      continue
    }
    if (taken !== undefined) yield* toSlices(table, taken)
    taken = group
  }
  if (taken !== undefined) yield* toSlices(table, taken)
}

/** The rows of a group that are not planned yet; its bytes are needed whole. */
const behind = (group: RowGroup, fromRow: number): RowGroup => {
  const passed = Math.min(group.rows, Math.max(0, fromRow - group.firstRow))
  return { ...group, firstRow: group.firstRow + passed, rows: group.rows - passed }
}

const join = (a: RowGroup, b: RowGroup): RowGroup => {
  const offset = Math.min(a.offset, b.offset)
  const length = Math.max(a.offset + a.length, b.offset + b.length) - offset
  return { firstRow: a.firstRow, rows: a.rows + b.rows, offset, length }
}

function* toSlices(
  file: PlannedTable,
  { firstRow, rows, offset, length }: RowGroup,
): Generator<PlannedSlice, void, undefined> {
  for (let row = 0; row < rows; row += limits.tableBatchRecords) {
    const records = Math.min(limits.tableBatchRecords, rows - row)
    yield { file, offset, length, firstRecord: firstRow + row, records }
  }
}
