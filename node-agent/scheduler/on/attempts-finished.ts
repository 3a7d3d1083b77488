import { limits } from '#protocol/limits.ts'
import type { AttemptFailed, AttemptReport, AttemptSucceeded } from '#protocol/model/attempt.ts'
import { itemsWords, miniBatchName } from '#protocol/model/half.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Charge } from '#protocol/model/record.ts'
import { cell } from '../columns.ts'
import { mayComeToCount, runInHalves } from '../halving.ts'
import { addTo, dropReport, mayPlace, type Decisions } from '../decisions.ts'
import {
  liveOf,
  peerEntry,
  peerJob,
  removeLease,
  revokeOthers,
  takeBack,
  tellLease,
} from '../leases.ts'
import {
  chargedOf,
  isKnown,
  isOpenCell,
  itemsOf,
  raiseAttempt,
  setState,
  stateOf,
} from '../cells.ts'
import { isDataAlive } from '../patience.ts'
import type { JobEntry, LiveLease, PeerEntry, SchedulerState } from '../state.ts'
import { countCharge, countCommit } from './restored.ts'

/** What workers finished. The head decides here what counts; from this step on the decision stands. */
export const onAttemptsFinished = (
  state: SchedulerState,
  fact: { readonly peer: PeerId; readonly reports: readonly AttemptReport[] },
  decisions: Decisions,
): void => {
  if (state.term === null) return
  for (const report of fact.reports) finish(state, decisions, fact.peer, report)
  mayPlace(decisions, fact.peer)
}

const finish = (
  state: SchedulerState,
  decisions: Decisions,
  from: PeerId,
  report: AttemptReport,
): void => {
  const entry = state.jobs.get(report.job)
  // Of a job that has not arrived here yet: the worker keeps the report and offers it again.
  if (entry === undefined || entry.job === null) return
  const lease = leaseOf(state, from, report)
  const known = isKnown(entry, report.miniBatch)
  if (entry.closed === null && !known && mayComeToCount(entry, report.miniBatch)) return
  if (entry.closed !== null || !known) {
    state.counters.stale++
    dropReport(decisions, from, report.token)
    return
  }
  decisions.touched.add(entry)
  entry.stalledMs = 0
  if (lease !== undefined) removeLease(state, lease)
  if (report.outcome.kind === 'succeeded') {
    succeed(state, decisions, entry, { from, report, outcome: report.outcome })
  } else if (lease !== undefined) {
    fail(state, decisions, entry, { from, report, outcome: report.outcome, lease })
  } else {
    state.counters.stale++
    dropReport(decisions, from, report.token)
  }
}

/** The lease a report is about; a token that is not the speaker's or names another mini-batch is nobody's. */
const leaseOf = (
  state: SchedulerState,
  from: PeerId,
  report: AttemptReport,
): LiveLease | undefined => {
  const lease = state.leases.get(report.token)
  return lease !== undefined &&
    lease.peer === from &&
    lease.job === report.job &&
    lease.miniBatch === report.miniBatch
    ? lease
    : undefined
}

interface Success {
  readonly from: PeerId
  readonly report: AttemptReport
  readonly outcome: AttemptSucceeded
}

/** The first success counts, whoever brings it: also after a failure, also of an older term. */
const succeed = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  { from, report, outcome }: Success,
): void => {
  const { miniBatch, attempt, token } = report
  const before = stateOf(entry, miniBatch)
  // A halved mini-batch runs in its halves now: two results of one item could not both count.
  if (before !== cell.failed && !isOpenCell(before)) {
    state.counters.duplicates++
    entry.duplicates++
    tellLease(state, report, { peer: from, kind: 'duplicate', runMs: outcome.runMs })
    dropReport(decisions, from, token)
    return
  }
  countCommit(entry, miniBatch, outcome.failed)
  raiseAttempt(entry, miniBatch, attempt)
  state.counters.commits++
  tellLease(state, report, { peer: from, kind: 'committed', runMs: outcome.runMs })
  addTo(decisions.commits, entry.id, { peer: from, token, miniBatch, attempt, outcome })
  revokeOthers(state, decisions, entry, miniBatch)
  measure(state, entry, peerEntry(state, from), { report, outcome })
}

/** One fifth of each new value: follows a change within some ten runs, ignores a single outlier. */
const smoothing = 0.2

const measure = (
  state: SchedulerState,
  entry: JobEntry,
  peer: PeerEntry,
  { report, outcome }: { readonly report: AttemptReport; readonly outcome: AttemptSucceeded },
): void => {
  peer.failuresInRow = 0
  peer.setAsideMs = limits.setAsideMs
  const onPeer = peerJob(peer, entry.id)
  onPeer.runMs =
    onPeer.runMs === null
      ? outcome.runMs
      : onPeer.runMs + smoothing * (outcome.runMs - onPeer.runMs)
  const items = Math.max(1, itemsOf(entry, report.miniBatch))
  entry.speeds[entry.speedsSeen % limits.speedSamples] = outcome.runMs / items
  entry.speedsSeen++
}

interface Failure {
  readonly from: PeerId
  readonly report: AttemptReport
  readonly outcome: AttemptFailed
  readonly lease: LiveLease
}

/**
 * Charges an attempt. Where the last charge is a death of its process, the mini-batch is halved in place of
 * failing: what kills a process may be a single item, and the others can still be had.
 */
const fail = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  { from, report, outcome, lease }: Failure,
): void => {
  const { miniBatch, attempt } = lease
  // The items could not come: their machine is away, and this one has no part in it.
  if (outcome.cause === 'not-loaded' && !isDataAlive(state, entry)) {
    tellLease(state, lease, { peer: from, kind: 'freed', detail: 'the items could not be fetched' })
    return settle(decisions, entry, report, from)
  }
  blame(state, decisions, entry, from)
  const open = stateOf(entry, miniBatch) === cell.leased
  const most = entry.job?.spec.maxAttempts ?? limits.maxAttempts
  const isLast = open && chargedOf(entry, miniBatch) + 1 >= most
  const isHalved = isLast && outcome.cause === 'process-died' && itemsOf(entry, miniBatch) > 1
  const charge: Charge = {
    miniBatch,
    attempt,
    peer: from,
    cause: outcome.cause,
    message: outcome.message.slice(0, limits.failureSentenceLength),
    final: isLast && !isHalved,
    ...(outcome.ran === undefined ? {} : { ran: outcome.ran }),
  }
  if (!open || !countCharge(entry, charge)) {
    // Charged before, by an earlier head: the report is settled, the mini-batch goes on.
    return settle(decisions, entry, report, from)
  }
  state.counters.charges++
  tellLease(state, lease, {
    peer: from,
    kind: charge.final ? 'failed' : 'charged',
    detail: outcome.message,
  })
  const halving = isHalved ? runInHalves(state, decisions, entry, miniBatch) : undefined
  addTo(decisions.charges, entry.id, { token: report.token, charge, halving })
  if (halving !== undefined) {
    state.counters.halvings++
    const detail = halving.halves
      .map((half) => `${miniBatchName(half.miniBatch)} has ${itemsWords(half)}`)
      .join(', ')
    tellLease(state, lease, { peer: from, kind: 'halved', detail })
  } else if (charge.final) {
    setState(entry, miniBatch, cell.failed)
    revokeOthers(state, decisions, entry, miniBatch)
  } else if (liveOf(entry, miniBatch).length === 0) {
    setState(entry, miniBatch, cell.pending)
    mayPlace(decisions, 'all')
  }
}

/** Settles a report that charges nothing. */
const settle = (
  decisions: Decisions,
  entry: JobEntry,
  { miniBatch, token }: AttemptReport,
  from: PeerId,
): void => {
  dropReport(decisions, from, token)
  if (stateOf(entry, miniBatch) === cell.leased && liveOf(entry, miniBatch).length === 0)
    setState(entry, miniBatch, cell.pending)
}

/**
 * Counts failures in a row; too many set the peer aside, unless nobody else can work or the job has not
 * succeeded anywhere yet: then the job is to blame, and waiting would only delay its end.
 */
const blame = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  from: PeerId,
): void => {
  const peer = peerEntry(state, from)
  peer.failuresInRow++
  if (peer.failuresInRow < limits.peerFailuresInRow || state.now < peer.setAsideUntil) return
  if ((entry.miniBatchesIn[cell.committed] ?? 0) === 0 || !hasOtherWorker(state, peer)) return
  peer.setAsideUntil = state.now + peer.setAsideMs
  peer.setAsideMs = Math.min(peer.setAsideMs * 2, limits.setAsideMostMs)
  // After the time aside one more failure is enough.
  peer.failuresInRow = limits.peerFailuresInRow - 1
  for (const lease of peer.leases) {
    if (lease.startedAt === null) takeBack(state, decisions, lease, 'the machine is set aside')
  }
}

const hasOtherWorker = (state: SchedulerState, peer: PeerEntry): boolean => {
  for (const other of state.peers.values()) {
    if (other === peer || !other.greeted || other.slots === 0) continue
    if (other.liveness === 'alive' && state.now >= other.setAsideUntil) return true
  }
  return false
}
