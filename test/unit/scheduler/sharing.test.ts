import { describe, expect, test } from 'vitest'
import { explain, waitSentence } from '#agent/scheduler/explain.ts'
import type { SchedulerFact } from '#agent/scheduler/event.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import {
  ann,
  bob,
  cat,
  finish,
  jobA,
  jobB,
  join,
  submit,
  succeeded,
  withJob,
  type Scenario,
} from './scenario.ts'

const pause = (job: typeof jobA, paused: boolean, clock: number): SchedulerFact => ({
  kind: 'pauseChanged',
  job,
  paused,
  clock,
  by: cat,
})

describe('pausing', () => {
  test('takes all leases back at once and free, and resuming grants them again', () => {
    const s = withJob(4)
    const leases = [...join(s, ann)]
    s.tell({ kind: 'leasesStarted', peer: ann, tokens: [leases[0]!.token] })
    leases.push(...s.takeGrants(ann))
    s.tell(pause(jobA, true, 1))
    const [revoked] = s.take('revokeLeases')
    expect(revoked).toMatchObject({ peer: ann, reason: 'paused' })
    expect(revoked?.tokens).toHaveLength(leases.length)
    s.pass(10_000)
    s.expectNothingElse()
    expect(waitSentence(s.state, jobA)).toBe('The job is paused; resume it to let it go on.')
    s.tell(pause(jobA, false, 2))
    expect(s.takeGrants(ann)).not.toEqual([])
    expect(s.state.jobs.get(jobA)?.chargeKeys.size).toBe(0)
  })

  test('lets a result that was under way count', () => {
    const s = withJob(1)
    const [lease] = join(s, ann)
    s.tell(pause(jobA, true, 1))
    s.ignoreRest()
    finish(s, ann, [succeeded(lease!)])
    expect(s.take('recordCommits')).toHaveLength(1)
    expect(s.take('closeJob')).toMatchObject([{ outcome: 'finished' }])
  })

  test('holds by the highest clock, in whatever order words come', () => {
    const s = withJob(4)
    s.tell(pause(jobA, false, 2))
    s.tell(pause(jobA, true, 1))
    expect(join(s, ann)).not.toEqual([])
  })

  test('is known to a head that takes over', () => {
    const s = withJob(4)
    s.tell(pause(jobA, true, 1))
    s.tell({ kind: 'termTaken', term: { number: 2, head: s.state.self } })
    expect(join(s, ann)).toEqual([])
  })
})

/** Slots of two peers, and the leases each job got of the first fill. */
const twoJobs = (a: object, b: object, slots: number): Scenario => {
  const s = withJob(200, a)
  submit(s, jobB, 200, b)
  join(s, ann, slots)
  return s
}

const perJob = (leases: readonly Lease[]): readonly number[] =>
  [jobA, jobB].map((job) => leases.filter((lease) => lease.job === job).length)

describe('several jobs', () => {
  test('of equal weight get the same', () => {
    const s = withJob(200)
    submit(s, jobB, 200)
    expect(perJob(join(s, ann, 8))).toEqual([8, 8])
  })

  test('share by weight', () => {
    const s = withJob(200, { weight: 3 })
    submit(s, jobB, 200, { weight: 1 })
    expect(perJob(join(s, ann, 8))).toEqual([12, 4])
  })

  test('of higher priority go first, and what others have not begun makes way', () => {
    const s = withJob(200)
    const low = join(s, ann, 2)
    s.tell({ kind: 'leasesStarted', peer: ann, tokens: [low[0]!.token] })
    submit(s, jobB, 200, { priority: 1 })
    s.pass(250)
    const taken = s.take('revokeLeases').flatMap((effect) => effect.tokens)
    expect(taken).toHaveLength(low.length - 1)
    expect(perJob(s.takeGrants(ann))).toEqual([0, 4])
    expect(waitSentence(s.state, jobA)).toBe('')
    expect(explain(s.state, jobA).join(' ')).toContain('A job of higher priority takes ann.')
  })

  test('of lower priority get what the higher one cannot use', () => {
    const s = twoJobs({}, { priority: 5, processesPerPeer: 1 }, 4)
    const open = s.state.peers.get(ann)!
    expect(open.jobs.get(jobB)?.live).toBe(2)
    expect(open.jobs.get(jobA)?.live).toBe(6)
  })

  test('come to their turn again when the higher one is paused', () => {
    const s = twoJobs({}, { priority: 5 }, 2)
    expect(s.state.peers.get(ann)?.jobs.get(jobA)?.live ?? 0).toBe(0)
    s.tell(pause(jobB, true, 1))
    s.pass(250)
    expect(s.state.peers.get(ann)?.jobs.get(jobA)?.live).toBe(4)
  })
})

const pool = (
  members: readonly PeerId[],
  more: { readonly minPeers?: number; readonly maxPeers?: number } = {},
): SchedulerFact => ({
  kind: 'poolsChanged',
  pools: [{ name: 'gpu', minPeers: more.minPeers ?? 0, maxPeers: more.maxPeers ?? null, members }],
})

describe('pools', () => {
  test('keep a job to their machines', () => {
    const s = withJob(20, { pool: 'gpu' })
    s.tell(pool([bob]))
    expect(join(s, ann)).toEqual([])
    expect(explain(s.state, jobA)).toContain('ann is not in the pool "gpu".')
    expect(waitSentence(s.state, jobA)).toBe('No machine that is here is in the pool "gpu".')
    expect(join(s, bob)).not.toEqual([])
  })

  test('let a job wait, and say so, while fewer than minPeers can work', () => {
    const s = withJob(20, { pool: 'gpu' })
    expect(waitSentence(s.state, jobA)).toBe(
      'There is no pool "gpu"; the job waits until there is one of that name.',
    )
    s.tell(pool([ann, bob], { minPeers: 2 }))
    expect(join(s, ann)).toEqual([])
    expect(waitSentence(s.state, jobA)).toBe(
      'Waits for the pool "gpu", of whose machines 1 can work now; it needs 2.',
    )
    expect(join(s, bob)).not.toEqual([])
  })

  test('lend no more than maxPeers machines, and another when one leaves', () => {
    const s = withJob(20, { pool: 'gpu' })
    s.tell(pool([ann, bob, cat], { maxPeers: 1 }))
    expect(join(s, ann)).not.toEqual([])
    expect(join(s, bob)).toEqual([])
    expect(explain(s.state, jobA)).toContain('The pool "gpu" uses as many machines as it may.')
    s.tell({ kind: 'peerLost', peer: ann })
    s.pass(250)
    expect(s.takeGrants(bob)).not.toEqual([])
  })

  test('that change take back what was not begun outside them', () => {
    const s = withJob(20, { pool: 'gpu' })
    s.tell(pool([ann]))
    const leases = [...join(s, ann)]
    s.tell({ kind: 'leasesStarted', peer: ann, tokens: [leases[0]!.token] })
    leases.push(...s.takeGrants(ann))
    s.tell(pool([bob]))
    expect(s.take('revokeLeases')).toMatchObject([
      { peer: ann, reason: 'taken-back', tokens: leases.slice(1).map(({ token }) => token) },
    ])
  })
})
