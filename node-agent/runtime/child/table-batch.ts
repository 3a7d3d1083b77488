import { limits } from '#protocol/limits.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import type { ColumnsInput, ColumnsPreprocess } from '#protocol/model/processing.ts'
import type { ItemFailure } from '#protocol/model/rows.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import type { TableRecord as Found } from '#agent/data/readers/read-table.ts'
import type { RunMessage } from '../messages.ts'
import { recordSentence, toRunTable } from '../table-words.ts'
import type { Batch, Inference } from './inference.ts'
import type { MiniBatchOutcome } from './mini-batch.ts'
import type { RowWriter } from './row-writer.ts'
import { allocate, clearFrom } from './tensor-data.ts'
import type { BatchData } from './tensor-data.ts'

/** One record of a table, or why it cannot be read: one sentence. */
export interface TableRecord {
  readonly item: number
  readonly name: string
  readonly values: Readonly<Record<string, unknown>> | string
}

export interface TableRunnerDeps {
  readonly preprocess: ColumnsPreprocess
  readonly inference: Inference
  readonly rowWriter: RowWriter
}

/** Runs mini-batches of tables. */
export const createTableRunner =
  (deps: TableRunnerDeps) =>
  async ({ table }: RunMessage, body: Uint8Array): Promise<MiniBatchOutcome> => {
    if (table === undefined) return { kind: 'threw', message: 'The mini-batch holds no records.' }
    const contents = Buffer.alloc(table.slices.length * contentHashBytes)
    const { records, columns } = await readTable(toRunTable(table, body), contents)
    const outcome = await runTable(deps, records.map(toRecord), columns)
    return outcome.kind === 'succeeded' ? { ...outcome, contents } : outcome
  }

const toRecord = ({ item, name, values, problem }: Found): TableRecord => ({
  item,
  name,
  values: values ?? recordSentence(name, problem),
})

/** Runs the model on the records of a mini-batch. `columns`: their names as the table has them. */
export const runTable = async (
  deps: TableRunnerDeps,
  records: readonly TableRecord[],
  columns: readonly string[],
): Promise<MiniBatchOutcome> => {
  const { fixedBatch } = deps.inference
  const inputs = deps.preprocess.inputs.map((input) => ({
    ...input,
    columns: input.columns.length === 0 ? columns : input.columns,
  }))
  const work: Work = { items: [], rows: [], failures: [] }
  const widest = Math.max(1, ...inputs.map((input) => input.columns.length))
  const most = fixedBatch ?? Math.max(1, Math.floor(limits.tensorBytes / (8 * widest)))
  for (let first = 0; first < records.length; first += most) {
    const problem = await runPart(deps, inputs, records.slice(first, first + most), work)
    if (problem !== undefined) return { kind: 'threw', message: problem }
  }
  return { kind: 'succeeded', ...work }
}

interface Work {
  readonly items: number[]
  readonly rows: string[]
  readonly failures: ItemFailure[]
}

const runPart = async (
  { inference, rowWriter }: TableRunnerDeps,
  inputs: readonly ColumnsInput[],
  records: readonly TableRecord[],
  work: Work,
): Promise<string | undefined> => {
  const size = inference.fixedBatch ?? records.length
  const batches = inputs.map((input) => openBatch(input, size))
  const taken: TableRecord[] = []
  for (const record of records) {
    const problem = writeRecord(record, inputs, batches, taken.length)
    if (problem === undefined) taken.push(record)
    else work.failures.push({ item: record.item, name: record.name, message: problem })
  }
  if (taken.length === 0) return undefined
  for (const { data, itemShape } of batches) clearFrom(data, taken.length * (itemShape[0] ?? 1))
  const outputs = await inference.run(batches, taken.length)
  if (typeof outputs === 'string') return outputs
  for (const [index, { item, name }] of taken.entries()) {
    const row = rowWriter(name, outputs, index)
    if (typeof row === 'string') {
      work.items.push(item)
      work.rows.push(row)
    } else work.failures.push({ item, name, message: `${name} has no row: ${row.problem}.` })
  }
  return undefined
}

const openBatch = ({ dtype, columns }: ColumnsInput, items: number): Batch => ({
  data:
    dtype === 'string'
      ? Array.from({ length: items * columns.length }, () => '')
      : allocate(dtype, items * columns.length),
  itemShape: [columns.length],
})

/** Writes a record as item `index` of every batch; a sentence if a column does not hold what it must. */
const writeRecord = (
  { name, values }: TableRecord,
  inputs: readonly ColumnsInput[],
  batches: readonly Batch[],
  index: number,
): string | undefined => {
  if (typeof values === 'string') return values
  for (const [at, input] of inputs.entries()) {
    const batch = batches[at]
    if (batch === undefined) continue
    for (const [place, column] of input.columns.entries()) {
      const to = index * input.columns.length + place
      const problem = writeValue(values[column], input, batch.data, [to, place])
      if (problem !== undefined) return `${name} ${problem(column)}.`
    }
  }
  return undefined
}

type Problem = (column: string) => string

const writeValue = (
  value: unknown,
  { dtype, missing, mean, std }: ColumnsInput,
  data: BatchData,
  [to, place]: readonly [number, number],
): Problem | undefined => {
  const isEmpty = value === undefined || value === null || value === ''
  if (Array.isArray(data)) {
    data[to] = isEmpty ? '' : toText(value)
    return undefined
  }
  if (isEmpty && missing === undefined) return (column) => `has nothing in the column "${column}"`
  const number = isEmpty ? (missing ?? 0) : toNumber(value)
  if (number === undefined)
    return (column) => `has ${shortened(value)} in the column "${column}", which is no number`
  const scaled = (number - (mean[place] ?? mean[0] ?? 0)) / (std[place] ?? std[0] ?? 1)
  if (data instanceof BigInt64Array) {
    if (!Number.isSafeInteger(scaled)) return (column) => wrong(value, column, dtype)
    data[to] = BigInt(scaled)
  } else {
    data[to] = scaled
    if (isWhole(data) && data[to] !== scaled) return (column) => wrong(value, column, dtype)
  }
  return undefined
}

const isWhole = (data: BatchData): boolean =>
  data instanceof Int32Array || data instanceof Int8Array || data instanceof Uint8Array

const wrong = (value: unknown, column: string, dtype: string): string =>
  `has ${shortened(value)} in the column "${column}", which does not fit into ${dtype}`

const toText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

/** Numbers as tables write them; yes and no count as 1 and 0. */
const toNumber = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true' ? 1 : 0
  const number = Number(text)
  return text === '' || Number.isNaN(number) ? undefined : number
}

const shortened = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'something'
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}
