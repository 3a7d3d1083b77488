import type { ItemReader } from '#agent/ports/items.ts'
import type { ItemPlace, RunInput, RunItem } from '#agent/ports/runtime.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ItemIndex, JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { aboutItem } from '#protocol/model/planned-file.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type {
  InputAnswer,
  InputLabel,
  InputPart,
  InputRequest,
  SameUserProof,
} from '#protocol/wire/input/protocol.ts'
import { createFooters } from './footers.ts'
import { inputAt } from './in-place.ts'
import { askAll, inputMissing } from './input-asking.ts'
import type { InputExchangeDeps, Wanted } from './input-asking.ts'
import { toLabel } from './table-exchange.ts'
import { fetchTable, serveTable } from './table-fetch.ts'

/** Serves the items of plans that are here and fetches those of others. */
export interface InputExchange {
  /**
   * Items `first` .. `first + count - 1` of a job, ready to be run: as paths where they may be opened in
   * place and the job allows it, else as bytes. An item that cannot be had is a problem in words.
   */
  readonly fetch: (
    job: Job,
    first: ItemIndex,
    count: number,
    signal: AbortSignal,
  ) => Promise<Result<readonly RunItem[], MusterError>>
  /** The same for one mini-batch with all that is to be said of it; the only way for tables. */
  readonly fetchMiniBatch: (
    job: Job,
    first: ItemIndex,
    count: number,
    signal: AbortSignal,
  ) => Promise<Result<RunInput, MusterError>>
  /** Items whose bytes this agent received over the network, since it started. */
  readonly itemsStreamed: () => number
  /** Nothing more of it will be asked for. */
  readonly jobEnded: (job: JobId) => void
}

export const createInputExchange = (deps: InputExchangeDeps): InputExchange => {
  const { transport, plan, items, inPlace } = deps
  const footers = createFooters()
  let streamed = 0

  transport.serve(inputProtocol, async function* (_peer, request) {
    const job = await deps.jobById(request.job)
    if (job === undefined || job.dataPeer !== transport.self)
      throw new MusterFailure(inputMissing(request.job, 'this agent does not hold its data'))
    if (request.want === 'label') {
      const label = await plan.label(request.job, request.firstItem)
      if (!label.ok) throw new MusterFailure(label.error)
      return yield { parts: [], last: true, label: label.value }
    }
    if (request.want === 'listing' || request.want === 'files')
      return yield* deps.downloadLists.serve(job, request)
    if (inputAt(job, 0).kind === 'table') return yield* serveTable(deps, job, request)
    const planned = await plan.items(request.job, request.firstItem, request.items)
    if (!planned.ok) throw new MusterFailure(planned.error)
    const rootOf = ({ input }: PlannedItem): string => inputAt(job, input).root
    if (request.want === 'bytes') yield* framesOf(items, rootOf, request, planned.value)
    else yield* listOf(request, planned.value, await inPlace.offer())
  })

  const counted = async (
    fetching: ReturnType<typeof fetchRemote>,
  ): ReturnType<typeof fetchRemote> => {
    const found = await fetching
    if (found.ok) streamed += found.value.filter((item) => 'bytes' in item).length
    return found
  }

  const fetch: InputExchange['fetch'] = (job, first, count, signal) => {
    // Of a job all inputs are direct, or none.
    if (inputAt(job, 0).mode === 'direct') return openDirect(deps, { job, first, count, signal })
    return job.dataPeer === transport.self
      ? readHere(deps, job, first, count)
      : counted(fetchRemote(deps, { job, first, count, signal }))
  }

  return {
    fetch,
    fetchMiniBatch: async (job, first, count, signal) => {
      const wanted = { job, first, count, signal }
      if (inputAt(job, 0).kind === 'table') {
        const found = await fetchTable({ ...deps, footers }, wanted)
        if (found.ok && found.value.streamed) streamed += count
        return found.ok ? ok(found.value.input) : found
      }
      const label = await labelOf(deps, wanted)
      if (!label.ok) return label
      const items = await fetch(job, first, count, signal)
      return items.ok ? ok({ items: items.value, ...toLabel(job, label.value) }) : items
    },
    itemsStreamed: () => streamed,
    jobEnded: footers.jobEnded,
  }
}

const labelOf = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
): Promise<Result<InputLabel, MusterError>> => {
  const { job, first } = wanted
  if (job.dataPeer === deps.transport.self) return deps.plan.label(job.id, first)
  const asked = await ask(deps, { ...wanted, count: 1 }, 'label')
  if (!asked.ok) return asked
  const { label } = asked.value
  return label === undefined ? err(inputMissing(job.id, 'it came without its label')) : ok(label)
}

/** What may be opened in place as paths; the rest is streamed, in as few requests as its gaps allow. */
const fetchRemote = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
): Promise<Result<readonly RunItem[], MusterError>> => {
  const { job, first, count } = wanted
  if (!deps.inPlace.mayTry(job)) return stream(deps, wanted)
  const asked = await ask(deps, wanted, 'paths')
  if (!asked.ok) return asked
  const planned = partsToPlan(wanted, asked.value.gathered)
  if (planned === undefined) return stream(deps, wanted)
  const paths = await deps.inPlace.paths(job, planned, asked.value.sameUser)
  const found: RunItem[] = []
  for (let i = 0; i < count;) {
    const path = paths[i]
    if (path !== undefined) {
      found.push({ item: first + i, name: planned[i]?.name ?? '', path })
      i += 1
      continue
    }
    const next = paths.findIndex((one, at) => at > i && one !== undefined)
    const end = next === -1 ? count : next
    const part = await stream(deps, { ...wanted, first: first + i, count: end - i })
    if (!part.ok) return part
    found.push(...part.value)
    i = end
  }
  return ok(found)
}

const stream = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
): Promise<Result<readonly RunItem[], MusterError>> => {
  const { job, first, count } = wanted
  const asked = await ask(deps, wanted, 'bytes')
  if (!asked.ok) return asked
  const found: RunItem[] = []
  for (let item = first; item < first + count; item += 1) {
    const whole = partsToItem(item, asked.value.gathered.get(item) ?? [])
    if (whole === undefined) return err(inputMissing(job.id, `item ${item} did not arrive whole`))
    found.push(whole)
  }
  return ok(found)
}

/** Items that the script opens by itself: where they lie for this machine, whatever their size. */
const openDirect = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
): Promise<Result<readonly RunItem[], MusterError>> => {
  const { job, first, count } = wanted
  const planned = await plannedItems(deps, wanted)
  if (!planned.ok) return planned
  if (planned.value.length !== count) return err(inputMissing(job.id, 'it came without its items'))
  const folders = deps.directFolders(job.id)
  return ok(
    await Promise.all(
      planned.value.map(async (file, i): Promise<RunItem> => {
        const { name } = file
        const root = folders[inputAt(job, file.input).name]
        const path = root === undefined ? undefined : await deps.items.tablePath(root, file)
        return path === undefined
          ? { item: first + i, name, problem: aboutItem(name, notAsPlanned) }
          : { item: first + i, name, path, planned: file }
      }),
    ),
  )
}

const notAsPlanned = 'is not there as it was when the job was planned: submit the job again.'

const plannedItems = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
): Promise<Result<readonly PlannedItem[], MusterError>> => {
  const { job, first, count } = wanted
  if (job.dataPeer === deps.transport.self) return deps.plan.items(job.id, first, count)
  const asked = await ask(deps, wanted, 'paths')
  if (!asked.ok) return asked
  return ok(partsToPlan(wanted, asked.value.gathered) ?? [])
}

/** Items of a plan that is here: as paths if the job allows it, else as bytes. */
const readHere = async (
  { plan, items, mayReadInPlace }: InputExchangeDeps,
  job: Job,
  first: ItemIndex,
  count: number,
): Promise<Result<readonly RunItem[], MusterError>> => {
  const planned = await plan.items(job.id, first, count)
  if (!planned.ok) return planned
  const isAllowed = job.spec.inPlace && mayReadInPlace()
  const places = isAllowed ? await placesOf(items, job, planned.value) : []
  const found: RunItem[] = []
  const reading: Promise<void>[] = []
  for (const [i, file] of planned.value.entries()) {
    const place = places[i]
    if (place !== undefined) found[i] = { item: first + i, name: file.name, place, planned: file }
    else
      reading.push(
        readOne(items, job, first + i, file).then((item) => {
          found[i] = item
        }),
      )
  }
  await Promise.all(reading)
  return ok(found)
}

/** Input by input, since each has a root of its own; neighbours are of the same one. */
const placesOf = async (
  items: ItemReader,
  job: Job,
  planned: readonly PlannedItem[],
): Promise<readonly (ItemPlace | undefined)[]> => {
  const found: (ItemPlace | undefined)[] = []
  for (let from = 0; from < planned.length;) {
    const input = planned[from]?.input ?? 0
    const other = planned.findIndex((item, at) => at > from && item.input !== input)
    const to = other === -1 ? planned.length : other
    found.push(...(await items.places(inputAt(job, input).root, planned.slice(from, to))))
    from = to
  }
  return found
}

const readOne = async (
  items: ItemReader,
  job: Job,
  item: ItemIndex,
  planned: PlannedItem,
): Promise<RunItem> => {
  const content = await items.read(inputAt(job, planned.input).root, planned)
  const { name } = planned
  return content.ok
    ? { item, name, bytes: content.bytes }
    : { item, name, problem: content.problem }
}

/** Packs small items together and cuts large ones, so that no frame grows past the bulk limit by much. */
async function* framesOf(
  reader: ItemReader,
  rootOf: (item: PlannedItem) => string,
  request: InputRequest,
  planned: readonly PlannedItem[],
): AsyncGenerator<InputAnswer> {
  let parts: InputPart[] = []
  let bytes = 0
  const readAhead = planned.map((item) => item.bytes).reduce((sum, size) => sum + size, 0)
  const whole =
    readAhead <= limits.bulkFrameBytes
      ? await Promise.all(planned.map((item) => reader.read(rootOf(item), item)))
      : undefined
  for (const [i, item] of planned.entries()) {
    const content = whole?.[i] ?? (await reader.read(rootOf(item), item))
    const data = content.ok ? content.bytes : new Uint8Array()
    const base = {
      item: request.firstItem + i,
      name: item.name,
      total: data.length,
      modifiedMs: item.modifiedMs,
      input: item.input,
      problem: content.ok ? '' : content.problem,
    }
    for (let offset = 0; offset === 0 || offset < data.length; offset += limits.bulkFrameBytes) {
      const slice = data.subarray(offset, offset + limits.bulkFrameBytes)
      if (bytes > 0 && bytes + slice.length > limits.bulkFrameBytes) {
        yield { parts, last: false }
        parts = []
        bytes = 0
      }
      parts.push({ ...base, offset, data: slice })
      bytes += slice.length
    }
  }
  yield { parts, last: true }
}

/** Names, sizes and times without bytes, packed by the length of the names. */
function* listOf(
  request: InputRequest,
  planned: readonly PlannedItem[],
  proof: SameUserProof | undefined,
): Generator<InputAnswer> {
  let parts: InputPart[] = []
  let bytes = 0
  let sameUser = proof
  const take = (last: boolean): InputAnswer => {
    const answer = { parts, last, ...(sameUser === undefined ? {} : { sameUser }) }
    parts = []
    bytes = 0
    sameUser = undefined
    return answer
  }
  for (const [i, { name, bytes: total, modifiedMs, input }] of planned.entries()) {
    if (bytes > limits.bulkFrameBytes) yield take(false)
    const data = new Uint8Array()
    const item = request.firstItem + i
    parts.push({ item, name, total, offset: 0, data, modifiedMs, input, problem: '' })
    bytes += name.length * 3 + partBytes
  }
  yield take(true)
}

/** About what a part costs beside its name and data. */
const partBytes = 96

const ask = async (
  deps: InputExchangeDeps,
  wanted: Wanted,
  want: InputRequest['want'],
): Promise<Result<Asked, MusterError>> => {
  const answers = await askAll(deps, wanted, want)
  if (!answers.ok) return answers
  const gathered = new Map<ItemIndex, InputPart[]>()
  for (const { parts } of answers.value) for (const part of parts) gather(gathered, part)
  const sameUser = answers.value.find((answer) => answer.sameUser !== undefined)?.sameUser
  return ok({ gathered, sameUser, label: answers.value[0]?.label })
}

interface Asked {
  readonly gathered: ReadonlyMap<ItemIndex, readonly InputPart[]>
  readonly sameUser: SameUserProof | undefined
  readonly label: InputLabel | undefined
}

/** The items as they were planned; undefined if the answer does not tell all of them. */
const partsToPlan = (
  { first, count }: Wanted,
  gathered: Asked['gathered'],
): readonly PlannedItem[] | undefined => {
  const planned: PlannedItem[] = []
  for (let item = first; item < first + count; item += 1) {
    const part = gathered.get(item)?.[0]
    if (part === undefined || part.problem !== '') return undefined
    const { name, total, modifiedMs, input } = part
    planned.push({ name, bytes: total, modifiedMs, input })
  }
  return planned
}

const gather = (gathered: Map<ItemIndex, InputPart[]>, part: InputPart): void => {
  const parts = gathered.get(part.item)
  if (parts === undefined) gathered.set(part.item, [part])
  else parts.push(part)
}

const partsToItem = (item: ItemIndex, parts: readonly InputPart[]): RunItem | undefined => {
  const first = parts[0]
  if (first === undefined) return undefined
  if (first.problem !== '') return { item, name: first.name, problem: first.problem }
  if (first.total > limits.itemBytes) return undefined
  if (parts.length === 1 && first.data.length === first.total)
    return { item, name: first.name, bytes: first.data }
  const bytes = new Uint8Array(first.total)
  let filled = 0
  for (const part of parts) {
    if (part.offset !== filled || filled + part.data.length > first.total) return undefined
    bytes.set(part.data, filled)
    filled += part.data.length
  }
  return filled === first.total ? { item, name: first.name, bytes } : undefined
}
