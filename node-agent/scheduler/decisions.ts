import { limits } from '#protocol/limits.ts'
import type { AttemptSucceeded, Lease } from '#protocol/model/attempt.ts'
import type { Halving } from '#protocol/model/half.ts'
import type { JobId, MiniBatchIndex, Millis, PeerId } from '#protocol/model/ids.ts'
import type { Charge, CommitGroup, JobOutcome } from '#protocol/model/record.ts'
import type { RevokeReason } from '#protocol/model/revoke.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { SchedulerEffect, Settlement } from './effect.ts'
import type { JobEntry } from './state.ts'

export interface CommitDecision {
  readonly peer: PeerId
  readonly token: LeaseToken
  readonly miniBatch: MiniBatchIndex
  readonly attempt: number
  readonly outcome: AttemptSucceeded
}

export interface ChargeDecision {
  readonly token: LeaseToken
  readonly charge: Charge
  /** What the charge led to in place of another try. */
  readonly halving: Halving | undefined
}

/**
 * What one event led to, gathered so that it leaves in few messages: one record a job, one grant and one
 * revoke a peer. `scope` says where new leases may be possible after it.
 */
export interface Decisions {
  readonly now: Millis
  readonly welcomed: PeerId[]
  readonly commits: Map<JobId, CommitDecision[]>
  readonly charges: Map<JobId, ChargeDecision[]>
  readonly dropped: Map<PeerId, LeaseToken[]>
  readonly revoked: Map<PeerId, Map<RevokeReason, LeaseToken[]>>
  readonly granted: Map<PeerId, Lease[]>
  readonly closed: {
    readonly job: JobId
    readonly outcome: JobOutcome
    readonly reason: string
  }[]
  /** Jobs that may have come to their end. */
  readonly touched: Set<JobEntry>
  scope: 'none' | 'all' | PeerId
}

export const createDecisions = (now: Millis): Decisions => ({
  now,
  welcomed: [],
  commits: new Map(),
  charges: new Map(),
  dropped: new Map(),
  revoked: new Map(),
  granted: new Map(),
  closed: [],
  touched: new Set(),
  scope: 'none',
})

/** New leases may be possible at this peer; at everybody's once two peers are concerned. */
export const mayPlace = (decisions: Decisions, where: 'all' | PeerId): void => {
  if (decisions.scope === 'none' || decisions.scope === where) decisions.scope = where
  else decisions.scope = 'all'
}

export const dropReport = (decisions: Decisions, peer: PeerId, token: LeaseToken): void => {
  addTo(decisions.dropped, peer, token)
}

export const revoke = (
  decisions: Decisions,
  peer: PeerId,
  token: LeaseToken,
  reason: RevokeReason,
): void => {
  let byReason = decisions.revoked.get(peer)
  if (byReason === undefined) decisions.revoked.set(peer, (byReason = new Map()))
  addTo(byReason, reason, token)
}

export const addTo = <Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void => {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/**
 * The order matters: records before the end of the job they belong to, revokes before grants, so that a
 * peer has room for what comes.
 */
export const decisionsToEffects = (decisions: Decisions): SchedulerEffect[] => {
  const effects: SchedulerEffect[] = []
  for (const peer of decisions.welcomed) effects.push({ kind: 'welcomeWorker', peer })
  for (const [job, list] of decisions.commits) {
    for (const part of slices(list, limits.commitsPerRecord)) {
      effects.push({
        kind: 'recordCommits',
        job,
        groups: commitGroups(part),
        settlements: settlements(part.map(({ peer, token }) => ({ peer, token }))),
      })
    }
  }
  for (const [job, list] of decisions.charges) {
    for (const part of slices(list, limits.chargesPerRecord)) {
      effects.push({
        kind: 'recordCharges',
        job,
        charges: part.map(({ charge }) => charge),
        halvings: part.flatMap(({ halving }) => halving ?? []),
        settlements: settlements(part.map(({ charge, token }) => ({ peer: charge.peer, token }))),
      })
    }
  }
  for (const [peer, tokens] of decisions.dropped) {
    effects.push({ kind: 'settleReports', settlement: { peer, tokens } })
  }
  for (const [peer, byReason] of decisions.revoked) {
    for (const [reason, tokens] of byReason) {
      for (const part of slices(tokens, limits.leasesPerGrant)) {
        effects.push({ kind: 'revokeLeases', peer, tokens: part, reason })
      }
    }
  }
  for (const [peer, leases] of decisions.granted) {
    for (const part of slices(leases, limits.leasesPerGrant)) {
      effects.push({ kind: 'grantLeases', peer, leases: part })
    }
  }
  for (const close of decisions.closed) effects.push({ kind: 'closeJob', ...close })
  return effects
}

const slices = <T>(list: readonly T[], size: number): readonly (readonly T[])[] => {
  if (list.length <= size) return [list]
  const parts: (readonly T[])[] = []
  for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size))
  return parts
}

type Mutable<T> = {
  -readonly [Key in keyof T]: T[Key] extends readonly (infer V)[] ? V[] : T[Key]
}

/** One group for each chunk of each peer, in columns. */
const commitGroups = (commits: readonly CommitDecision[]): readonly CommitGroup[] => {
  const groups = new Map<string, Mutable<CommitGroup>>()
  for (const { peer, miniBatch, attempt, outcome } of commits) {
    const key = `${peer} ${outcome.chunk}`
    let group = groups.get(key)
    if (group === undefined) {
      group = {
        peer,
        chunk: outcome.chunk,
        miniBatches: [],
        attempts: [],
        positions: [],
        succeeded: [],
        failed: [],
        rows: [],
      }
      groups.set(key, group)
    }
    group.miniBatches.push(miniBatch)
    group.attempts.push(attempt)
    group.positions.push(outcome.position)
    group.succeeded.push(outcome.succeeded)
    group.failed.push(outcome.failed)
    group.rows.push(outcome.rows)
  }
  return [...groups.values()]
}

const settlements = (
  reports: readonly { readonly peer: PeerId; readonly token: LeaseToken }[],
): readonly Settlement[] => {
  const byPeer = new Map<PeerId, LeaseToken[]>()
  for (const { peer, token } of reports) addTo(byPeer, peer, token)
  return [...byPeer].map(([peer, tokens]) => ({ peer, tokens }))
}
