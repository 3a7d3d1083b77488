import { plural } from '#protocol/model/plural.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { jobDefaults } from '#protocol/spec/job-file.ts'
import { cell } from './columns.ts'
import { poolOf } from './pools.ts'
import { canReachData } from './jobs.ts'
import { countIn } from './cells.ts'
import type { BackoffReason, JobEntry, PeerEntry, PeerJob, SchedulerState } from './state.ts'

/**
 * Why a job's pending mini-batches get no lease at a peer, or a peer's free slot none of a job. The list is
 * closed: after a tick each pending mini-batch and each believed-free slot has a grant or one of these.
 */
export type WaitReason =
  | 'not-head'
  | 'job-ended'
  | 'plan-missing'
  | 'workers-greeting'
  | 'nothing-pending'
  | 'no-workers'
  | 'not-greeted'
  | 'peer-suspect'
  | 'peer-lost'
  | 'no-slots'
  | 'peer-set-aside'
  | 'init-failed'
  | BackoffReason
  | 'data-peer-away'
  | 'peer-count'
  | 'slots-full'
  | 'paused'
  | 'pool-unknown'
  | 'pool-short'
  | 'not-in-pool'
  | 'pool-full'
  | 'outranked'

/** Why this peer gets no lease of this job now; undefined if it can get one. */
export const waitReason = (
  state: SchedulerState,
  entry: JobEntry,
  peer: PeerEntry,
): WaitReason | undefined =>
  jobReason(state, entry) ??
  (countIn(entry, cell.pending) === 0 ? 'nothing-pending' : undefined) ??
  peerReason(state, entry, peer) ??
  (roomFor(state, entry, peer) < 1 ? 'slots-full' : undefined)

/** Why a job gets no lease anywhere, whatever the peers. */
export const jobReason = (state: SchedulerState, entry: JobEntry): WaitReason | undefined => {
  if (state.term === null) return 'not-head'
  if (entry.closed !== null || entry.cancelRequested) return 'job-ended'
  if (entry.pause?.paused === true) return 'paused'
  if (entry.job === null || entry.columns.count === 0) return 'plan-missing'
  if (entry.begun && state.now < state.termTakenAt + limits.adoptionMs) return 'workers-greeting'
  const pool = poolOf(state, entry)
  if (pool === undefined) return 'pool-unknown'
  if (pool !== null && pool.working < pool.minPeers) return 'pool-short'
  return undefined
}

/** Why a peer may not get leases of a job, whatever it holds. */
export const peerReason = (
  state: SchedulerState,
  entry: JobEntry,
  peer: PeerEntry,
): WaitReason | undefined =>
  ownPeerReason(state, entry, peer) ??
  (slotsLeft(state, entry, peer) === 0 ? 'outranked' : undefined)

/** The same, as if no other job were there. */
const ownPeerReason = (
  state: SchedulerState,
  entry: JobEntry,
  peer: PeerEntry,
): WaitReason | undefined => {
  if (peer.liveness === 'lost') return 'peer-lost'
  if (!peer.greeted) return 'not-greeted'
  if (peer.liveness === 'suspect') return 'peer-suspect'
  if (peer.slots === 0) return 'no-slots'
  const pool = poolOf(state, entry)
  if (pool && !pool.members.has(peer.peer)) return 'not-in-pool'
  if (pool && !pool.allowed.has(peer.peer)) return 'pool-full'
  if (state.now < peer.setAsideUntil) return 'peer-set-aside'
  const onPeer = peer.jobs.get(entry.id)
  if (onPeer !== undefined && onPeer.setAsideBy !== null) return 'init-failed'
  if (onPeer !== undefined && state.now < onPeer.backoffUntil) return onPeer.backoffReason
  if (!canReachData(state, entry, peer.peer)) return 'data-peer-away'
  const most = entry.job?.spec.peerCount
  if (most !== undefined && entry.peersUsed.size >= most && !entry.peersUsed.has(peer.peer)) {
    return 'peer-count'
  }
  return undefined
}

export const priorityOf = (entry: JobEntry): number =>
  entry.job?.spec.priority ?? jobDefaults.priority

/** Slots of a peer that jobs of higher priority, which could use them now, leave to a job. */
export const slotsLeft = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): number => {
  const own = priorityOf(entry)
  let left = peer.slots
  for (const other of state.open) {
    if (priorityOf(other) <= own || countIn(other, cell.pending) === 0) continue
    if (jobReason(state, other) !== undefined) continue
    if (ownPeerReason(state, other, peer) !== undefined) continue
    left -= slotsFor(other, peer)
  }
  return Math.max(0, left)
}

/** Worker processes of a job that a peer may run. */
export const slotsFor = (entry: JobEntry, peer: PeerEntry): number =>
  Math.min(peer.slots, entry.job?.spec.processesPerPeer ?? peer.slots)

/**
 * Leases not started that one slot should hold: two before its speed is known, then measured work of
 * `leaseAheadMs` (`autoAheadMs` where mini-batches are small because their size was left to Muster), never
 * more than a fair share of what is left.
 */
export const aheadPerSlot = (
  state: SchedulerState,
  entry: JobEntry,
  onPeer: PeerJob | undefined,
): number => {
  const runMs = onPeer?.runMs ?? null
  const fair = Math.ceil(countIn(entry, cell.pending) / (2 * Math.max(1, state.slots)))
  if (runMs === null) return limits.firstLeasesPerSlot
  const least = leasesWorth(limits.leaseLeastMs, runMs)
  const isAuto = entry.job?.spec.miniBatchSize.kind === 'auto'
  const ahead = leasesWorth(isAuto ? limits.autoAheadMs : limits.leaseAheadMs, runMs)
  return Math.min(ahead, Math.max(least, fair))
}

const leasesWorth = (ms: number, runMs: number): number =>
  Math.max(
    limits.firstLeasesPerSlot,
    Math.min(limits.leasesPerSlot, Math.ceil(ms / Math.max(runMs, 0.001))),
  )

/** Slots' worth of leases not started that a peer holds, of all jobs but `except`. */
const filledSlots = (state: SchedulerState, peer: PeerEntry, except?: JobEntry): number => {
  let filled = 0
  for (const [id, onPeer] of peer.jobs) {
    if (onPeer.ahead === 0 || id === except?.id) continue
    const entry = state.jobs.get(id)
    if (entry !== undefined) filled += onPeer.ahead / aheadPerSlot(state, entry, onPeer)
  }
  return filled
}

/**
 * Leases of a job that fit on a peer now. Refills wait until about half is used up, so that grants travel
 * in batches; a job that has nothing there yet gets its first leases at once, beside others.
 */
export const roomFor = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): number => {
  const most = mostLeases(entry, peer)
  const room = refillDue(state, entry, peer) ? targetRoom(state, entry, peer) : 0
  return Math.min(most, Math.max(room, firstRoom(entry, peer)))
}

/** Slots of a peer that a job could fill now: those that others leave. */
const openSlots = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): number =>
  Math.max(
    0,
    Math.min(
      slotsFor(entry, peer),
      slotsLeft(state, entry, peer),
      peer.slots - filledSlots(state, peer, entry),
    ),
  )

/** True once half of what a job could hold at a peer is used up. */
export const refillDue = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): boolean => {
  const onPeer = peer.jobs.get(entry.id)
  const full = openSlots(state, entry, peer) * aheadPerSlot(state, entry, onPeer)
  return (onPeer?.ahead ?? 0) <= full / 2
}

/** Leases until the target is reached. */
export const targetRoom = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): number => {
  const onPeer = peer.jobs.get(entry.id)
  const perSlot = aheadPerSlot(state, entry, onPeer)
  const room = Math.floor(openSlots(state, entry, peer) * perSlot + 1e-9) - (onPeer?.ahead ?? 0)
  return Math.max(0, Math.min(room, mostLeases(entry, peer)))
}

/** One job more than the peer has slots may stand ready there, else processes would change all the time. */
export const firstRoom = (entry: JobEntry, peer: PeerEntry): number => {
  if ((peer.jobs.get(entry.id)?.live ?? 0) > 0) return 0
  let jobs = 0
  for (const onPeer of peer.jobs.values()) if (onPeer.live > 0) jobs++
  return jobs > peer.slots ? 0 : Math.min(limits.firstLeasesPerSlot, mostLeases(entry, peer))
}

const mostLeases = (entry: JobEntry, peer: PeerEntry): number =>
  Math.max(
    0,
    Math.min(
      countIn(entry, cell.pending),
      slotsFor(entry, peer) * limits.liveLeasesPerSlot - (peer.jobs.get(entry.id)?.live ?? 0),
      limits.liveLeasesPerPeer - peer.leases.size,
    ),
  )

const poolSentence = (state: SchedulerState, entry: JobEntry): string => {
  const pool = poolOf(state, entry)
  if (!pool) return ''
  const { name, working, minPeers } = pool
  return `Waits for the pool "${name}", of whose machines ${String(working)} can work now; it needs ${String(minPeers)}.`
}

/** In the words of the peer, or of the first that has any. */
const reachWords = (state: SchedulerState, entry: JobEntry, peer: PeerId | undefined): string => {
  const asked = peer === undefined ? [...state.peers.values()] : [state.peers.get(peer)]
  for (const one of asked) {
    const onPeer = one?.jobs.get(entry.id)
    if (onPeer?.backoffReason === 'out-of-reach' && onPeer.backoffMessage !== '')
      return onPeer.backoffMessage
  }
  return 'none says why.'
}

/** Of one machine its own words; of all of them what was met first, with where. */
const initSentence = (state: SchedulerState, entry: JobEntry, peer: PeerId | undefined): string => {
  const own = peer === undefined ? null : state.peers.get(peer)?.jobs.get(entry.id)?.setAsideBy
  return peer === undefined || !own
    ? entry.firstInitFailure
    : `The job's worker process cannot start on ${peer}: ${own}`
}

/** A plan that does not grow may want its machine back. */
const listingSentence = (state: SchedulerState, entry: JobEntry, what: string): string => {
  const dataPeer = entry.job?.dataPeer
  if (dataPeer === undefined) return "The job's record has not arrived yet."
  return canReachData(state, entry, state.self)
    ? `Waits for ${dataPeer} to list ${what}.`
    : `Waits for ${dataPeer}, which is away, to list ${what}.`
}

/** The reason in words; `peer` is whom it concerns, if anyone. */
export const waitReasonToSentence = (
  state: SchedulerState,
  entry: JobEntry,
  reason: WaitReason,
  peer?: PeerId,
): string => {
  const dataPeer = entry.job?.dataPeer ?? 'its data'
  const none = (not: string, does: string): string =>
    peer === undefined ? `No machine ${does}` : `${peer} ${not}`
  const sentences: Record<WaitReason, string> = {
    'not-head': 'This agent is not the head.',
    'job-ended': entry.closeReason === '' ? 'The job has ended.' : entry.closeReason,
    'plan-missing': listingSentence(state, entry, 'the items'),
    'workers-greeting': 'A new head waits a moment for the machines to say what they still run.',
    'nothing-pending': entry.planComplete
      ? 'All mini-batches are done or at work.'
      : listingSentence(state, entry, 'more items'),
    'no-workers': 'No machine that could work is connected.',
    'not-greeted': `${peer ?? 'A machine'} is connected but has not offered itself yet.`,
    'peer-suspect': `${peer ?? 'A machine'} has been silent for some seconds.`,
    'peer-lost': `${peer ?? 'A machine'} is away.`,
    'no-slots': `The owner of ${peer ?? 'every machine'} allows no work now.`,
    'peer-set-aside': `${peer ?? 'Every machine'} is set aside for a while because its runs failed several times in a row.`,
    'init-failed': initSentence(state, entry, peer),
    'input-unreachable': `${none('could not', 'could')} get the items from ${dataPeer}; it is tried again in a moment.`,
    'model-unreachable': `${none('could not', 'could')} get the model; it is tried again in a moment.`,
    'out-of-reach': `${none('cannot', 'can')} have the inputs as the job asks: ${reachWords(state, entry, peer)}`,
    'unknown-job': `${none('does not have', 'has')} the job's record yet.`,
    'data-peer-away': `Waits for ${dataPeer}, which holds the items.`,
    'peer-count': `The job uses ${plural(entry.job?.spec.peerCount ?? 0, 'machine')}, as many as its node_count allows.`,
    paused: 'The job is paused; resume it to let it go on.',
    'pool-unknown': `There is no pool "${entry.job?.spec.pool ?? ''}"; the job waits until there is one of that name.`,
    'pool-short': poolSentence(state, entry),
    'not-in-pool': `${none('is not', 'that is here is')} in the pool "${entry.job?.spec.pool ?? ''}".`,
    'pool-full': `The pool "${entry.job?.spec.pool ?? ''}" uses as many machines as it may.`,
    outranked: `A job of higher priority takes ${peer ?? 'every machine'}.`,
    'slots-full': `${peer ?? 'Every machine'} has enough work.`,
  }
  return sentences[reason]
}
