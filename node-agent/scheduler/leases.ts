import { limits } from '#protocol/limits.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import type { JobId, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { RevokeReason } from '#protocol/model/revoke.ts'
import type { Term } from '#protocol/model/term.ts'
import { cell } from './columns.ts'
import { addTo, mayPlace, revoke, type Decisions } from './decisions.ts'
import {
  attemptOf,
  firstItemOf,
  isOpenCell,
  itemsOf,
  raiseAttempt,
  setState,
  stateOf,
} from './cells.ts'
import type { JobEntry, LiveLease, PeerEntry, PeerJob, SchedulerState } from './state.ts'
import { tell, type StoryEntry } from './story-log.ts'

export const peerEntry = (state: SchedulerState, peer: PeerId): PeerEntry => {
  let entry = state.peers.get(peer)
  if (entry === undefined) {
    entry = {
      peer,
      liveness: 'unseen',
      greeted: false,
      slots: 0,
      leases: new Set(),
      jobs: new Map(),
      failuresInRow: 0,
      setAsideMs: limits.setAsideMs,
      setAsideUntil: 0,
    }
    state.peers.set(peer, entry)
  }
  return entry
}

export const peerJob = (peer: PeerEntry, job: JobId): PeerJob => {
  let entry = peer.jobs.get(job)
  if (entry === undefined) {
    entry = {
      live: 0,
      ahead: 0,
      runMs: null,
      initFailures: 0,
      initMessage: '',
      setAsideBy: null,
      backoffUntil: 0,
      backoffReason: 'unknown-job',
      backoffMessage: '',
      note: '',
    }
    peer.jobs.set(job, entry)
  }
  return entry
}

/** Leases of one mini-batch that may still bring a result. */
export const liveOf = (entry: JobEntry, miniBatch: MiniBatchIndex): readonly LiveLease[] =>
  entry.liveByMiniBatch.get(miniBatch) ?? []

/** Grants one mini-batch to a peer; it must be pending, or leased when this is a copy. */
export const grant = (
  state: SchedulerState,
  decisions: Decisions,
  term: Term,
  to: { readonly entry: JobEntry; readonly miniBatch: MiniBatchIndex; readonly peer: PeerEntry },
): void => {
  const { entry, miniBatch, peer } = to
  const attempt = attemptOf(entry, miniBatch) + 1
  raiseAttempt(entry, miniBatch, attempt)
  const copy = liveOf(entry, miniBatch).length > 0
  const lease: Lease = {
    token: { term, leaseId: state.nextLeaseId++ },
    job: entry.id,
    miniBatch,
    attempt,
    firstItem: firstItemOf(entry, miniBatch),
    items: itemsOf(entry, miniBatch),
  }
  addLease(state, entry, peer, {
    ...lease,
    peer: peer.peer,
    grantedAt: state.now,
    copy,
    startedAt: null,
  })
  addTo(decisions.granted, peer.peer, lease)
  state.counters.grants++
  if (copy) {
    entry.copies++
    state.counters.copies++
  }
  tellLease(state, lease, { peer: peer.peer, kind: copy ? 'copied' : 'granted' })
}

/** Books a lease: granted now, or adopted from an earlier head. */
export const addLease = (
  state: SchedulerState,
  entry: JobEntry,
  peer: PeerEntry,
  lease: LiveLease,
): void => {
  state.leases.set(lease.token, lease)
  peer.leases.add(lease)
  const onPeer = peerJob(peer, entry.id)
  onPeer.live++
  if (lease.startedAt === null) onPeer.ahead++
  addTo(entry.liveByMiniBatch, lease.miniBatch, lease)
  entry.live++
  entry.peersUsed.add(lease.peer)
  if (stateOf(entry, lease.miniBatch) === cell.pending)
    setState(entry, lease.miniBatch, cell.leased)
}

/** Takes a lease out of the books and changes nothing else. */
export const removeLease = (state: SchedulerState, lease: LiveLease): void => {
  state.leases.delete(lease.token)
  const peer = state.peers.get(lease.peer)
  peer?.leases.delete(lease)
  const onPeer = peer?.jobs.get(lease.job)
  if (onPeer !== undefined) {
    onPeer.live--
    if (lease.startedAt === null) onPeer.ahead--
  }
  const entry = state.jobs.get(lease.job)
  if (entry === undefined) return
  entry.live--
  if (entry.live === 0) entry.stalledMs = 0
  const others = liveOf(entry, lease.miniBatch).filter((other) => other !== lease)
  if (others.length === 0) entry.liveByMiniBatch.delete(lease.miniBatch)
  else entry.liveByMiniBatch.set(lease.miniBatch, others)
}

/** Ends a lease without cost: its mini-batch is pending again, unless another attempt still runs. */
export const freeLease = (
  state: SchedulerState,
  decisions: Decisions,
  lease: LiveLease,
  why: string,
): void => {
  removeLease(state, lease)
  state.counters.freed++
  tellLease(state, lease, { peer: lease.peer, kind: 'freed', detail: why })
  const entry = state.jobs.get(lease.job)
  if (entry === undefined) return
  if (liveOf(entry, lease.miniBatch).length === 0 && isOpenCell(stateOf(entry, lease.miniBatch))) {
    setState(entry, lease.miniBatch, cell.pending)
    mayPlace(decisions, 'all')
  }
}

/** Books a lease that ended with its machine. */
export const countLost = (state: SchedulerState, job: JobId): void => {
  const entry = state.jobs.get(job)
  if (entry !== undefined) entry.leasesLost++
}

/** Ends all live leases of a mini-batch that has got its final word, and tells their holders. */
export const revokeOthers = (
  state: SchedulerState,
  decisions: Decisions,
  entry: JobEntry,
  miniBatch: MiniBatchIndex,
): void => {
  for (const lease of liveOf(entry, miniBatch)) {
    removeLease(state, lease)
    tellLease(state, lease, {
      peer: lease.peer,
      kind: 'freed',
      detail: 'the mini-batch got its final word from another attempt',
    })
    revoke(decisions, lease.peer, lease.token, 'another-attempt-counts')
    mayPlace(decisions, lease.peer)
  }
}

/** Takes a lease away from a peer while its mini-batch stays open. */
export const takeBack = (
  state: SchedulerState,
  decisions: Decisions,
  lease: LiveLease,
  why: string,
): void => {
  const reason: RevokeReason = 'taken-back'
  revoke(decisions, lease.peer, lease.token, reason)
  freeLease(state, decisions, lease, why)
}

/** Adds a line to the story of the lease's mini-batch. */
export const tellLease = (
  state: SchedulerState,
  lease: { readonly job: JobId; readonly miniBatch: MiniBatchIndex; readonly attempt: number },
  line: Pick<StoryEntry, 'peer' | 'kind'> & Partial<Pick<StoryEntry, 'detail' | 'runMs'>>,
): void => {
  const { job, miniBatch, attempt } = lease
  tell(state.stories, { at: state.now, job, miniBatch, attempt, detail: '', runMs: null, ...line })
}
