import type { ItemIndex, JobId, MiniBatchIndex } from '#protocol/model/ids.ts'
import type { TakenPage } from '#agent/ports/views.ts'
import { limits } from '#protocol/limits.ts'
import type { Db } from '../database.ts'
import { Moved } from '../thread/calls.ts'
import { shownJob } from './shown-job.ts'

interface FoundRow {
  readonly item: ItemIndex
  readonly name: string
  readonly miniBatch: MiniBatchIndex
  readonly value: string
}

interface Found {
  readonly miniBatch: MiniBatchIndex
  readonly items: ItemIndex[]
  readonly names: string[]
  readonly values: string[]
}

/** Items from `first` up to but without `last`. */
export interface ItemRange {
  readonly job: JobId
  readonly first: ItemIndex
  readonly last: ItemIndex
}

/** A `TakenPage` of rows of neighbouring items, read by their place alone. */
export const createRowsOfItems = (db: Db): ((range: ItemRange) => Moved) => {
  const find = db.prepare<[string, number, number], FoundRow>(
    `SELECT item, name, mini_batch AS miniBatch, value FROM row
     WHERE job = ${shownJob} AND item >= ? AND item < ?
       AND value IS NOT NULL
     ORDER BY item, mini_batch, ordinal`,
  )
  return ({ job, first, last }) => {
    const found: Found[] = []
    let rows = 0
    let bytes = 0
    for (const { item, name, miniBatch, value } of find.iterate(job, first, last)) {
      let own = found.at(-1)
      if (own?.miniBatch !== miniBatch) {
        if (rows >= limits.takenPageRows || bytes >= limits.takenPageBytes)
          return toPage(found, item)
        own = { miniBatch, items: [], names: [], values: [] }
        found.push(own)
      }
      own.items.push(item)
      own.names.push(name)
      own.values.push(value)
      rows += 1
      bytes += name.length + value.length
    }
    return toPage(found, last)
  }
}

/** Rows travel as bytes, as they are packed: as strings they would be in either thread's heap. */
const toPage = (found: readonly Found[], next: ItemIndex): Moved => {
  const encoder = new TextEncoder()
  const miniBatches = found.map(({ values, ...columns }) => ({
    ...columns,
    lines: encoder.encode(values.join('\n')),
  }))
  const page: TakenPage = { miniBatches, next }
  return new Moved(
    page,
    miniBatches.map(({ lines }) => lines.buffer),
  )
}
