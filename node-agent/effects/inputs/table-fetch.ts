import type { PlannedStretch } from '#agent/ports/plan.ts'
import type { RunInput } from '#agent/ports/runtime.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedTable } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { InputAnswer, InputPart, InputRequest } from '#protocol/wire/input/protocol.ts'
import type { Footers } from './footers.ts'
import { inputAt } from './in-place.ts'
import { askAll, inputMissing } from './input-asking.ts'
import type { InputExchangeDeps, Wanted } from './input-asking.ts'
import {
  describeTable,
  footersToAsk,
  isTooLong,
  joinSources,
  readDescription,
  readSources,
  sourcesOf,
  streamTable,
  tooLong,
  toRunInput,
} from './table-exchange.ts'
import type { SourceContent } from './table-exchange.ts'

/** Answers a request for records of a table whose data is here. */
export async function* serveTable(
  { plan, items, inPlace }: InputExchangeDeps,
  job: Job,
  { firstItem, items: count, want, footers }: InputRequest,
): AsyncGenerator<InputAnswer> {
  const planned = await plan.slices(job.id, firstItem, count)
  if (!planned.ok) throw new MusterFailure(planned.error)
  if (want === 'bytes') {
    const { slices } = sourcesOf(planned.value.parts)
    return yield* streamTable(items, job, { slices, footers: footers && new Set(footers) })
  }
  const sameUser = await inPlace.offer()
  yield* describeTable(planned.value, sameUser === undefined ? {} : { sameUser })
}

export interface TableFetchDeps extends InputExchangeDeps {
  readonly footers: Footers
}

/** A table mini-batch, and whether its bytes came over the network. */
export interface FetchedTable {
  readonly input: RunInput
  readonly streamed: boolean
}

/** Records of a table: out of their files where these may be opened in place, else as bytes. */
export const fetchTable = async (
  deps: TableFetchDeps,
  wanted: Wanted,
): Promise<Result<FetchedTable, MusterError>> => {
  const { job } = wanted
  const isHere = job.dataPeer === deps.transport.self
  const described = isHere ? await describeHere(deps, wanted) : await describeThere(deps, wanted)
  if (!described.ok) return described
  const { stretch, paths } = described.value
  const { slices } = sourcesOf(stretch.parts)
  const contents = slices.map((slice): SourceContent | undefined => {
    const { file, length } = slice
    const path = paths.get(file.name)
    if (path === undefined) return undefined
    if (isTooLong(slice)) return { problem: tooLong }
    return { path, length, fileBytes: file.bytes, modifiedMs: file.modifiedMs }
  })
  const streamed = contents.includes(undefined)
  if (!streamed) return ok({ input: toRunInput(job, stretch, contents.filter(isThere)), streamed })
  const files = slices.map(({ file }) => file)
  using claim = await deps.footers.claim(job.id, files, wanted.signal)
  const footers = footersToAsk(slices, claim)
  const parts = isHere
    ? ok(await Array.fromAsync(readSources(deps.items, job, { slices, footers })))
    : await askParts(deps, wanted, footers)
  if (!parts.ok) return parts
  const joined = joinSources(slices, parts.value, claim)
  const whole = contents.map((content, i) => content ?? joined[i])
  if (!whole.every(isThere)) return err(inputMissing(job.id, 'a part did not arrive whole'))
  return ok({ input: toRunInput(job, stretch, whole), streamed: !isHere })
}

const isThere = (content: SourceContent | undefined): content is SourceContent =>
  content !== undefined

/** What is planned, and the paths of files that may be opened in place, by name. */
interface Described {
  readonly stretch: PlannedStretch
  readonly paths: ReadonlyMap<string, string>
}

const describeHere = async (
  { plan, items, mayReadInPlace }: InputExchangeDeps,
  { job, first, count }: Wanted,
): Promise<Result<Described, MusterError>> => {
  const planned = await plan.slices(job.id, first, count)
  if (!planned.ok) return planned
  const paths = new Map<string, string>()
  if (job.spec.inPlace && mayReadInPlace())
    for (const file of filesOf(planned.value)) {
      const path = await items.tablePath(inputAt(job, file.input).root, file)
      if (path !== undefined) paths.set(file.name, path)
    }
  return ok({ stretch: planned.value, paths })
}

const describeThere = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
): Promise<Result<Described, MusterError>> => {
  const { job, first, count } = wanted
  const asked = await askAll(deps, wanted, 'paths')
  if (!asked.ok) return asked
  const stretch = readDescription(asked.value, first, count)
  if (stretch === undefined) return err(inputMissing(job.id, 'its slices make no sense'))
  if (!deps.inPlace.mayTry(job)) return ok({ stretch, paths: new Map() })
  const files = filesOf(stretch)
  const found = await deps.inPlace.paths(job, files, asked.value[0]?.sameUser)
  const paths = new Map<string, string>()
  for (const [i, { name }] of files.entries()) {
    const path = found[i]
    if (path !== undefined) paths.set(name, path)
  }
  return ok({ stretch, paths })
}

const filesOf = ({ parts }: PlannedStretch): readonly PlannedTable[] => [
  ...new Map(parts.map(({ slice }) => [slice.file.name, slice.file])).values(),
]

const askParts = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
  footers: ReadonlySet<number>,
): Promise<Result<readonly InputPart[], MusterError>> => {
  const asked = await askAll(deps, wanted, 'bytes', [...footers])
  return asked.ok ? ok(asked.value.flatMap((answer) => answer.parts)) : asked
}
