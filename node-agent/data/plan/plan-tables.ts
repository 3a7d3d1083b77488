import { join } from 'node:path'
import type { PlanPosition } from '#agent/ports/plan.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { MiniBatchSize } from '#protocol/model/job.ts'
import type { TableInput } from '#protocol/model/input.ts'
import type { PlannedFile, PlannedSlice, PlannedTable } from '#protocol/model/plan.ts'
import { systemCode } from '../disk.ts'
import { shorten, unreadableMs } from '#protocol/model/planned-file.ts'
import type { CutMiniBatch } from './plan-chunks.ts'
import { listFiles } from './plan-files.ts'
import type { Listing } from './plan-files.ts'
import { openForReading } from '../readers/file-access.ts'
import type { FileAccess, OpenFile } from '../readers/file-access.ts'
import { cutParquet } from '../readers/parquet-cut.ts'
import { readParquetFacts } from '../readers/parquet.ts'
import type { ParquetFacts } from '../readers/parquet.ts'
import { cutText, endedEarly } from '../readers/text-cut.ts'
import { readTextHead } from '../readers/text-head.ts'
import type { TextHead } from '../readers/text-head.ts'

/** One table input of a job, and how it is read. */
export interface TableListing extends Omit<Listing, 'input' | 'after'> {
  readonly input: TableInput
  readonly access: FileAccess
}

/** A table's file that is open, and what its beginning or end says. */
export interface OpenTable {
  readonly file: OpenFile
  readonly table: PlannedTable
  readonly head: TextHead
  /** Present exactly for Parquet. */
  readonly parquet?: ParquetFacts
}

/** Mini-batches of one table input in the order of its files; each is one slice. */
export async function* cutTables(
  listing: TableListing,
  size: MiniBatchSize,
  behind?: PlanPosition,
): AsyncGenerator<CutMiniBatch<PlannedSlice>, void, undefined> {
  const bytes = size.kind === 'bytes' ? size.bytes : limits.autoBytes
  const cut = async function* (
    file: PlannedFile,
    from?: { readonly offset: number; readonly record: number },
  ) {
    for await (const slice of cutFile(listing, file, bytes, from))
      yield { entries: [slice], items: slice.records }
  }
  if (behind !== undefined) yield* cut(await sameFile(listing, behind.file), behind)
  const after = behind === undefined ? {} : { after: behind.file.name }
  for await (const file of listFiles({ ...listing, ...after })) yield* cut(file)
}

/** Slices of one file. @throws MusterFailure `InputUnreadable` */
export async function* cutFile(
  listing: TableListing,
  planned: PlannedFile,
  size: number,
  from?: { readonly offset: number; readonly record: number },
): AsyncGenerator<PlannedSlice, void, undefined> {
  try {
    await using open = await openTable(listing, planned)
    const { file, table, head, parquet } = open
    if (parquet !== undefined) yield* cutParquet(table, parquet, size, from?.record ?? 0)
    else
      yield* cutText({
        file,
        table,
        how: listing.input,
        head,
        size,
        ...(from === undefined ? {} : { from }),
      })
  } catch (thrown) {
    throw toFailure(listing, planned, thrown)
  }
}

/** Opens one file of a table. @throws MusterFailure `InputUnreadable`, errors of the system */
export const openTable = async (
  { input, access }: TableListing,
  planned: PlannedFile,
): Promise<OpenTable & AsyncDisposable> => {
  if (planned.modifiedMs === unreadableMs)
    throw unreadable(input, planned, 'cannot be looked at: check its name and its permissions.')
  const path = join(input.root, planned.name)
  const file = await openForReading(access, path, planned.bytes)
  const close = (): Promise<void> => Promise.resolve(file[Symbol.asyncDispose]())
  try {
    if (input.format === 'parquet') {
      const parquet = await readParquetFacts(file, planned.bytes)
      if (typeof parquet === 'string') throw unreadable(input, planned, parquet)
      const { columns, tailBytes } = parquet
      const table = { ...planned, columns, tailBytes }
      const head = { columns, start: 0 }
      return { file, table, head, parquet, [Symbol.asyncDispose]: close }
    }
    const head = await readTextHead(file, input)
    if (typeof head === 'string') throw unreadable(input, planned, head)
    const table = { ...planned, columns: head.columns, tailBytes: 0 }
    return { file, table, head, [Symbol.asyncDispose]: close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** The file in which an earlier plan stopped, if it is still the same. */
const sameFile = async (listing: TableListing, file: PlannedFile): Promise<PlannedFile> => {
  const facts = await Promise.resolve(listing.look(join(listing.input.root, file.name))).catch(
    () => undefined,
  )
  if (facts?.size === file.bytes && Math.trunc(facts.mtimeMs) === file.modifiedMs) return file
  throw unreadable(
    listing.input,
    file,
    'was changed while the job was planned: submit the job again.',
  )
}

/** `words` is the second half of the sentence. */
export const unreadable = (input: TableInput, file: PlannedFile, words: string): MusterFailure =>
  new MusterFailure(
    musterError('InputUnreadable', `"${shorten(file.name)}" of input "${input.name}" ${words}`),
  )

/** What went wrong with one file, by its name. */
export const toFailure = (
  { input, signal }: TableListing,
  file: PlannedFile,
  thrown: unknown,
): unknown => {
  if (thrown instanceof MusterFailure || signal?.aborted === true) return thrown
  switch (systemCode(thrown)) {
    case 'EACCES':
    case 'EPERM':
      return unreadable(input, file, 'cannot be read by this user: check its permissions.')
    case 'ENOENT':
      return unreadable(input, file, 'vanished while the job was planned: submit the job again.')
    case '':
      return unreadable(
        input,
        file,
        thrown instanceof Error && thrown.message === endedEarly
          ? endedEarly
          : `could not be read (${thrownToText(thrown)}).`,
      )
    default:
      return unreadable(input, file, `could not be read (${systemCode(thrown)}): check its disk.`)
  }
}
