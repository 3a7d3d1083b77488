import { plural } from '#protocol/model/plural.ts'
import type { JobId, MiniBatchIndex, PeerId } from '#protocol/model/ids.ts'
import type { JobDigest } from '#protocol/wire/presence/protocol.ts'
import { cell, type Cell } from './columns.ts'
import { chargedOf, countIn, stateOf } from './cells.ts'
import type { JobEntry, PeerEntry, PeerJob, SchedulerState } from './state.ts'
import { story } from './story.ts'
import { jobReason, peerReason, waitReason, waitReasonToSentence, type WaitReason } from './wait.ts'

/**
 * Why a job is where it is, in sentences; with a mini-batch: its life so far. Machines appear as PeerIds,
 * which whoever shows the sentences may replace by names.
 */
export const explain = (
  state: SchedulerState,
  job: JobId,
  miniBatch?: MiniBatchIndex,
): readonly string[] => {
  if (miniBatch !== undefined) return story(state, job, miniBatch)
  const entry = state.jobs.get(job)
  if (entry === undefined) return [`Job ${job} is not known to this head.`]
  const lines = [countsSentence(entry)]
  if (entry.firstFailure !== '') lines.push(`The first failure: ${entry.firstFailure}`)
  if (entry.copies > 0) {
    lines.push(`${plural(entry.copies, 'attempt')} ran twice because the first took long.`)
  }
  if (entry.leasesLost > 0) {
    lines.push(`${plural(entry.leasesLost, 'lease')} ended because a machine was lost.`)
  }
  if (entry.duplicates > 0) {
    lines.push(`${plural(entry.duplicates, 'result')} came late or twice and were dropped.`)
  }
  if (entry.closed !== null) {
    lines.push(waitReasonToSentence(state, entry, 'job-ended'))
    return lines
  }
  // What machines with leases wait for stands in their own lines.
  const waits = entry.live > 0 ? '' : waitSentence(state, job)
  if (waits !== '') lines.push(waits)
  for (const peer of state.peers.values()) {
    const line = peerSentence(state, entry, peer)
    if (line !== '') lines.push(line)
  }
  return [...new Set(lines)]
}

const countsSentence = (entry: JobEntry): string => {
  const all = plural(entry.columns.count, 'mini-batch', 'mini-batches')
  const charged = entry.chargeKeys.size
  const halved = countIn(entry, cell.halved)
  return (
    `${all} planned${entry.planComplete ? '' : ' so far'}: ${String(countIn(entry, cell.committed))} committed, ` +
    `${String(countIn(entry, cell.leased))} leased, ${String(countIn(entry, cell.pending))} pending, ` +
    `${String(countIn(entry, cell.failed))} failed, ${String(countIn(entry, cell.canceled))} canceled` +
    (halved === 0 ? '' : `, ${String(halved)} halved`) +
    `${charged === 0 ? '' : `; ${plural(charged, 'attempt')} charged`}.`
  )
}

const peerSentence = (state: SchedulerState, entry: JobEntry, peer: PeerEntry): string => {
  const onPeer = peer.jobs.get(entry.id)
  // What holds for all machines is said once.
  const reason = jobReason(state, entry) === undefined ? waitReason(state, entry, peer) : undefined
  const why = reason === undefined ? '' : waitReasonToSentence(state, entry, reason, peer.peer)
  const note = noteSentence(entry, peer)
  if (onPeer === undefined || onPeer.live === 0) {
    return peer.liveness === 'unseen' || reason === 'nothing-pending' ? note : note || why
  }
  const speed = onPeer.runMs === null ? '' : `, about ${onPeer.runMs.toFixed(1)} ms each`
  return (
    `${peer.peer} holds ${plural(onPeer.live, 'lease')}, ${String(onPeer.ahead)} of them not started${speed}.` +
    (note === '' ? '' : ` ${note}`) +
    failedStarts(onPeer) +
    (why === '' || reason === 'slots-full' || reason === 'nothing-pending' ? '' : ` ${why}`)
  )
}

/** Starts that failed before the peer is set aside for them. */
const failedStarts = ({ initFailures, initMessage, setAsideBy }: PeerJob): string =>
  initFailures === 0 || setAsideBy !== null
    ? ''
    : ` Its worker process failed to start ${plural(initFailures, 'time')} so far: ${initMessage}`

/** What a peer does for the job before it can run anything of it. */
const noteSentence = (entry: JobEntry, peer: PeerEntry): string => {
  const note = peer.jobs.get(entry.id)?.note ?? ''
  return note === '' || peer.liveness === 'lost' ? '' : `${peer.peer}: ${note}`
}

/** The first such word, where nothing of the job runs yet anywhere. */
const firstNote = (state: SchedulerState, entry: JobEntry): string => {
  let note = ''
  for (const peer of state.peers.values()) {
    const onPeer = peer.jobs.get(entry.id)
    if (onPeer === undefined) continue
    if (onPeer.live > onPeer.ahead) return ''
    if (note === '') note = noteSentence(entry, peer)
  }
  return note
}

/** Most telling first: what one person could change stands before what passes by itself. */
const tellingFirst: readonly WaitReason[] = [
  'data-peer-away',
  'init-failed',
  'out-of-reach',
  'model-unreachable',
  'input-unreachable',
  'unknown-job',
  'pool-full',
  'outranked',
  'peer-set-aside',
  'peer-count',
  'peer-suspect',
  'not-greeted',
  'no-slots',
  'not-in-pool',
]

/** Machines that would not be asked anyway: whoever tells what keeps the others off need not mention them. */
const isAside = (reason: WaitReason): boolean => reason === 'no-slots' || reason === 'not-in-pool'

/** One line: why nothing of an open job runs; empty while something does, and for a job that has ended. */
export const waitSentence = (state: SchedulerState, job: JobId): string => {
  const entry = state.jobs.get(job)
  if (entry === undefined || entry.closed !== null) return ''
  if (entry.live > 0) return firstNote(state, entry)
  const all = jobReason(state, entry)
  if (all !== undefined) return waitReasonToSentence(state, entry, all)
  if (countIn(entry, cell.pending) === 0) {
    return waitReasonToSentence(state, entry, 'nothing-pending')
  }
  const peersBy = new Map<WaitReason, PeerId[]>()
  let asked = 0
  for (const peer of state.peers.values()) {
    if (peer.liveness === 'lost' || (!peer.greeted && peer.slots === 0)) continue
    const reason = peerReason(state, entry, peer)
    if (reason === undefined) return ''
    peersBy.set(reason, [...(peersBy.get(reason) ?? []), peer.peer])
    if (!isAside(reason)) asked++
  }
  for (const reason of tellingFirst) {
    const peers = peersBy.get(reason)
    if (peers === undefined) continue
    // "No machine" is said where it is true of each; that one is not in the pool says nothing of the others.
    const isTrueOfAll =
      reason === 'not-in-pool' || (peers.length > 1 && (isAside(reason) || peers.length === asked))
    const peer = isTrueOfAll ? undefined : peers[0]
    return waitReasonToSentence(state, entry, reason, peer)
  }
  return waitReasonToSentence(state, entry, 'no-workers')
}

/** What the ledger does not say of open jobs, for the heartbeat. */
export const jobDigests = (state: SchedulerState): readonly JobDigest[] =>
  state.open.map((entry) => ({
    job: entry.id,
    leased: countIn(entry, cell.leased),
    leasesLost: entry.leasesLost,
    waits: waitSentence(state, entry.id),
  }))

/**
 * One character a mini-batch from `from`, at most `count` of them: `.` pending, `l` leased, `c` committed,
 * `r` committed after a charge, `f` failed, `x` canceled, `h` halved. Empty for an unknown job.
 */
export const miniBatchStates = (
  state: SchedulerState,
  job: JobId,
  from: MiniBatchIndex,
  count: number,
): string => {
  const entry = state.jobs.get(job)
  if (entry === undefined) return ''
  const end = Math.min(entry.columns.count, from + count)
  const codes = new Uint8Array(Math.max(0, end - from))
  for (let i = 0; i < codes.length; i++) {
    const at = stateOf(entry, from + i)
    const retried = at === cell.committed && chargedOf(entry, from + i) > 0
    codes[i] = retried ? retriedCode : letters[at]
  }
  // A million letters added one by one would take ten times as long.
  return new TextDecoder().decode(codes)
}

const codeOf = (letter: string): number => letter.charCodeAt(0)
const retriedCode = codeOf('r')

const letters: Record<Cell, number> = {
  [cell.pending]: codeOf('.'),
  [cell.leased]: codeOf('l'),
  [cell.committed]: codeOf('c'),
  [cell.failed]: codeOf('f'),
  [cell.canceled]: codeOf('x'),
  [cell.halved]: codeOf('h'),
  [cell.void]: codeOf('c'),
}
