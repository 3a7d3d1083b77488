import type { RunInput } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { InputExchange } from './input-exchange.ts'

/** Text that names a lease for ever; key of maps. */
export const tokenKey = (token: LeaseToken): string =>
  `${token.term.number}/${token.term.head}/${token.leaseId}`

/** Fetches inputs of leases ahead of their run. Neighbouring mini-batches share one request. */
export interface WorkerInputs extends Disposable {
  readonly fetch: (lease: Lease) => void
  /** Hands out an arrived input, once. */
  readonly take: (token: LeaseToken) => RunInput | undefined
  readonly drop: (token: LeaseToken) => void
}

export interface WorkerInputsDeps {
  readonly inputs: InputExchange
  readonly jobById: (job: JobId) => Job | undefined
  readonly arrived: (token: LeaseToken, bytes: number) => void
  readonly failed: (token: LeaseToken, message: string) => void
}

export const createWorkerInputs = (deps: WorkerInputsDeps): WorkerInputs => {
  const arrived = new Map<string, RunInput>()
  const wanted = new Set<string>()
  const requests = createRequests()
  let asked: Lease[] = []

  const settle = (token: LeaseToken, input: RunInput): void => {
    const key = tokenKey(token)
    if (!wanted.delete(key)) return
    requests.came(key)
    arrived.set(key, input)
    deps.arrived(token, sizeOf(input))
  }

  const fail = (token: LeaseToken, message: string): void => {
    if (wanted.delete(tokenKey(token))) deps.failed(token, message)
  }

  const flush = (): void => {
    const leases = asked.filter((lease) => wanted.has(tokenKey(lease.token)))
    asked = []
    for (const group of neighbours(leases)) {
      const job = group[0] === undefined ? undefined : deps.jobById(group[0].job)
      if (job === undefined) continue
      for (const part of job.spec.loadLimitMs === undefined ? [group] : group.map((one) => [one]))
        request(job, part)
    }
  }

  const request = (job: Job, group: readonly Lease[]): void => {
    const { signal, close } = requests.open(group.map(({ token }) => tokenKey(token)))
    fetchGroup({ inputs: deps.inputs, signal, settle, fail }, job, group)
      .catch((thrown: unknown) => {
        for (const { token } of group) fail(token, String(thrown))
      })
      .finally(close)
  }

  return {
    fetch: (lease) => {
      wanted.add(tokenKey(lease.token))
      asked.push(lease)
      if (asked.length === 1) queueMicrotask(flush)
    },
    take: (token) => {
      const key = tokenKey(token)
      const items = arrived.get(key)
      arrived.delete(key)
      return items
    },
    drop: (token) => {
      wanted.delete(tokenKey(token))
      arrived.delete(tokenKey(token))
      requests.leave(tokenKey(token))
    },
    [Symbol.dispose]: () => {
      requests.stop()
      wanted.clear()
      arrived.clear()
    },
  }
}

/** What is on its way, so that nothing is fetched that nobody waits for any longer. */
const createRequests = () => {
  interface Request {
    readonly aborted: AbortController
    /** Leases that it is for and whose items are not here. */
    readonly keys: Set<string>
  }
  const byLease = new Map<string, Request>()
  return {
    open: (keys: readonly string[]) => {
      const one: Request = { aborted: new AbortController(), keys: new Set(keys) }
      for (const key of keys) byLease.set(key, one)
      const close = (): void => {
        for (const key of keys) if (byLease.get(key) === one) byLease.delete(key)
      }
      return { signal: one.aborted.signal, close }
    },
    came: (key: string): void => {
      byLease.get(key)?.keys.delete(key)
    },
    leave: (key: string): void => {
      const one = byLease.get(key)
      byLease.delete(key)
      if (one?.keys.delete(key) === true && one.keys.size === 0) one.aborted.abort()
    },
    stop: (): void => {
      for (const { aborted } of byLease.values()) aborted.abort()
      byLease.clear()
    },
  }
}

interface Fetching {
  readonly inputs: InputExchange
  readonly signal: AbortSignal
  readonly settle: (token: LeaseToken, input: RunInput) => void
  readonly fail: (token: LeaseToken, message: string) => void
}

const fetchGroup = async (
  { inputs, signal, settle, fail }: Fetching,
  job: Job,
  group: readonly Lease[],
): Promise<void> => {
  if (!isPlain(job)) {
    const all = group.map(async ({ token, firstItem, items }) => {
      const found = await inputs.fetchMiniBatch(job, firstItem, items, signal)
      if (found.ok) settle(token, found.value)
      else fail(token, found.error.message)
    })
    await Promise.all(all)
    return
  }
  const first = group[0]?.firstItem ?? 0
  const count = group.reduce((sum, lease) => sum + lease.items, 0)
  const found = await inputs.fetch(job, first, count, signal)
  for (const { token, firstItem, items } of group)
    if (!found.ok) fail(token, found.error.message)
    else settle(token, { items: found.value.slice(firstItem - first, firstItem - first + items) })
}

/** Whether items are all there is to be said of a job's mini-batches. */
const isPlain = ({ spec }: Job): boolean =>
  spec.inputs.length === 1 && spec.inputs[0]?.kind === 'files' && spec.partitionKeys.length === 0

/** Cuts leases into groups of one job whose item ranges follow on each other. */
const neighbours = (leases: readonly Lease[]): readonly (readonly Lease[])[] => {
  const sorted = leases.toSorted((a, b) =>
    a.job === b.job ? a.firstItem - b.firstItem : a.job < b.job ? -1 : 1,
  )
  const groups: Lease[][] = []
  let next = -1
  let items = 0
  for (const lease of sorted) {
    const group = groups.at(-1)
    const follows = group?.[0]?.job === lease.job && lease.firstItem === next
    if (group !== undefined && follows && items + lease.items <= limits.itemsPerInputRequest) {
      group.push(lease)
      items += lease.items
    } else {
      groups.push([lease])
      items = lease.items
    }
    next = lease.firstItem + lease.items
  }
  return groups
}

const sizeOf = ({ items, table }: RunInput): number => {
  let bytes = 0
  for (const item of items) if ('bytes' in item) bytes += item.bytes.length
  for (const { content } of table?.sources ?? [])
    if ('bytes' in content) bytes += content.bytes.length
  return bytes
}
