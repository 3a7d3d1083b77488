import { statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { KnownData } from '#agent/ports/job-file.ts'
import { parsePartitionFormat } from '#agent/job/cut/partition-format.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { FileInput, JobInput, TableFormat, TableInput } from '#protocol/model/input.ts'
import type { JobSpecBase, MiniBatchSize } from '#protocol/model/job.ts'
import { err, ok } from '#protocol/model/result.ts'
import { allowedBytes, allowedItems, tableFormat } from '#protocol/spec/inputs.ts'
import type { InputFields, PlaceFields } from '#protocol/spec/inputs.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { parseSize } from '#protocol/spec/units.ts'
import { wrongValue } from './job-file-errors.ts'
import { belowPlace } from '#protocol/model/registry.ts'
import { meantBy } from './job-file-data.ts'
import type { Meant } from './job-file-data.ts'
import { fault } from './job-file-part.ts'
import type { Part, ResolvePath } from './job-file-part.ts'
import type { FieldPath } from './job-file-text.ts'

/** What a job file says about its data, and how it is split. */
export type DataPart = Pick<JobSpecBase, 'inputs' | 'miniBatchSize' | 'partitionKeys'> & {
  readonly sideInputs: readonly JobInput[]
  /** The machine that holds the inputs, if it is another one. */
  readonly dataPeer?: PeerId
}

/** What paths and names in a job file are looked up with. */
export interface DataContext {
  readonly resolvePath: ResolvePath
  readonly known: KnownData | undefined
  /** Whether the job has an entry script, and whether files may be opened where they lie. */
  readonly isScript: boolean
  readonly inPlace: boolean
}

export const dataOf = (fields: JobFileFields, context: DataContext): Part<DataPart> => {
  const found = inputsOf('inputs', fields.inputs, context)
  if (!found.ok) return found
  const dataPeer = onePeer(found.value, context.known)
  if (!dataPeer.ok) return dataPeer
  const inputs = ok(found.value.map(({ input }) => input))
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
  const mixed = inputs.value.find(
    (input) => (input.mode === 'direct') !== (first.mode === 'direct'),
  )
  if (mixed !== undefined)
    return fault(
      ['inputs', mixed.name],
      `"inputs.${mixed.name}" and "inputs.${first.name}" differ in mode: either all inputs of a job are direct, or none`,
    )
  const side = inputsOf('side_inputs', fields.side_inputs ?? {}, context)
  if (!side.ok) return side
  const away = side.value.find(({ peer }) => peer !== undefined)
  if (away?.peer !== undefined)
    return fault(
      ['side_inputs', away.input.name],
      `"side_inputs.${away.input.name}" lies on ${context.known?.nameOf(away.peer) ?? away.peer}, but side inputs are taken from this machine or a share`,
    )
  if (side.value.length > 0 && fields.entry_script === undefined)
    return fault(['side_inputs'], '"side_inputs" are for scripts, but there is no "entry_script"')
  const miniBatchSize = sizeOf(fields.mini_batch_size, first.kind)
  if (!miniBatchSize.ok) return miniBatchSize
  const partitionKeys = keysOf(fields.partition_keys ?? [], inputs.value)
  if (!partitionKeys.ok) return partitionKeys
  return ok({
    inputs: inputs.value,
    sideInputs: side.value.map(({ input }) => input),
    ...(dataPeer.value === undefined ? {} : { dataPeer: dataPeer.value }),
    miniBatchSize: miniBatchSize.value,
    partitionKeys: partitionKeys.value,
  })
}

/** An input, and the machine that holds it if that is another one. */
interface FoundInput {
  readonly input: JobInput
  readonly peer?: PeerId
}

/** One machine lists all inputs of a job; a share can be listed here only. */
const onePeer = (
  found: readonly FoundInput[],
  known: KnownData | undefined,
): Part<PeerId | undefined> => {
  const peer = found.find((one) => one.peer !== undefined)?.peer
  const other = found.find((one) => one.peer !== peer)
  if (other === undefined || peer === undefined) return ok(peer)
  const name = (of: PeerId | undefined): string =>
    of === undefined ? 'this machine' : (known?.nameOf(of) ?? of)
  return fault(
    ['inputs', other.input.name],
    `"inputs.${other.input.name}" lies on ${name(other.peer)}, but another input on ${name(peer)}: the inputs of one job lie on one machine`,
  )
}

const kindWords = { files: 'a folder of files', table: 'a table' } as const

const inputsOf = (
  field: 'inputs' | 'side_inputs',
  given: Readonly<Record<string, InputFields>>,
  context: DataContext,
): Part<readonly FoundInput[]> => {
  const found: FoundInput[] = []
  for (const [name, input] of Object.entries(given)) {
    const path = [field, name]
    if (found.length === limits.inputs)
      return fault(path, `"${field}" has more than ${limits.inputs} entries: put files together`)
    const one = inputOf({ name, path, isText: typeof input === 'string' }, asMap(input), context)
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

const inputOf = (spot: Spot, written: PlaceFields, context: DataContext): Part<FoundInput> => {
  const refusal = contradictionOf(spot, written)
  if (refusal !== undefined) return refusal
  const meant = meantBy(written, spot.path, context.known)
  if (!meant.ok) return meant
  const { given, place: named } = meant.value
  const place = placeOf(spot, meant.value, context)
  if (!place.ok) return place
  const mode = modeOf(spot, given, context)
  if (!mode.ok) return mode
  const whole = { ...place.value, ...mode.value }
  const input = isTable(given) ? tableOf(spot, given, whole) : filesOf(spot, given, whole)
  if (!input.ok) return input
  const isAway = named?.kind === 'folder' && named.peer !== context.known?.self
  return ok({ input: input.value, ...(isAway ? { peer: named.peer } : {}) })
}

/** How its items come to a machine; left out where that is the usual way. */
const modeOf = (
  { path }: Spot,
  given: PlaceFields,
  { isScript, inPlace }: DataContext,
): Part<Pick<JobInput, 'mode'>> => {
  const { mode } = given
  const where = path.join('.')
  const refused = (words: string): Part<never> =>
    fault([...path, 'mode'], `"${where}.mode" is ${mode}, but ${words}`)
  // Side inputs are whole on every machine in any case.
  const isSide = path[0] === 'side_inputs'
  if (mode === 'direct') {
    if (isSide) return refused('side inputs are copied to every machine: leave it out')
    if (!isScript)
      return refused(
        'without "entry_script" nothing opens files by itself: leave it out, or use download',
      )
    if (isTable(given))
      return refused('the records of tables are read by Muster: leave it out, or use download')
    if (!inPlace) return refused('"in_place" is false: files can be opened only where they lie')
  }
  return ok(isSide || mode === undefined || mode === 'mount' ? {} : { mode })
}

const filesOf = (spot: Spot, given: PlaceFields, place: Place): Part<FileInput> => {
  const { partition_format: format } = given
  const files: FileInput = { ...place, kind: 'files' }
  if (format === undefined) return ok(files)
  const problem = parsePartitionFormat(format)
  if (typeof problem !== 'string') return ok({ ...files, partitionFormat: format })
  return fault(
    [...spot.path, 'partition_format'],
    `"${spot.path.join('.')}.partition_format" is ${JSON.stringify(format)}, but ${problem}`,
  )
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

type Place = Pick<JobInput, 'name' | 'root' | 'patterns' | 'share' | 'mode'>

const placeOf = (
  spot: Spot,
  { given, place }: Meant,
  { resolvePath, known }: DataContext,
): Part<Place> => {
  const { name } = spot
  const at = spot.isText ? spot.path : [...spot.path, 'path']
  const asked = given.patterns ?? (given.pattern === undefined ? undefined : [given.pattern])
  const patterns = asked ?? [jobDefaults.pattern]
  if (place?.kind === 'share')
    return ok({ name, root: '', patterns, share: { name: place.share, path: place.path } })
  if (given.share !== undefined) {
    const path = belowPlace(given.path)
    if (path !== undefined)
      return ok({ name, root: '', patterns, share: { name: given.share, path } })
    const words = `"${given.path}" must be a path below the share "${given.share}", such as "2026/july" or "."`
    return fault(at, words)
  }
  const root = place === undefined ? resolvePath(given.path, at) : ok(place.path)
  if (!root.ok) return root
  const isHere = place === undefined || place.peer === known?.self
  if (asked === undefined && isTable(given) && isHere && isFile(root.value))
    return ok({ name, root: dirname(root.value), patterns: [literally(basename(root.value))] })
  return ok({ name, root: root.value, patterns })
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** A pattern that fits just this name. */
const literally = (name: string): string => name.replaceAll(/[[\]*?{}()!+@]/g, '[$&]')

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
  [...patterns.filter((pattern) => !pattern.startsWith('!')), path ?? '']
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
