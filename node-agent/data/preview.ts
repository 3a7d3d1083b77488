import { readFile, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { DataPreview, Preview } from '#agent/ports/data.ts'
import type { RunInput, RunTable } from '#agent/ports/runtime.ts'
import { parsePartitionFormat } from '#agent/job/cut/partition-format.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { FileInput, JobInput, TableInput } from '#protocol/model/input.ts'
import type { Partition, PartitionValue, PlannedFile, PlannedSlice } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { listFiles, statOf } from './plan/plan-files.ts'
import { cutFile } from './plan/plan-tables.ts'
import { patientAccess } from './readers/file-access.ts'
import { readTable } from './readers/read-table.ts'
import type { TableRecord } from './readers/read-table.ts'

/** Looks at the beginning of an input: what a plan would list first. */
export const createDataPreview = (): DataPreview => ({
  file: async (input, name, mostBytes) => {
    const missing = musterError('InputMissing', `Input "${input.name}" has no file "${name}".`)
    // A name below the folder, as a listing gives it: nothing leads out of it.
    if (isAbsolute(name) || name.split(/[/\\]/).includes('..')) return err(missing)
    try {
      const path = join(input.root, name)
      const facts = await stat(path)
      if (!facts.isFile()) return err(missing)
      if (facts.size > mostBytes) return err(tooLargeToShow(name, mostBytes))
      return ok(await readFile(path))
    } catch {
      return err(missing)
    }
  },
  sample: async (input, keys, most, signal) => {
    try {
      const found =
        input.kind === 'files'
          ? await sampleFiles(input, keys, most, signal)
          : await sampleTable(input, keys, most, signal)
      return found === undefined ? err(empty(input)) : ok(found)
    } catch (thrown) {
      return err(toError(input, thrown))
    }
  },
  first: async (input, most, signal) => {
    try {
      const found = await firstFiles(input, most, signal)
      return ok(input.kind === 'files' ? found : await withRows(input, found, most, signal))
    } catch (thrown) {
      return err(toError(input, thrown))
    }
  },
})

const toError = (input: JobInput, thrown: unknown): MusterError => {
  if (thrown instanceof MusterFailure) return thrown.error
  const message = `Input "${input.name}" could not be looked at: check its folder, and try again.`
  return musterError('InputMissing', message, { detail: thrownToText(thrown) })
}

const tooLargeToShow = (name: string, mostBytes: number): MusterError =>
  musterError('ItemTooLarge', `"${name}" has more than the ${mostBytes} bytes that are shown.`)

const empty = (input: JobInput): MusterError =>
  musterError(
    'InputEmpty',
    `Input "${input.name}" has nothing to try in ${input.root}: correct its path or pattern.`,
  )

/** The first files; with keys those that share their partition with the first of all. */
const sampleFiles = async (
  input: FileInput,
  keys: readonly string[],
  most: number,
  signal: AbortSignal,
): Promise<RunInput | undefined> => {
  const { files } = await firstFiles(input, keys.length === 0 ? most : limits.previewItems, signal)
  const partitions = files.map(({ name }) => partitionOf(input, keys, name))
  const first = JSON.stringify(partitions[0])
  const same = files.filter((_, i) => JSON.stringify(partitions[i]) === first).slice(0, most)
  if (same.length === 0) return undefined
  const items = same.map((file, item) => ({
    item,
    name: file.name,
    path: join(input.root, file.name),
    // A script that opens files by itself is told what the plan knows of them.
    ...(input.mode === 'direct' ? { planned: file } : {}),
  }))
  return {
    items,
    input: input.name,
    ...(keys.length === 0 ? {} : { partition: partitions[0] ?? {} }),
  }
}

const partitionOf = (
  { partitionFormat }: FileInput,
  keys: readonly string[],
  name: string,
): Partition => {
  const format = partitionFormat === undefined ? '' : parsePartitionFormat(partitionFormat)
  if (typeof format === 'string') return {}
  const values = format.match(name) ?? []
  return Object.fromEntries(keys.map((key) => [key, values[format.fields.indexOf(key)] ?? null]))
}

/** The first records of the first slice; with keys those that share their values with the first of all. */
const sampleTable = async (
  input: TableInput,
  keys: readonly string[],
  most: number,
  signal: AbortSignal,
): Promise<RunInput | undefined> => {
  const listing = { input, number: 0, look: statOf, access: patientAccess, signal }
  for await (const file of listFiles(listing)) {
    for await (const slice of cutFile(listing, file, limits.previewBytes)) {
      if (slice.length > limits.previewMostBytes) throw tooLarge(input, slice)
      const table = tableOf(input, slice, keys.length === 0 ? most : limits.previewItems)
      if (keys.length === 0) return { items: [], input: input.name, table }
      const { records } = await readTable(table)
      const valuesOf = (record: TableRecord): Partition =>
        Object.fromEntries(keys.map((key) => [key, plain(record.values?.[key])]))
      const whole = records.filter(({ values }) => values !== undefined)
      const [first] = whole
      if (first === undefined) continue
      const partition = valuesOf(first)
      const wanted = JSON.stringify(partition)
      const same = whole.filter((record) => JSON.stringify(valuesOf(record)) === wanted)
      const slices = same.slice(0, most).map(({ item }, i) => ({
        source: 0,
        firstRecord: slice.firstRecord + item,
        firstItem: i,
        records: 1,
        skip: item,
      }))
      return { items: [], input: input.name, partition, table: { ...table, slices } }
    }
  }
  return undefined
}

const plain = (value: unknown): PartitionValue =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : null

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
        modifiedMs: slice.file.modifiedMs,
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
