import { limits } from '#protocol/limits.ts'
import type { WorkerEffect } from './effect.ts'
import type { WorkerFact } from './event.ts'
import { peek, shift } from './fifo.ts'
import { drop, requeue } from './leases.ts'
import { beginOldest } from './processes.ts'
import {
  processesOf,
  workerJob,
  type HeldLease,
  type WorkerJob,
  type WorkerProcess,
  type WorkerState,
} from './state.ts'

/**
 * Mini-batches whose size was left to Muster are small, so that they can be shared out finely. Several that
 * are at hand share one `run()`, as many as it does in about two seconds; each is committed by itself.
 */
export const joins = ({ job, mayJoin }: WorkerJob): boolean =>
  mayJoin &&
  job !== null &&
  job.spec.miniBatchSize.kind === 'auto' &&
  job.spec.partitionKeys.length === 0 &&
  // Files of a script are told apart by the run that left them, and items by the input they are of.
  job.spec.outputAction === 'append_row' &&
  job.spec.inputs.length === 1

/** The next mini-batches for one `run()`; empty if none is ready. */
export const takeReady = (state: WorkerState, entry: WorkerJob): readonly HeldLease[] => {
  const most = mostTogether(state, entry)
  const isReady = (held: HeldLease): boolean => held.stage === 'ready'
  const first = shift(entry.ready, isReady)
  if (first === undefined) return []
  const together = [first]
  let [items, bytes] = [first.lease.items, first.bytes]
  while (!first.alone && together.length < most) {
    const next = peek(entry.ready, isReady)
    if (next === undefined || next.alone) break
    items += next.lease.items
    bytes += next.bytes
    if (items > limits.joinedItems || bytes > limits.joinedBytes) break
    shift(entry.ready, isReady)
    together.push(next)
  }
  return together
}

/** By the measured speed, and no more than the share of one of its processes. */
const mostTogether = (state: WorkerState, entry: WorkerJob): number => {
  if (!joins(entry) || entry.runMs === null) return 1
  const limitMs = (entry.job?.spec.runLimitMs ?? limits.runLimitMs) / 2
  const inTime = Math.min(limits.joinedMs, limitMs) / Math.max(entry.runMs, 0.01)
  const processes = processesOf(state, entry.id).filter(({ phase }) => phase !== 'stopping')
  const share = Math.ceil(entry.readyCount / Math.max(1, processes.length))
  return Math.floor(Math.min(inTime, share))
}

/** Runs in a process or before it in its queue: those that share one count once. */
export const runsIn = ({ queue }: WorkerProcess): number => {
  let runs = 0
  let before: HeldLease | undefined
  for (const held of queue) {
    if (before === undefined || held.joined === null || held.joined !== before.joined) runs += 1
    before = held
  }
  return runs
}

/** Nobody is charged for what several did together: each of them runs by itself from now on. */
export const setApart = (state: WorkerState, entry: WorkerJob, held: HeldLease): void => {
  for (const other of held.joined ?? []) other.alone = true
  entry.brokenJoins += 1
  if (entry.brokenJoins >= limits.brokenJoins) entry.mayJoin = false
}

export const onJoinedFellApart = (
  state: WorkerState,
  fact: Extract<WorkerFact, { kind: 'joinedFellApart' }>,
  effects: WorkerEffect[],
): void => {
  const process = state.processes.get(fact.process)
  const named = new Set(fact.tokens.map((token) => state.leases.get(token)))
  const together = process?.queue.filter((held) => named.has(held)) ?? []
  const [first] = together
  if (process === undefined || first === undefined) return
  process.queue = process.queue.filter((held) => !named.has(held))
  if (process.phase === 'ready') beginOldest(state, process)
  const entry = workerJob(state, first.lease.job)
  setApart(state, entry, first)
  if (fact.why === 'unsure') entry.mayJoin = false
  for (const held of together.toReversed())
    if (held.unwantedSince === null) requeue(state, entry, held)
    else drop(state, effects, held)
}
