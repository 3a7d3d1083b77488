import type { PlannedSlice, PlannedTable } from '#protocol/model/plan.ts'

/** One record or row that belongs to a group. */
export interface StoredRecord {
  readonly file: number
  readonly record: number
  /** Bytes of the record; of Parquet those of its row group. */
  readonly offset: number
  readonly end: number
}

/** Slices of very many groups in columns: objects for each would take five times the memory. */
export interface SliceStore {
  /** Adds the next record of a group; it grows the group's last slice if it follows it in its file. */
  readonly add: (group: number, record: StoredRecord) => void
  /** Slices, all groups together. */
  readonly size: () => number
  readonly groups: () => number
  /** The group's slices in the order in which they were added. */
  readonly slicesOf: (group: number, files: readonly PlannedTable[]) => readonly PlannedSlice[]
  readonly slices: (group: number) => number
  readonly records: (group: number) => number
}

export const createSliceStore = (): SliceStore => {
  const file = column()
  const offset = column()
  const end = column()
  const first = column()
  const records = column()
  const next = column()
  // Of each group: its first and last slice, how many there are, and how many records.
  const heads = column()
  const tails = column()
  const counts = column()
  const sums = column()
  let size = 0
  let groups = 0

  const follows = (slice: number, { file: of, record }: StoredRecord): boolean =>
    file.at(slice) === of && first.at(slice) + records.at(slice) === record

  /** A new slice behind `tail`, the last of its group; -1: it is the first. */
  const append = (group: number, tail: number, record: StoredRecord): void => {
    file.set(size, record.file)
    offset.set(size, record.offset)
    end.set(size, record.end)
    first.set(size, record.record)
    records.set(size, 1)
    next.set(size, -1)
    if (tail >= 0) next.set(tail, size)
    else heads.set(group, size)
    groups = Math.max(groups, group + 1)
    tails.set(group, size)
    counts.set(group, tail >= 0 ? counts.at(group) + 1 : 1)
    sums.set(group, tail >= 0 ? sums.at(group) + 1 : 1)
    size += 1
  }
  return {
    add: (group, record) => {
      const tail = group < groups ? tails.at(group) : -1
      if (tail < 0 || !follows(tail, record)) return append(group, tail, record)
      records.set(tail, records.at(tail) + 1)
      end.set(tail, Math.max(end.at(tail), record.end))
      offset.set(tail, Math.min(offset.at(tail), record.offset))
      sums.set(group, sums.at(group) + 1)
    },
    size: () => size,
    groups: () => groups,
    slices: (group) => counts.at(group),
    records: (group) => sums.at(group),
    slicesOf: (group, files) => {
      const found: PlannedSlice[] = []
      for (let at = heads.at(group); at >= 0; at = next.at(at))
        found.push({
          file: tableAt(files, file.at(at)),
          offset: offset.at(at),
          length: end.at(at) - offset.at(at),
          firstRecord: first.at(at),
          records: records.at(at),
        })
      return found
    },
  }
}

const tableAt = (files: readonly PlannedTable[], number: number): PlannedTable => {
  const table = files[number]
  if (table === undefined) throw new Error('a slice of a file that is not known')
  return table
}

interface Column {
  readonly at: (index: number) => number
  readonly set: (index: number, value: number) => void
}

/** Numbers in a buffer that doubles. */
const column = (): Column => {
  let values = new Float64Array(1_024)
  return {
    at: (index) => values[index] ?? -1,
    set: (index, value) => {
      if (index >= values.length) {
        const larger = new Float64Array(Math.max(2 * values.length, index + 1))
        larger.set(values)
        values = larger
      }
      values[index] = value
    },
  }
}
