import type { ItemReader, PlanReader } from '#agent/ports/data.ts'
import type { RunItem } from '#agent/ports/runtime.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { ItemIndex, JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedItem } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type {
  InputAnswer,
  InputPart,
  InputRequest,
  SameUserProof,
} from '#protocol/wire/input/protocol.ts'
import { inputAt } from './in-place.ts'
import type { InPlace } from './in-place.ts'

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
  /** Items whose bytes this agent received over the network, since it started. */
  readonly itemsStreamed: () => number
}

export interface InputExchangeDeps {
  readonly transport: Transport
  readonly plan: PlanReader
  readonly items: ItemReader
  readonly inPlace: InPlace
  /** False: this agent never opens items where they lie, not even its own. */
  readonly mayReadInPlace: () => boolean
  /** A job from the ledger. */
  readonly jobById: (job: JobId) => Promise<Job | undefined>
}

export const createInputExchange = (deps: InputExchangeDeps): InputExchange => {
  const { transport, plan, items, inPlace } = deps
  let streamed = 0

  transport.serve(inputProtocol, async function* (_peer, request) {
    const job = await deps.jobById(request.job)
    if (job === undefined || job.dataPeer !== transport.self)
      throw new MusterFailure(inputMissing(request.job, 'this agent does not hold its data'))
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

  return {
    fetch: (job, first, count, signal) =>
      job.dataPeer === transport.self
        ? readHere(deps, job, first, count)
        : counted(fetchRemote(deps, { job, first, count, signal })),
    itemsStreamed: () => streamed,
  }
}

interface Wanted {
  readonly job: Job
  readonly first: ItemIndex
  readonly count: number
  readonly signal: AbortSignal
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

/** Items of a plan that is here: as paths if the job allows it, else as bytes. */
const readHere = async (
  { plan, items, mayReadInPlace }: InputExchangeDeps,
  job: Job,
  first: ItemIndex,
  count: number,
): Promise<Result<readonly RunItem[], MusterError>> => {
  const planned = await plan.items(job.id, first, count)
  if (!planned.ok) return planned
  const found = planned.value.map(async (item, i): Promise<RunItem> => {
    const { root } = inputAt(job, item.input)
    const entry = { item: first + i, name: item.name }
    const isAllowed = job.spec.inPlace && mayReadInPlace()
    const path = isAllowed ? await items.inPlacePath(root, item) : undefined
    if (path !== undefined) return { ...entry, path }
    const content = await items.read(root, item)
    return content.ok ? { ...entry, bytes: content.bytes } : { ...entry, problem: content.problem }
  })
  return ok(await Promise.all(found))
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
  { transport }: InputExchangeDeps,
  { job, first, count, signal }: Wanted,
  want: InputRequest['want'],
): Promise<Result<Asked, MusterError>> => {
  const request: InputRequest = { job: job.id, firstItem: first, items: count, want }
  const gathered = new Map<ItemIndex, InputPart[]>()
  let sameUser: SameUserProof | undefined
  try {
    for await (const answer of transport.request(job.dataPeer, inputProtocol, request, signal)) {
      for (const part of answer.parts) gather(gathered, part)
      sameUser ??= answer.sameUser
    }
    return ok({ gathered, sameUser })
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    return err(inputMissing(job.id, thrownToText(thrown)))
  }
}

interface Asked {
  readonly gathered: ReadonlyMap<ItemIndex, readonly InputPart[]>
  readonly sameUser: SameUserProof | undefined
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

const inputMissing = (job: JobId, detail: string): MusterError =>
  musterError(
    'PeerUnreachable',
    `The items of job ${job} cannot be had from its data's peer now.`,
    {
      retryable: true,
      detail,
    },
  )
