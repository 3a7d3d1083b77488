import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { RunSource } from '#agent/ports/runtime.ts'
import { recordsIn } from '#agent/job/cut/records.ts'
import { directAccess, openForReading } from './file-access.ts'
import { readParquetFacts } from './parquet.ts'
import { readTable } from './read-table.ts'
import type { ReadTable } from './read-table.ts'
import { readTextHead, ruleOf } from './text-head.ts'
import type { TextFormat } from './text-head.ts'

/** A whole table: files below a folder, and how they are written. */
export interface WholeTable {
  readonly folder: string
  /** Paths below the folder, with `/`. */
  readonly files: readonly string[]
  readonly how: TextFormat
  /** Files that are larger all together are not read. */
  readonly mostBytes: number
}

/** Reads all records of a table at once. A text instead is a sentence that says why it cannot be read. */
export const readWholeTable = async (table: WholeTable): Promise<ReadTable | string> => {
  const { folder, files, how, mostBytes } = table
  const { format, delimiter } = how
  const sources: RunSource[] = []
  const counts: number[] = []
  let bytes = 0
  for (const name of files) {
    const path = join(folder, name)
    const { size, mtimeMs } = statSync(path)
    bytes += size
    if (bytes > mostBytes)
      return `The table has more than the ${mostBytes} bytes that can be read at once: read its files yourself.`
    const found = await readWhole({ path, fileBytes: size, modifiedMs: Math.trunc(mtimeMs) }, how)
    if (typeof found === 'string') return `"${name}" ${found}`
    sources.push({ ...found.source, name })
    counts.push(found.records)
  }
  let firstItem = 0
  const slices = counts.map((records, source) => {
    const slice = { source, firstRecord: 0, firstItem, records, skip: 0 }
    firstItem += records
    return slice
  })
  return readTable({ format, delimiter, sources, slices })
}

interface WholeFile {
  readonly source: Omit<RunSource, 'name'>
  readonly records: number
}

interface FileAt {
  readonly path: string
  readonly fileBytes: number
  readonly modifiedMs: number
}

const readWhole = async (
  { path, fileBytes, modifiedMs }: FileAt,
  how: TextFormat,
): Promise<WholeFile | string> => {
  await using file = await openForReading(directAccess, path, fileBytes)
  if (how.format === 'parquet') {
    const facts = await readParquetFacts(file, fileBytes)
    if (typeof facts === 'string') return facts
    const { columns, groups, tailBytes } = facts
    const length = fileBytes - tailBytes
    const content = { path, length, fileBytes, modifiedMs }
    const records = groups.reduce((sum, group) => sum + group.rows, 0)
    return { source: { columns, offset: 0, tailBytes, content }, records }
  }
  const head = await readTextHead(file, how)
  if (typeof head === 'string') return head
  const { columns, start } = head
  const bytes = (await file.exactly(start, fileBytes - start)) ?? new Uint8Array()
  const records = recordsIn(ruleOf(how), bytes).count
  return { source: { columns, offset: start, tailBytes: 0, content: { bytes } }, records }
}
