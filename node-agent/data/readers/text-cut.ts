import { cutIntoPieces } from '#agent/job/cut/pieces.ts'
import { endScan, scanRecords, startScan } from '#agent/job/cut/records.ts'
import type { FoundRecords } from '#agent/job/cut/records.ts'
import { limits } from '#protocol/limits.ts'
import type { PlannedSlice, PlannedTable } from '#protocol/model/plan.ts'
import type { OpenFile } from './file-access.ts'
import { ruleOf } from './text-head.ts'
import type { TextFormat, TextHead } from './text-head.ts'

/** What of a file of text is cut, and how. */
export interface TextCut {
  readonly file: OpenFile
  readonly table: PlannedTable
  readonly how: TextFormat
  readonly head: TextHead
  /** Bytes of a slice, about. */
  readonly size: number
  /** Go on here: behind a record of an earlier plan. */
  readonly from?: { readonly offset: number; readonly record: number }
}

/** A file shrank while it was read. */
export const endedEarly = 'became shorter while it was read: plan it when nobody writes to it.'

/** Slices of one file in order. @throws Error with `endedEarly` as its message */
export async function* cutText(cut: TextCut): AsyncGenerator<PlannedSlice, void, undefined> {
  const { file, table, head } = cut
  const pieces = cutIntoPieces(head.start, table.bytes, cut.size)
  const from = cut.from ?? { offset: head.start, record: 0 }
  let cutAt = pieces.endBehind(from.offset)
  let firstRecord = from.record
  let offset = -1
  let end = -1
  let records = 0
  const close = (): PlannedSlice => {
    const slice = { file: table, offset, length: end - offset, firstRecord, records }
    firstRecord += records
    offset = -1
    records = 0
    cutAt = pieces.endBehind(end)
    return slice
  }
  for await (const found of scanFile(file, cut, from.offset)) {
    const isLong = found.count > 0 && isTooLong(found)
    if (isLong && records > 0) yield close()
    // Records that close no slice are only counted: there may be a hundred million.
    for (let i = 0; i < found.count;) {
      if (offset < 0) offset = found.starts[i] ?? 0
      const isAlone = isLong && i === 0
      const last = isAlone
        ? i
        : Math.min(
            firstBehind(found, i, cutAt),
            i + limits.tableBatchRecords - records - 1,
            found.count - 1,
          )
      records += last - i + 1
      end = found.ends[last] ?? 0
      i = last + 1
      if (isAlone || end >= cutAt || records >= limits.tableBatchRecords) yield close()
    }
  }
  if (records > 0) yield close()
}

/**
 * A record that will not be read stands alone, so that others are not read and sent with it. It is longer than
 * a block: of those found in one it can only be the first.
 */
const isTooLong = ({ starts, ends }: FoundRecords): boolean =>
  (ends[0] ?? 0) - (starts[0] ?? 0) > limits.tableRecordBytes

/** Position of the first record from `from` on that ends at or behind `cutAt`; the count if there is none. */
const firstBehind = ({ ends, count }: FoundRecords, from: number, cutAt: number): number => {
  let low = from
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) < cutAt) low = middle + 1
    else high = middle
  }
  return low
}

/** All records from `from` on, block by block: what was found is gone when the next are asked for. */
export async function* scanFile(
  file: OpenFile,
  { table, how }: Pick<TextCut, 'table' | 'how'>,
  from: number,
): AsyncGenerator<FoundRecords, void, undefined> {
  const scan = startScan(ruleOf(how), from)
  const { found } = scan
  for (let isWhole = false; !isWhole;) {
    while (scan.at < table.bytes) {
      const block = await file.block(scan.at)
      if (block.length === 0) throw new Error(endedEarly)
      scanRecords(scan, block)
      yield found
      found.count = 0
    }
    isWhole = endScan(scan)
    yield found
    found.count = 0
  }
}
