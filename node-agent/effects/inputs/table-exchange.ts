import type { ItemReader, Stretch } from '#agent/ports/items.ts'
import type { PlannedPart, PlannedStretch } from '#agent/ports/plan.ts'
import type { RunInput, RunSource } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import type { ItemIndex } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedSlice } from '#protocol/model/plan.ts'
import type { InputAnswer, InputLabel, InputPart } from '#protocol/wire/input/protocol.ts'
import { slicesFromWire, slicesToWire } from '#protocol/wire/plan/slices.ts'
import type { FooterClaim } from './footers.ts'
import { inputAt } from './in-place.ts'

/** How records of tables travel: slices as they were planned, then the different stretches of bytes they name. */

/** The different stretches of bytes that parts name, in the order in which they do. */
interface Sources {
  readonly slices: readonly PlannedSlice[]
  /** For each part the position of its source. */
  readonly of: readonly number[]
}

export const sourcesOf = (parts: readonly PlannedPart[]): Sources => {
  const numbers = new Map<string, number>()
  const slices: PlannedSlice[] = []
  const of = parts.map(({ slice }) => {
    const key = `${slice.offset}+${slice.length} ${slice.file.name}`
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, slices.length)
    return slices.push(slice) - 1
  })
  return { slices, of }
}

/** About what a slice and a part cost in an answer beside names and data. */
const sliceBytes = 64
const partBytes = 112

/** The slices of a stretch and its label, in frames of bounded size. */
export function* describeTable(
  { parts, label }: PlannedStretch,
  first: Pick<InputAnswer, 'sameUser'>,
): Generator<InputAnswer, void, undefined> {
  let taken: PlannedPart[] = []
  let bytes = 0
  let file: unknown
  let extra: Partial<InputAnswer> = { ...first, label }
  const take = (last: boolean): InputAnswer => {
    const answer = {
      parts: [],
      last,
      ...extra,
      table: { slices: slicesToWire(taken.map(asSlice)), skips: taken.map(({ skip }) => skip) },
    }
    taken = []
    bytes = 0
    file = undefined
    extra = {}
    return answer
  }
  for (const part of parts) {
    const { file: table } = part.slice
    const named = table === file ? 0 : 3 * (table.name.length + sizeOfNames(table.columns))
    if (taken.length > 0 && bytes + named > limits.bulkFrameBytes) yield take(false)
    taken.push(part)
    bytes += sliceBytes + named
    file = table
  }
  yield take(true)
}

const sizeOfNames = (names: readonly string[]): number =>
  names.reduce((sum, name) => sum + name.length + 4, 0)

/** A part as a slice that has just its records. */
const asSlice = ({ slice, skip, records }: PlannedPart): PlannedSlice => ({
  ...slice,
  firstRecord: slice.firstRecord + skip,
  records,
})

/** What an answer to `paths` says; undefined if it does not tell of exactly `count` items. */
export const readDescription = (
  answers: readonly InputAnswer[],
  first: ItemIndex,
  count: number,
): PlannedStretch | undefined => {
  const label = answers[0]?.label
  const parts: PlannedPart[] = []
  let item = first
  for (const { table } of answers) {
    if (table === undefined) continue
    for (const [i, slice] of slicesFromWire(table.slices).entries()) {
      const skip = table.skips[i] ?? 0
      const whole = {
        ...slice,
        firstRecord: slice.firstRecord - skip,
        records: slice.records + skip,
      }
      parts.push({ slice: whole, firstItem: item, skip, records: slice.records })
      item += slice.records
    }
  }
  return label === undefined || item !== first + count ? undefined : { parts, label }
}

/** Stretches of bytes that are wanted. */
export interface WantedSources {
  readonly slices: readonly PlannedSlice[]
  /** Numbers of those that shall have their footer behind them; left out: all. */
  readonly footers: ReadonlySet<number> | undefined
}

/** The bytes of all sources in frames of bounded size. */
export async function* streamTable(
  reader: ItemReader,
  job: Job,
  wanted: WantedSources,
): AsyncGenerator<InputAnswer, void, undefined> {
  let taken: InputPart[] = []
  let bytes = 0
  for await (const part of readSources(reader, job, wanted)) {
    if (bytes > 0 && bytes + part.data.length > limits.bulkFrameBytes) {
      yield { parts: taken, last: false }
      taken = []
      bytes = 0
    }
    taken.push(part)
    bytes += part.data.length + partBytes
  }
  yield { parts: taken, last: true }
}

/** Parts of all sources, those of one file in one go. */
export async function* readSources(
  reader: ItemReader,
  job: Job,
  { slices: sources, footers }: WantedSources,
): AsyncGenerator<InputPart, void, undefined> {
  for (let first = 0; first < sources.length;) {
    const source = sources[first]
    if (source === undefined) return
    if (isTooLong(source)) {
      yield { ...emptyPart(source), item: first, total: 0, offset: 0, problem: tooLong }
      first += 1
      continue
    }
    let end = first + 1
    for (let next = sources[end]; next !== undefined; next = sources[end]) {
      if (next.file.name !== source.file.name || isTooLong(next)) break
      end += 1
    }
    yield* readFile(reader, job, { sources: sources.slice(first, end), first, footers })
    first = end
  }
}

/** Only a single record of text can be so long, and nobody would read it. */
export const isTooLong = ({ file, length }: PlannedSlice): boolean =>
  file.tailBytes === 0 && length > limits.tableBatchBytes + limits.tableRecordBytes

/** Second half of a sentence. */
export const tooLong = `has more than ${limits.tableRecordBytes} bytes`

const emptyPart = ({ file: { input, modifiedMs } }: PlannedSlice) => ({
  name: '',
  modifiedMs,
  input,
  problem: '',
  data: new Uint8Array(),
})

interface OneFile {
  /** Of one file. */
  readonly sources: readonly PlannedSlice[]
  /** Number of the first one among all sources. */
  readonly first: number
  readonly footers: WantedSources['footers']
}

async function* readFile(
  reader: ItemReader,
  job: Job,
  { sources, first, footers }: OneFile,
): AsyncGenerator<InputPart, void, undefined> {
  const [source] = sources
  if (source === undefined) return
  const { file } = source
  const hasTail = (at: number): boolean =>
    file.tailBytes > 0 && (footers === undefined || footers.has(first + at))
  // Each source is its bytes and, of Parquet where it is wanted, the footer behind them.
  const stretches: Stretch[] = []
  const owners: number[] = []
  for (const [at, { offset, length }] of sources.entries()) {
    owners.push(at)
    stretches.push({ offset, length })
    if (!hasTail(at)) continue
    owners.push(at)
    stretches.push({ offset: file.bytes - file.tailBytes, length: file.tailBytes })
  }
  const part = emptyPart(source)
  let number = 0
  let filled = 0
  const { root } = inputAt(job, file.input)
  for await (const piece of reader.readStretches(root, file, stretches)) {
    if ('problem' in piece) {
      for (let i = number; i < sources.length; i += 1)
        yield {
          ...part,
          item: first + i,
          total: 0,
          offset: 0,
          problem: piece.problem,
        }
      return
    }
    const at = owners[piece.stretch] ?? 0
    if (at !== number) filled = 0
    number = at
    const total = (sources[at]?.length ?? 0) + (hasTail(at) ? file.tailBytes : 0)
    yield { ...part, item: first + at, total, offset: filled, data: piece.bytes }
    filled += piece.bytes.length
  }
}

export type SourceContent = RunSource['content']

/** Numbers of the sources that shall bring a footer along: for each file whose footer is not here the first one. */
export const footersToAsk = (
  slices: readonly PlannedSlice[],
  claim: Pick<FooterClaim, 'held'>,
): ReadonlySet<number> => {
  const asked = new Map<string, number>()
  for (const [number, slice] of slices.entries()) {
    const { file } = slice
    if (file.tailBytes === 0 || asked.has(file.name) || claim.held(file) !== undefined) continue
    asked.set(file.name, number)
  }
  return new Set(asked.values())
}

/** Puts the parts of each source together; undefined for one that did not arrive whole. */
export const joinSources = (
  slices: readonly PlannedSlice[],
  parts: readonly InputPart[],
  claim: FooterClaim,
): readonly (SourceContent | undefined)[] => {
  const contents = joinParts(slices.length, parts)
  const took = slices.map(({ file, length }, number) => {
    const content = contents[number]
    if (content === undefined || 'problem' in content || file.tailBytes === 0) return content
    const { bytes } = content
    if (bytes.length === length) return content
    if (bytes.length !== length + file.tailBytes) return undefined
    // In memory of its own: it is kept for longer than these rows.
    if (claim.held(file) === undefined) claim.keep(file, Uint8Array.from(bytes.subarray(length)))
    return { bytes: bytes.subarray(0, length) }
  })
  return took.map((content, number) => {
    const file = slices[number]?.file
    if (content === undefined || 'problem' in content || file?.tailBytes === 0) return content
    const footer = file === undefined ? undefined : claim.held(file)
    return footer && { ...content, footer }
  })
}

const joinParts = (
  count: number,
  parts: readonly InputPart[],
): readonly ({ readonly bytes: Uint8Array } | { readonly problem: string } | undefined)[] => {
  const byNumber = Map.groupBy(parts, (part) => part.item)
  let all = 0
  return Array.from({ length: count }, (_, number) => {
    const own = byNumber.get(number) ?? []
    const broken = own.find((part) => part.problem !== '')
    if (broken !== undefined) return { problem: broken.problem }
    const length = own.reduce((sum, part) => sum + part.data.length, 0)
    all += length
    const [first] = own
    if (first === undefined || length !== first.total || all > limits.processBodyBytes)
      return undefined
    if (own.length === 1) return { bytes: first.data }
    const bytes = new Uint8Array(length)
    let filled = 0
    for (const part of own) {
      if (part.offset !== filled) return undefined
      bytes.set(part.data, filled)
      filled += part.data.length
    }
    return { bytes }
  })
}

/** A table mini-batch as a worker process gets it. */
export const toRunInput = (
  job: Job,
  { parts, label }: PlannedStretch,
  contents: readonly SourceContent[],
): RunInput => {
  const input = inputAt(job, label.input)
  if (input.kind !== 'table') throw new Error(`input ${input.name} is no table`)
  const { slices, of } = sourcesOf(parts)
  return {
    ...toLabel(job, label),
    items: [],
    table: {
      format: input.format,
      delimiter: input.delimiter,
      sources: slices.map(({ file, offset }, i) => ({
        name: file.name,
        columns: file.columns,
        offset,
        tailBytes: file.tailBytes,
        content: contents[i] ?? { problem: 'was not fetched' },
      })),
      slices: parts.map(({ slice, firstItem, skip, records }, i) => ({
        source: of[i] ?? 0,
        firstRecord: slice.firstRecord + skip,
        firstItem,
        records,
        // Parquet's rows are found by their number in the file.
        skip: input.format === 'parquet' ? 0 : skip,
      })),
    },
  }
}

export const toLabel = (
  job: Job,
  { input, partition }: InputLabel,
): Pick<RunInput, 'input' | 'partition'> => ({
  input: inputAt(job, input).name,
  ...(partition === undefined ? {} : { partition }),
})
