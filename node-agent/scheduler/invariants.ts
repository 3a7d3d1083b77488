import { limits } from '#protocol/limits.ts'
import { halve, isHalf, pathToHalf } from '#protocol/model/half.ts'
import type { JobId, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { Charge } from '#protocol/model/record.ts'
import { sameTerm } from '#protocol/model/token-map.ts'
import { cell } from './columns.ts'
import type { SchedulerEffect } from './effect.ts'
import type { SchedulerEvent } from './event.ts'
import {
  allMiniBatches,
  chargedOf,
  countIn,
  isKnown,
  isOpenCell,
  isQueued,
  itemsIn,
  itemsOf,
  plannedOf,
  rangeOf,
  stateOf,
} from './cells.ts'
import { outOfPatience } from './patience.ts'
import { poolOf } from './pools.ts'
import type { JobEntry, SchedulerState } from './state.ts'
import { slotsLeft, waitReason } from './wait.ts'

/** A broken invariant; the number is that of `docs/scheduler.md`. */
export interface Breach {
  readonly invariant: number
  readonly message: string
}

/** Watches one head's machine. Remembers what must only grow. */
export interface InvariantChecker {
  /** Cheap: what the event and its effects touched. */
  readonly afterStep: (
    event: SchedulerEvent,
    effects: readonly SchedulerEffect[],
  ) => readonly Breach[]
  /** Walks everything. */
  readonly full: () => readonly Breach[]
}

export const createInvariantChecker = (state: SchedulerState): InvariantChecker => {
  const attempts = new Map<string, number>()
  const recorded = new Set<string>()
  const closed = new Set<JobId>()
  const canceled = new Set<JobId>()
  return {
    afterStep: (event, effects) => {
      const breaches: Breach[] = []
      const add = (invariant: number, message: string): void => {
        breaches.push({ invariant, message })
      }
      if (event.kind === 'cancelRequested') canceled.add(event.job)
      for (const effect of effects) {
        checkEffect(state, effect, { attempts, recorded, closed, canceled, add })
      }
      for (const job of jobsOf(event)) {
        const entry = state.jobs.get(job)
        if (entry !== undefined) checkSums(entry, add)
      }
      if (event.kind === 'tick') {
        checkReasons(state, add)
        for (const entry of state.open) checkPatience(state, entry, add)
      }
      return breaches
    },
    full: () => {
      const breaches: Breach[] = []
      const add = (invariant: number, message: string): void => {
        breaches.push({ invariant, message })
      }
      for (const entry of state.jobs.values()) {
        checkSums(entry, add)
        checkColumns(state, entry, add)
      }
      checkLeases(state, add)
      return breaches
    },
  }
}

type Add = (invariant: number, message: string) => void

interface Memory {
  readonly attempts: Map<string, number>
  readonly recorded: Set<string>
  readonly closed: Set<JobId>
  readonly canceled: Set<JobId>
  readonly add: Add
}

const nameOf = (job: JobId, miniBatch: MiniBatchIndex): string => `${job}/${String(miniBatch)}`

/** Both clocks run in ticks only. */
const checkPatience = (state: SchedulerState, entry: JobEntry, add: Add): void => {
  const isIdle = entry.live === 0 || entry.pause?.paused === true
  if (isIdle && entry.stalledMs > 0)
    add(13, `${entry.id} is held to wait for progress while nobody works on it`)
  if (state.term !== null && outOfPatience(state, entry) !== undefined)
    add(13, `${entry.id} is open past a limit of its own`)
}

/** Jobs an event names, so that a step is checked at the cost of what it touched. */
const jobsOf = (event: SchedulerEvent): readonly JobId[] => {
  if (event.kind === 'attemptsFinished' || event.kind === 'workerGreeted') {
    return [...new Set(event.reports.map((report) => report.job))]
  }
  if (event.kind === 'jobSubmitted') return [event.job.id]
  return 'job' in event ? [event.job] : []
}

const checkEffect = (state: SchedulerState, effect: SchedulerEffect, memory: Memory): void => {
  const { add } = memory
  if (effect.kind === 'grantLeases') {
    for (const lease of effect.leases) {
      const name = nameOf(lease.job, lease.miniBatch)
      if (state.term === null || !sameTerm(lease.token.term, state.term)) {
        add(9, `${name} was granted outside the head's own term`)
      }
      if (memory.canceled.has(lease.job) || memory.closed.has(lease.job)) {
        add(6, `${name} was granted after the job was canceled or closed`)
      }
      if ((memory.attempts.get(name) ?? 0) >= lease.attempt) {
        add(4, `attempt ${String(lease.attempt)} of ${name} is not newer than the one before`)
      }
      memory.attempts.set(name, lease.attempt)
      checkGrant(state, lease.job, effect.peer, add)
      checkMiniBatch(state, lease.job, lease.miniBatch, add)
    }
  } else if (effect.kind === 'recordCommits') {
    for (const miniBatch of effect.groups.flatMap((group) => group.miniBatches)) {
      const name = nameOf(effect.job, miniBatch)
      if (memory.recorded.has(name)) add(1, `${name} was committed twice`)
      for (const outer of outerOf(state, effect.job, miniBatch)) {
        const whole = nameOf(effect.job, outer)
        if (memory.recorded.has(whole)) add(1, `${name} was committed beside its whole ${whole}`)
      }
      for (const half of partsOf(state, effect.job, miniBatch)) {
        const part = nameOf(effect.job, half)
        if (memory.recorded.has(part)) add(1, `${name} was committed beside its part ${part}`)
      }
      memory.recorded.add(name)
      checkMiniBatch(state, effect.job, miniBatch, add)
    }
    if (memory.closed.has(effect.job)) add(3, `${effect.job} got commits after it was closed`)
  } else if (effect.kind === 'recordCharges') {
    for (const charge of effect.charges) {
      checkMiniBatch(state, effect.job, charge.miniBatch, add)
      checkCharge(state, effect.job, charge, add)
    }
    if (memory.closed.has(effect.job)) add(3, `${effect.job} got charges after it was closed`)
  } else if (effect.kind === 'closeJob') {
    if (memory.closed.has(effect.job)) add(3, `${effect.job} was closed twice`)
    memory.closed.add(effect.job)
  }
}

/** Invariants 6, 11 and 12: nothing of a paused job, outside its pool, or before its betters. */
const checkGrant = (state: SchedulerState, job: JobId, to: PeerId, add: Add): void => {
  const entry = state.jobs.get(job)
  const peer = state.peers.get(to)
  if (entry === undefined || peer === undefined) return
  if (entry.pause?.paused === true) add(6, `${job} was granted from while it is paused`)
  const pool = poolOf(state, entry)
  if (pool === undefined || pool?.allowed.has(to) === false) {
    add(11, `${job} was granted to ${to}, which its pool does not let it use`)
  }
  if (slotsLeft(state, entry, peer) === 0) {
    add(12, `${job} was granted to ${to} before a job of higher priority`)
  }
}

/** What a half is part of. */
const outerOf = (
  state: SchedulerState,
  job: JobId,
  miniBatch: MiniBatchIndex,
): readonly MiniBatchIndex[] => {
  const entry = state.jobs.get(job)
  const planned = entry !== undefined && isHalf(miniBatch) ? plannedOf(entry, miniBatch) : undefined
  if (entry === undefined || planned === undefined) return []
  const path = pathToHalf(rangeOf(entry, planned), miniBatch) ?? []
  return path.slice(0, -1).map((outer) => outer.miniBatch)
}

/** Halves and halves of halves that are known of a mini-batch. */
const partsOf = (
  state: SchedulerState,
  job: JobId,
  miniBatch: MiniBatchIndex,
): readonly MiniBatchIndex[] => {
  const entry = state.jobs.get(job)
  if (entry === undefined || entry.halves.places.size === 0 || itemsOf(entry, miniBatch) < 2) {
    return []
  }
  return halve(rangeOf(entry, miniBatch))
    .map((half) => half.miniBatch)
    .filter((half) => isKnown(entry, half))
    .flatMap((half) => [half, ...partsOf(state, job, half)])
}

/** Invariant 4: the charge that reaches the limit is the last. */
const checkCharge = (state: SchedulerState, job: JobId, charge: Charge, add: Add): void => {
  const entry = state.jobs.get(job)
  if (entry === undefined || entry.forgotten) return
  const name = nameOf(job, charge.miniBatch)
  const charged = chargedOf(entry, charge.miniBatch)
  const isHalved = stateOf(entry, charge.miniBatch) === cell.halved
  const most = entry.job?.spec.maxAttempts ?? limits.maxAttempts
  if (charged >= most && !charge.final && !isHalved)
    add(4, `${name} has ${String(charged)} charges and goes on`)
  if (charge.final && isOpenCell(stateOf(entry, charge.miniBatch)) && entry.closed === null) {
    add(4, `${name} got its last charge and is open`)
  }
}

/** Invariant 2 for one mini-batch. */
const checkMiniBatch = (
  state: SchedulerState,
  job: JobId,
  miniBatch: MiniBatchIndex,
  add: Add,
): void => {
  const entry = state.jobs.get(job)
  if (entry === undefined || entry.forgotten) return
  const name = nameOf(job, miniBatch)
  const live = entry.liveByMiniBatch.get(miniBatch) ?? []
  if (live.length > limits.liveLeasesPerMiniBatch) add(2, `${name} has too many live leases`)
  if (new Set(live.map((lease) => lease.peer)).size < live.length) {
    add(2, `${name} is leased twice by one peer`)
  }
  const at = stateOf(entry, miniBatch)
  if ((at === cell.leased) !== live.length > 0) {
    add(2, `${name} has ${String(live.length)} live leases in state ${String(at)}`)
  }
}

/** Invariant 5: mini-batches and items add up. */
const checkSums = (entry: JobEntry, add: Add): void => {
  if (entry.forgotten) return
  const all = entry.miniBatchesIn.reduce((sum, count) => sum + count, 0)
  const known = entry.columns.count + entry.halves.places.size
  if (all !== known) add(5, `${entry.id} counts ${String(all)} of ${String(known)} mini-batches`)
  if ([...entry.miniBatchesIn, ...entry.itemsIn].some((count) => count < 0)) {
    add(5, `${entry.id} counts below zero`)
  }
  if (entry.closed !== null && countIn(entry, cell.pending) + countIn(entry, cell.leased) > 0) {
    add(5, `${entry.id} is closed with open mini-batches`)
  }
}

/** Invariants 2 and 5 by counting everything anew, and that every pending mini-batch can be found. */
const checkColumns = (state: SchedulerState, entry: JobEntry, add: Add): void => {
  if (entry.forgotten) return
  const miniBatches = Object.values(cell).map(() => 0)
  const items = Object.values(cell).map(() => 0)
  let planned = 0
  const waiting = new Set(entry.requeued.slice(entry.requeuedHead))
  for (const miniBatch of allMiniBatches(entry)) {
    const at = stateOf(entry, miniBatch)
    if (!isHalf(miniBatch)) planned += itemsOf(entry, miniBatch)
    miniBatches[at] = (miniBatches[at] ?? 0) + 1
    items[at] = (items[at] ?? 0) + itemsOf(entry, miniBatch)
    checkMiniBatch(state, entry.id, miniBatch, add)
    checkHalves(entry, miniBatch, add)
    const isNew = !isHalf(miniBatch) && miniBatch >= entry.cursor
    const queued = isNew || waiting.has(miniBatch)
    if (queued !== isQueued(entry, miniBatch)) {
      add(7, `${nameOf(entry.id, miniBatch)} is wrongly marked as queued`)
    }
    if (at === cell.pending && !queued) {
      add(7, `${nameOf(entry.id, miniBatch)} is pending and in no queue`)
    }
  }
  for (const at of Object.values(cell)) {
    if (miniBatches[at] !== countIn(entry, at)) add(5, `${entry.id}: mini-batches do not add up`)
    if (items[at] !== itemsIn(entry, at)) add(5, `${entry.id}: items do not add up`)
  }
  const counted = itemsOfAll(entry)
  if (counted !== planned)
    add(5, `${entry.id} has ${String(planned)} items, counts ${String(counted)}`)
}

/** Items of all mini-batches but those that others stand for. */
const itemsOfAll = (entry: JobEntry): number =>
  entry.itemsIn.reduce((sum, count) => sum + count, 0) -
  itemsIn(entry, cell.halved) -
  itemsIn(entry, cell.void)

/** Invariants 1 and 5: halves stand for a halved mini-batch, and for no other. */
const checkHalves = (entry: JobEntry, miniBatch: MiniBatchIndex, add: Add): void => {
  const isHalved = stateOf(entry, miniBatch) === cell.halved
  if (!isHalved && entry.halves.places.size === 0) return
  if (itemsOf(entry, miniBatch) < 2) {
    if (isHalved) add(4, `${nameOf(entry.id, miniBatch)} is halved and has one item`)
    return
  }
  for (const { miniBatch: half } of halve(rangeOf(entry, miniBatch))) {
    const stands = isKnown(entry, half) && stateOf(entry, half) !== cell.void
    if (isHalved && !stands) add(5, `${nameOf(entry.id, miniBatch)} is halved and has no halves`)
    if (!isHalved && stands) add(1, `${nameOf(entry.id, half)} stands beside its whole`)
  }
}

/** Invariant 2: every lease stands in exactly the books it should, and the books hold nothing else. */
const checkLeases = (state: SchedulerState, add: Add): void => {
  let byPeer = 0
  for (const peer of state.peers.values()) {
    byPeer += peer.leases.size
    let live = 0
    let ahead = 0
    for (const onPeer of peer.jobs.values()) {
      live += onPeer.live
      ahead += onPeer.ahead
    }
    const notStarted = [...peer.leases].filter((lease) => lease.startedAt === null).length
    if (live !== peer.leases.size || ahead !== notStarted) {
      add(2, `the books of ${peer.peer} do not match its leases`)
    }
  }
  let byJob = 0
  for (const entry of state.jobs.values()) {
    const live = [...entry.liveByMiniBatch.values()].flat().length
    if (live !== entry.live) add(2, `${entry.id} counts its leases wrongly`)
    byJob += live
  }
  const all = state.leases.size()
  if (byPeer !== all || byJob !== all) add(2, 'leases by peer, job and token differ')
  if (state.term === null && all > 0) add(9, 'an agent that is not head believes in leases')
  for (const lease of state.leases.values()) {
    const peer = state.peers.get(lease.peer)
    if (peer === undefined || !peer.leases.has(lease)) {
      add(2, `the lease of ${nameOf(lease.job, lease.miniBatch)} is unknown to its holder's books`)
    }
    if (peer?.liveness === 'lost') add(2, `the lost ${lease.peer} still holds leases`)
  }
}

/** Invariant 7: after a tick no pending mini-batch could still be granted. */
const checkReasons = (state: SchedulerState, add: Add): void => {
  for (const entry of state.open) {
    if (countIn(entry, cell.pending) === 0) continue
    for (const peer of state.peers.values()) {
      if (waitReason(state, entry, peer) === undefined) {
        add(7, `${peer.peer} has room for ${entry.id} and got neither a lease nor a reason`)
      }
    }
  }
}
