import { join } from 'node:path'
import type { DataPreview, Preview } from '#agent/ports/data.ts'
import type { RunTable } from '#agent/ports/runtime.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput, TableInput } from '#protocol/model/job.ts'
import type { PlannedFile, PlannedSlice } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { listFiles, statOf } from './plan-files.ts'
import { cutFile } from './plan-tables.ts'
import { patientAccess } from './readers/file-access.ts'
import { readTable } from './readers/read-table.ts'

/** Looks at the beginning of an input: what a plan would list first. */
export const createDataPreview = (): DataPreview => ({
  first: async (input, most, signal) => {
    try {
      const found = await firstFiles(input, most, signal)
      return ok(input.kind === 'files' ? found : await withRows(input, found, most, signal))
    } catch (thrown) {
      if (thrown instanceof MusterFailure) return err(thrown.error)
      const message = `Input "${input.name}" could not be looked at: check its folder, and try again.`
      return err(musterError('InputMissing', message, { detail: thrownToText(thrown) }))
    }
  },
})

const firstFiles = async (input: JobInput, most: number, signal: AbortSignal): Promise<Preview> => {
  const files: PlannedFile[] = []
  for await (const file of listFiles({ input, number: 0, look: statOf, signal })) {
    if (files.length === most) return { kind: 'files', files, more: true }
    files.push(file)
  }
  return { kind: 'files', files, more: false }
}

type PreviewRow = Extract<Preview, { readonly kind: 'table' }>['rows'][number]

/** The first records, from as many files as it takes. */
const withRows = async (
  input: TableInput,
  { files, more }: Preview,
  most: number,
  signal: AbortSignal,
): Promise<Preview> => {
  const listing = { input, number: 0, look: statOf, access: patientAccess, signal }
  const rows: PreviewRow[] = []
  const columns = new Set<string>()
  for (const file of files) {
    for await (const slice of cutFile(listing, file, limits.previewBytes)) {
      if (slice.length > limits.previewMostBytes) throw tooLarge(input, slice)
      const read = await readTable(tableOf(input, slice, most - rows.length))
      for (const column of read.columns) columns.add(column)
      for (const { name, values, problem } of read.records)
        rows.push({ name, value: values ?? null, problem })
      const isLast = slice.records <= read.records.length
      if (rows.length >= most)
        return { kind: 'table', files, columns: [...columns], rows, more: !isLast || more }
    }
  }
  return { kind: 'table', files, columns: [...columns], rows, more }
}

const tableOf = (input: TableInput, slice: PlannedSlice, most: number): RunTable => ({
  format: input.format,
  delimiter: input.delimiter,
  sources: [
    {
      name: slice.file.name,
      columns: slice.file.columns,
      offset: slice.offset,
      tailBytes: slice.file.tailBytes,
      content: {
        path: join(input.root, slice.file.name),
        length: slice.length,
        fileBytes: slice.file.bytes,
      },
    },
  ],
  slices: [
    {
      source: 0,
      firstRecord: slice.firstRecord,
      firstItem: 0,
      records: Math.min(slice.records, most),
      skip: 0,
    },
  ],
})

const tooLarge = (input: TableInput, { file, length }: PlannedSlice): MusterFailure =>
  new MusterFailure(
    musterError(
      'ItemTooLarge',
      `The first rows of "${file.name}" of input "${input.name}" lie in a row group of ${length} bytes, which is too much to look at: at most ${limits.previewMostBytes} are read.`,
    ),
  )
