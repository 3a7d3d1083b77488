import { cutIntoPieces } from '#agent/job/cut/pieces.ts'
import { endScan, scanRecords, startScan } from '#agent/job/cut/records.ts'
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
  const first = cut.from ?? { offset: head.start, record: 0 }
  let ready: PlannedSlice[] = []
  let offset = -1
  let end = -1
  let records = 0
  let firstRecord = first.record
  let cutAt = pieces.endBehind(first.offset)
  const close = (): void => {
    ready.push({ file: table, offset, length: end - offset, firstRecord, records })
    firstRecord += records
    offset = -1
    records = 0
    cutAt = pieces.endBehind(end)
  }
  const onRecord = (start: number, recordEnd: number): void => {
    if (offset < 0) offset = start
    records += 1
    end = recordEnd
    if (recordEnd >= cutAt || records >= limits.tableBatchRecords) close()
  }
  for await (const _ of scanFile(file, cut, first.offset, onRecord)) {
    yield* ready
    ready = []
  }
  if (records > 0) close()
  yield* ready
}

/** Tells of all records from `from` on; yields now and then, so that what was told can be passed on. */
export async function* scanFile(
  file: OpenFile,
  { table, how }: Pick<TextCut, 'table' | 'how'>,
  from: number,
  onRecord: (start: number, end: number) => void,
): AsyncGenerator<void, void, undefined> {
  const scan = startScan(ruleOf(how), from)
  do {
    while (scan.at < table.bytes) {
      const block = await file.block(scan.at)
      if (block.length === 0) throw new Error(endedEarly)
      scanRecords(scan, block, onRecord)
      yield
    }
  } while (!endScan(scan, onRecord))
}
