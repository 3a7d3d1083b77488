import { parsePartitionFormat } from '#agent/job/cut/partition-format.ts'
import type { FoundRecords } from '#agent/job/cut/records.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { FileInput, TableInput } from '#protocol/model/input.ts'
import type {
  Partition,
  PartitionValue,
  PlannedItem,
  PlannedSlice,
  PlannedTable,
} from '#protocol/model/plan.ts'
import { shorten } from '#protocol/model/planned-file.ts'
import type { CutMiniBatch } from './plan-chunks.ts'
import { listFiles } from './plan-files.ts'
import type { Listing } from './plan-files.ts'
import { openTable, toFailure, unreadable } from './plan-tables.ts'
import type { OpenTable, TableListing } from './plan-tables.ts'
import { fileBuffer, plainValue, readParquetRows } from '../readers/parquet.ts'
import { readKeys } from '../readers/text-keys.ts'
import { endedEarly, scanFile } from '../readers/text-cut.ts'
import { createSliceStore } from './slice-store.ts'
import type { SliceStore, StoredRecord } from './slice-store.ts'

/**
 * Mini-batches by partition keys, in the order in which each combination of values is first met. The input
 * is looked through whole before the first comes.
 */
export async function* partitionFiles(
  listing: Listing & { readonly input: FileInput },
  keys: readonly string[],
): AsyncGenerator<CutMiniBatch<PlannedItem>, void, undefined> {
  const { input } = listing
  const format = parsePartitionFormat(input.partitionFormat ?? '')
  if (typeof format === 'string') throw new Error(`a partition format was let through: ${format}`)
  const groups = createGroups(input.name, keys)
  const items: PlannedItem[][] = []
  for await (const item of listFiles(listing)) {
    const found = format.match(`${input.root.replaceAll('\\', '/')}/${item.name}`)
    if (found === undefined)
      throw refused(
        `"${shorten(item.name)}" of input "${input.name}" does not fit its partition_format "${input.partitionFormat}": correct the format, or leave the file out by pattern.`,
      )
    const group = groups.numberOf(keys.map((key) => found[format.fields.indexOf(key)] ?? null))
    const list = (items[group] ??= [])
    if (list.length === limits.miniBatchItems)
      throw refused(
        `The files of input "${input.name}" with ${wordsOf(groups.partition(group))} are more than the ${limits.miniBatchItems} that a mini-batch may have: add a partition key.`,
      )
    list.push(item)
  }
  for (const [group, entries] of items.entries())
    yield { entries, items: entries.length, partition: groups.partition(group) }
}

/** The same for the records of a table, wherever they stand in its files. */
export async function* partitionTables(
  listing: TableListing,
  keys: readonly string[],
): AsyncGenerator<CutMiniBatch<PlannedSlice>, void, undefined> {
  const groups = createGroups(listing.input.name, keys)
  const store = createSliceStore()
  const files: OpenTable['table'][] = []
  for await (const planned of listFiles(listing)) {
    try {
      await using open = await openTable(listing, planned)
      checkKeys(listing.input, open.table, keys)
      files.push(open.table)
      await addRecords(listing, open, { keys, groups, store, file: files.length - 1 })
    } catch (thrown) {
      throw toFailure(listing, planned, thrown)
    }
  }
  for (let group = 0; group < store.groups(); group += 1) {
    const partition = groups.partition(group)
    checkSize(listing, store, group, partition)
    const entries = store.slicesOf(group, files)
    checkBytes(listing, entries, partition)
    yield { entries, items: store.records(group), partition }
  }
}

/** Each combination of values, and its number. */
interface Groups {
  readonly numberOf: (values: readonly PartitionValue[]) => number
  readonly partition: (group: number) => Partition
}

const createGroups = (input: string, keys: readonly string[]): Groups => {
  const numbers = new Map<string, number>()
  const texts: string[] = []
  return {
    numberOf: (values) => {
      const text = JSON.stringify(values)
      const known = numbers.get(text)
      if (known !== undefined) return known
      if (texts.length === limits.partitions)
        throw refused(
          `Input "${input}" has more than ${limits.partitions} different combinations of ${keys.join(', ')}: use fewer partition keys, or cut by mini_batch_size.`,
        )
      const long = values.find(
        (value) => typeof value === 'string' && value.length > limits.partitionValueLength,
      )
      if (long !== undefined)
        throw refused(
          `Input "${input}" has a partition value of more than ${limits.partitionValueLength} characters: choose other partition keys.`,
        )
      numbers.set(text, texts.length)
      texts.push(text)
      return texts.length - 1
    },
    partition: (group) => {
      const values = JSON.parse(texts[group] ?? '[]') as readonly PartitionValue[]
      return Object.fromEntries(keys.map((key, i) => [key, values[i] ?? null]))
    },
  }
}

interface Filling {
  readonly keys: readonly string[]
  readonly groups: Groups
  readonly store: SliceStore
  /** Number of the file. */
  readonly file: number
}

const addRecords = async (
  listing: TableListing,
  open: OpenTable,
  filling: Filling,
): Promise<void> => {
  const { groups, store } = filling
  const add = (values: readonly PartitionValue[], record: StoredRecord): void => {
    store.add(groups.numberOf(values), record)
    if (store.size() > limits.partitionSlices)
      throw refused(
        `The records of input "${listing.input.name}" are too scattered: more than ${limits.partitionSlices} times a record has other partition values than the one before it. Sort its files by ${filling.keys.join(', ')}.`,
      )
  }
  if (open.parquet !== undefined) return addRows(open, filling, add)
  const { file, table } = open
  const how = listing.input
  const keysOf = readKeys(how, table.columns, filling.keys)
  let record = 0
  for await (const found of scanFile(file, { table, how }, open.head.start)) {
    listing.signal?.throwIfAborted()
    const bytesOf = await recordBytes(file, found)
    for (let i = 0; i < found.count; i += 1) {
      const offset = found.starts[i] ?? 0
      const end = found.ends[i] ?? 0
      const bytes = await bytesOf(offset, end)
      const values = bytes === undefined ? filling.keys.map(() => null) : keysOf(bytes)
      add(values, { file: filling.file, record: record + i, offset, end })
    }
    record += found.count
  }
}

/** Records stand close together, so that one read has them all. A very long one is broken and not read. */
const recordBytes = async (
  file: OpenTable['file'],
  found: FoundRecords,
): Promise<
  (start: number, end: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>
> => {
  const from = found.starts[0] ?? 0
  const to = found.count === 0 ? from : (found.ends[found.count - 1] ?? from)
  if (to - from > limits.tableRecordBytes)
    return (start, end) =>
      end - start > limits.tableRecordBytes ? undefined : file.exactly(start, end - start)
  const bytes = await file.exactly(from, to - from)
  if (bytes === undefined) throw new Error(endedEarly)
  return (start, end) => bytes.subarray(start - from, end - from)
}

/** Rows of Parquet: only the columns of the keys are read, one row group after the other. */
const addRows = async (
  { file, table, parquet }: OpenTable,
  { keys, file: number }: Filling,
  add: (values: readonly PartitionValue[], record: StoredRecord) => void,
): Promise<void> => {
  if (parquet === undefined) return
  const buffer = fileBuffer(file, table.bytes)
  for (const { firstRow, rows, offset, length } of parquet.groups) {
    const wanted = { first: firstRow, end: firstRow + rows, columns: keys }
    const found = await readParquetRows(buffer, parquet.metadata, wanted)
    for (const [i, row] of found.entries())
      add(
        keys.map((key) => partitionValue(plainValue(row[key]))),
        { file: number, record: firstRow + i, offset, end: offset + length },
      )
  }
}

/** What is no single value is told by its JSON. */
export const partitionValue = (value: unknown): PartitionValue => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    default:
      return value === null || value === undefined ? null : JSON.stringify(value)
  }
}

/** @throws MusterFailure if a key is no column of the file */
export const checkKeys = (
  input: TableInput,
  table: PlannedTable,
  keys: readonly string[],
): void => {
  // Records of JSON Lines name their own columns.
  if (input.format === 'json-lines' || table.columns.length === 0) return
  const missing = keys.find((key) => !table.columns.includes(key))
  if (missing === undefined) return
  const known = table.columns.slice(0, 20).join(', ')
  throw unreadable(
    input,
    table,
    `has no column "${missing}", which is a partition key; its columns are ${known}.`,
  )
}

const checkSize = (
  { input }: TableListing,
  store: SliceStore,
  group: number,
  partition: Partition,
): void => {
  const who = `The records of input "${input.name}" with ${wordsOf(partition)}`
  if (store.records(group) > limits.tableBatchRecords)
    throw refused(
      `${who} are more than the ${limits.tableBatchRecords} that a mini-batch may have: add a partition key.`,
    )
  if (store.slices(group) > limits.slicesPerMiniBatch)
    throw refused(
      `${who} stand in more than ${limits.slicesPerMiniBatch} different places: sort the files by ${Object.keys(partition).join(', ')}.`,
    )
}

const checkBytes = (
  { input }: TableListing,
  slices: readonly PlannedSlice[],
  partition: Partition,
): void => {
  // Slices of one row group share its bytes.
  const spans = new Map(slices.map((one) => [`${one.file.name}@${one.offset}+${one.length}`, one]))
  const bytes = [...spans.values()].reduce((sum, one) => sum + one.length + one.file.tailBytes, 0)
  if (bytes > limits.tableBatchBytes)
    throw refused(
      `The records of input "${input.name}" with ${wordsOf(partition)} take up ${bytes} bytes, more than the ${limits.tableBatchBytes} that a mini-batch may have: add a partition key.`,
    )
}

const wordsOf = (partition: Partition): string =>
  Object.entries(partition)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(', ')

const refused = (message: string): MusterFailure =>
  new MusterFailure(musterError('InputUnreadable', message))
