import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parsePartitionFormat } from '#agent/job/cut/partition-format.ts'
import { limits } from '#protocol/limits.ts'
import type {
  FileInput,
  JobInput,
  JobSpecBase,
  MiniBatchSize,
  TableFormat,
  TableInput,
} from '#protocol/model/job.ts'
import { err, ok } from '#protocol/model/result.ts'
import { allowedBytes, allowedItems, tableFormat } from '#protocol/spec/inputs.ts'
import type { InputFields, PlaceFields } from '#protocol/spec/inputs.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { parseSize } from '#protocol/spec/units.ts'
import { wrongValue } from './job-file-errors.ts'
import { fault } from './job-file-part.ts'
import type { Part, ResolvePath } from './job-file-part.ts'
import type { FieldPath } from './job-file-text.ts'

/** What a job file says about its data, and how it is split. */
export type DataPart = Pick<JobSpecBase, 'inputs' | 'miniBatchSize' | 'partitionKeys'> & {
  readonly sideInputs: readonly JobInput[]
}

export const dataOf = (fields: JobFileFields, resolvePath: ResolvePath): Part<DataPart> => {
  const inputs = inputsOf('inputs', fields.inputs, resolvePath)
  if (!inputs.ok) return inputs
  const [first] = inputs.value
  if (first === undefined)
    return fault(['inputs'], '"inputs" is empty: name an input and give its path')
  const other = inputs.value.find((input) => input.kind !== first.kind)
  if (other !== undefined)
    return fault(
      ['inputs', other.name],
      `"inputs.${other.name}" is ${kindWords[other.kind]}, but "inputs.${first.name}" is ${kindWords[first.kind]}: ` +
        'the inputs of one job are of one kind; name those that are not split under side_inputs',
    )
  const sideInputs = inputsOf('side_inputs', fields.side_inputs ?? {}, resolvePath)
  if (!sideInputs.ok) return sideInputs
  const miniBatchSize = sizeOf(fields.mini_batch_size, first.kind)
  if (!miniBatchSize.ok) return miniBatchSize
  const partitionKeys = keysOf(fields.partition_keys ?? [], inputs.value)
  if (!partitionKeys.ok) return partitionKeys
  return ok({
    inputs: inputs.value,
    sideInputs: sideInputs.value,
    miniBatchSize: miniBatchSize.value,
    partitionKeys: partitionKeys.value,
  })
}

const kindWords = { files: 'a folder of files', table: 'a table' } as const

const inputsOf = (
  field: 'inputs' | 'side_inputs',
  given: Readonly<Record<string, InputFields>>,
  resolvePath: ResolvePath,
): Part<readonly JobInput[]> => {
  const found: JobInput[] = []
  for (const [name, input] of Object.entries(given)) {
    const path = [field, name]
    if (found.length === limits.inputs)
      return fault(path, `"${field}" has more than ${limits.inputs} entries: put files together`)
    const one = inputOf(
      { name, path, isText: typeof input === 'string' },
      asMap(input),
      resolvePath,
    )
    if (!one.ok) return one
    found.push(one.value)
  }
  return ok(found)
}

const asMap = (given: InputFields): PlaceFields =>
  typeof given === 'string' ? { path: given } : given

/** Where an input stands in the job file. */
interface Spot {
  readonly name: string
  readonly path: readonly string[]
  /** Just a path was written, no map. */
  readonly isText: boolean
}

const inputOf = (spot: Spot, given: PlaceFields, resolvePath: ResolvePath): Part<JobInput> => {
  const refusal = contradictionOf(spot, given)
  if (refusal !== undefined) return refusal
  const place = placeOf(spot, given, resolvePath)
  if (!place.ok) return place
  if (!isTable(given)) {
    const { partition_format: format } = given
    const problem = format === undefined ? undefined : parsePartitionFormat(format)
    if (typeof problem === 'string')
      return fault(
        [...spot.path, 'partition_format'],
        `"${spot.path.join('.')}.partition_format" is ${JSON.stringify(format)}, but ${problem}`,
      )
    const files: FileInput = { ...place.value, kind: 'files' }
    return ok(format === undefined ? files : { ...files, partitionFormat: format })
  }
  return tableOf(spot, given, place.value)
}

const isTable = ({ type, format }: PlaceFields): boolean =>
  type === 'table' || (type === undefined && format !== undefined)

/** Fields that cannot stand together. */
const contradictionOf = ({ path }: Spot, given: PlaceFields): Part<never> | undefined => {
  const where = path.join('.')
  if (given.pattern !== undefined && given.patterns !== undefined)
    return fault(
      [...path, 'patterns'],
      `"${where}" has both pattern and patterns: give only one of the two`,
    )
  for (const field of ['format', 'delimiter', 'header'] as const)
    if (given[field] !== undefined && !isTable(given))
      return fault(
        [...path, field],
        `"${where}.${field}" is for tables: add type: table, or leave it out`,
      )
  if (given.partition_format !== undefined && isTable(given))
    return fault(
      [...path, 'partition_format'],
      `"${where}.partition_format" is for files: partition_keys of tables name columns`,
    )
  return undefined
}

type Place = Pick<JobInput, 'name' | 'root' | 'patterns' | 'share'>

const placeOf = (spot: Spot, given: PlaceFields, resolvePath: ResolvePath): Part<Place> => {
  const { name } = spot
  const at = spot.isText ? spot.path : [...spot.path, 'path']
  const asked = given.patterns ?? (given.pattern === undefined ? undefined : [given.pattern])
  const patterns = asked ?? [jobDefaults.pattern]
  if (given.share !== undefined) {
    const path = belowShare(given.path)
    if (path !== undefined)
      return ok({ name, root: '', patterns, share: { name: given.share, path } })
    const words = `"${given.path}" must be a path below the share "${given.share}", such as "2026/july" or "."`
    return fault(at, words)
  }
  const root = resolvePath(given.path, at)
  if (!root.ok) return root
  if (asked === undefined && isTable(given) && isFile(root.value))
    return ok({ name, root: dirname(root.value), patterns: [literally(basename(root.value))] })
  return ok({ name, root: root.value, patterns })
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** A pattern that fits just this name. */
const literally = (name: string): string => name.replaceAll(/[[\]*?{}()!+@]/g, '[$&]')

/** The path without `.` and doubled slashes; undefined if it leads out, or is one of a single system. */
const belowShare = (path: string): string | undefined => {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const isForeign = /^[/~]|\\|^[A-Za-z]:|\0/.test(path) || parts.includes('..')
  return isForeign ? undefined : parts.join('/')
}

const tableOf = ({ path }: Spot, given: PlaceFields, place: Place): Part<TableInput> => {
  const where = path.join('.')
  const ending = endingOf(given, place)
  const format = given.format === undefined ? formatOf(ending) : tableFormat(given.format)
  if (format === undefined)
    return fault(
      path,
      `"${where}" is a table whose format its path and pattern do not tell: add format: csv, tsv, jsonl or parquet`,
    )
  for (const field of ['delimiter', 'header'] as const)
    if (given[field] !== undefined && format !== 'delimited')
      return fault(
        [...path, field],
        `"${where}.${field}" is for delimited text, but the format is ${format}: leave it out`,
      )
  const isTabs = given.format === 'tsv' || (given.format === undefined && ending === 'tsv')
  const delimiter = given.delimiter ?? (isTabs ? '\t' : jobDefaults.delimiter)
  return ok({
    ...place,
    kind: 'table',
    format,
    delimiter: delimiter === '\\t' ? '\t' : delimiter,
    header: given.header ?? true,
  })
}

/** Ending of the first pattern that has one, else of the path. */
const endingOf = ({ path }: PlaceFields, { patterns }: Place): string =>
  [...patterns.filter((pattern) => !pattern.startsWith('!')), path]
    .map((text) => /\.([A-Za-z]+)$/.exec(text)?.[1]?.toLowerCase())
    .find((ending) => ending !== undefined) ?? ''

const formatOf = (ending: string): TableFormat | undefined => {
  switch (ending) {
    case 'csv':
    case 'tsv':
    case 'txt':
      return 'delimited'
    case 'jsonl':
    case 'ndjson':
      return 'json-lines'
    case 'parquet':
      return 'parquet'
    default:
      return undefined
  }
}

const sizeOf = (
  given: JobFileFields['mini_batch_size'],
  kind: JobInput['kind'],
): Part<MiniBatchSize> => {
  const path: FieldPath = ['mini_batch_size']
  if (given === 'auto') return ok({ kind: 'auto' })
  if (given === undefined)
    return ok(
      kind === 'files'
        ? { kind: 'items', items: jobDefaults.miniBatchItems }
        : { kind: 'bytes', bytes: jobDefaults.miniBatchBytes },
    )
  const size = parseSize(String(given))
  if (kind === 'table')
    return size === undefined || size.bytes < 1 || size.bytes > limits.tableBatchBytes
      ? err(wrongValue(path, given, allowedBytes))
      : ok({ kind: 'bytes', bytes: size.bytes })
  if (size?.hasUnit === true)
    return fault(
      path,
      `"mini_batch_size" is the byte size "${given}", but files are counted: give ${allowedItems}`,
    )
  return size === undefined || size.bytes < 1 || size.bytes > limits.miniBatchItems
    ? err(wrongValue(path, given, allowedItems))
    : ok({ kind: 'items', items: size.bytes })
}

const keysOf = (keys: readonly string[], inputs: readonly JobInput[]): Part<readonly string[]> => {
  for (const [i, key] of keys.entries()) {
    const path = ['partition_keys', i]
    if (keys.indexOf(key) < i)
      return fault(path, `"partition_keys" names ${JSON.stringify(key)} twice: name it once`)
    for (const input of inputs) {
      if (input.kind === 'table' || fieldsOf(input).includes(key)) continue
      return fault(
        path,
        `"partition_keys" names ${JSON.stringify(key)}, which is no field of "inputs.${input.name}.partition_format"`,
      )
    }
  }
  return ok(keys)
}

const fieldsOf = ({ partitionFormat }: FileInput): readonly string[] => {
  const format = partitionFormat === undefined ? '' : parsePartitionFormat(partitionFormat)
  return typeof format === 'string' ? [] : format.fields
}
