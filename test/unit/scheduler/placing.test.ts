import { expect, test } from 'vitest'
import { limits } from '#protocol/limits.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import {
  ann,
  bob,
  cat,
  finish,
  greet,
  jobA,
  jobB,
  join,
  miniBatchesOf,
  submit,
  succeeded,
  withJob,
  type Scenario,
} from './scenario.ts'

const start = (s: Scenario, peer: PeerId, leases: readonly Lease[]): void => {
  s.tell({ kind: 'leasesStarted', peer, tokens: leases.map(({ token }) => token) })
}

test('a slot starts with two leases and then holds half a second of measured work', () => {
  const s = withJob(10_000)
  const first = join(s, ann)
  expect(first).toHaveLength(limits.firstLeasesPerSlot)
  finish(
    s,
    ann,
    first.map((lease) => succeeded(lease, { runMs: 25 })),
  )
  expect(s.takeGrants(ann)).toHaveLength(20)
})

test('where Muster sizes mini-batches a slot holds two seconds of measured work', () => {
  const s = withJob(10_000, { miniBatchSize: { kind: 'auto' } })
  const first = join(s, ann)
  finish(
    s,
    ann,
    first.map((lease) => succeeded(lease, { runMs: 25 })),
  )
  expect(s.takeGrants(ann)).toHaveLength(80)
})

test('runs of a tenth of a millisecond fill a slot to its bound, in few messages', () => {
  const s = withJob(10_000)
  const first = join(s, ann)
  finish(
    s,
    ann,
    first.map((lease) => succeeded(lease, { runMs: 0.1 })),
  )
  s.take('recordCommits')
  const grants = s.take('grantLeases')
  expect(grants).toHaveLength(1)
  const leases = grants.flatMap((grant) => grant.leases)
  expect(leases).toHaveLength(limits.leasesPerSlot)
  // Not one by one: nothing until half is used up.
  const half = limits.leasesPerSlot / 2
  start(s, ann, leases.slice(0, half - 2))
  start(s, ann, leases.slice(half - 2, half - 1))
  s.expectNothingElse()
  start(s, ann, leases.slice(half - 1, half))
  expect(s.takeGrants(ann)).toHaveLength(half)
  s.expectNothingElse()
})

test('a worker that cannot report gets no more than its bound', () => {
  const s = withJob(10_000)
  let leases = join(s, ann)
  finish(
    s,
    ann,
    leases.map((lease) => succeeded(lease)),
  )
  leases = s.takeGrants(ann)
  while (leases.length > 0) {
    start(s, ann, leases)
    leases = s.takeGrants(ann)
  }
  expect(s.state.peers.get(ann)?.leases.size).toBe(limits.liveLeasesPerSlot)
})

test('near the end a slot holds a fair share, but at least a tenth of a second of work', () => {
  const s = withJob(100)
  const a = join(s, ann)
  const b = join(s, bob)
  finish(
    s,
    ann,
    a.map((lease) => succeeded(lease, { runMs: 50 })),
  )
  // 96 are left for two slots: a quarter would be 24, half a second of work is 10.
  expect(s.takeGrants(ann)).toHaveLength(10)
  finish(
    s,
    bob,
    b.map((lease) => succeeded(lease, { runMs: 10 })),
  )
  // 86 are left; its two first leases go out, of the rest it may hold a quarter.
  expect(s.takeGrants(bob)).toHaveLength(21)
})

test('when work is short every idle slot gets one before anyone gets two', () => {
  const t = withJob(1)
  t.tell({ kind: 'cancelRequested', job: jobA })
  greet(t, ann, 1)
  greet(t, bob, 1)
  greet(t, cat, 1)
  t.ignoreRest()
  submit(t, jobB, 4)
  expect(miniBatchesOf(t.takeGrants(ann))).toEqual([0, 3])
  expect(miniBatchesOf(t.takeGrants(bob))).toEqual([1])
  expect(miniBatchesOf(t.takeGrants(cat))).toEqual([2])
})

test('processesPerPeer and peerCount are kept', () => {
  const s = withJob(100, { processesPerPeer: 2, peerCount: 1 })
  expect(join(s, ann, 8)).toHaveLength(2 * limits.firstLeasesPerSlot)
  expect(join(s, bob, 8)).toEqual([])
  s.tell({ kind: 'peerLost', peer: ann })
  expect(s.takeGrants(bob)).toHaveLength(2 * limits.firstLeasesPerSlot)
  greet(s, ann, 8)
  expect(s.takeGrants(ann)).toEqual([])
})

test('two jobs share by fewest leases, the older first', () => {
  const s = withJob(100)
  submit(s, jobB, 100)
  const leases = join(s, ann, 4)
  const of = (job: typeof jobA): number => leases.filter((lease) => lease.job === job).length
  expect([of(jobA), of(jobB)]).toEqual([4, 4])
})

test('a second job gets its first leases beside a full peer', () => {
  const s = withJob(1_000)
  const first = join(s, ann, 2)
  finish(
    s,
    ann,
    first.map((lease) => succeeded(lease)),
  )
  expect(s.takeGrants(ann).length).toBeGreaterThan(60)
  s.ignoreRest()
  submit(s, jobB, 100)
  expect(s.takeGrants(ann).map(({ job }) => job)).toEqual([jobB, jobB])
})

test('not-started leases are taken back from a slow machine for an idle one', () => {
  const s = withJob(4)
  const slow = join(s, ann)
  const fast = join(s, bob)
  start(s, ann, slow.slice(0, 1))
  finish(
    s,
    bob,
    fast.map((lease) => succeeded(lease, { runMs: 10 })),
  )
  const rest = s.takeGrants(bob)
  finish(
    s,
    bob,
    rest.map((lease) => succeeded(lease, { runMs: 10 })),
  )
  s.ignoreRest()
  s.pass(limits.copyLeastMs + limits.takeBackLeastMs + 1)
  expect(s.take('revokeLeases')).toEqual([
    { kind: 'revokeLeases', peer: ann, tokens: [slow[1]?.token], reason: 'taken-back' },
  ])
  expect(miniBatchesOf(s.takeGrants(bob))).toContain(slow[1]?.miniBatch)
})

test('a running straggler is copied once; the first result counts and the other is revoked', () => {
  const s = withJob(3)
  const slow = join(s, ann).slice(0, 1)
  const other = s.state.leases
  expect(other.size()).toBe(2)
  const rest = join(s, bob)
  start(s, ann, slow)
  finish(
    s,
    bob,
    rest.map((lease) => succeeded(lease, { runMs: 100 })),
  )
  s.ignoreRest()
  s.pass(limits.copyLeastMs + 1)
  const copied = s.takeGrants(bob)
  const straggler = slow[0]
  if (straggler === undefined) throw new Error('no lease')
  const copy = copied.find((lease) => lease.miniBatch === straggler.miniBatch)
  if (copy === undefined) throw new Error('no copy')
  expect(copy.attempt).toBe(2)
  s.ignoreRest()
  s.pass(limits.copyLeastMs * 2)
  expect(s.takeGrants(bob)).toEqual([])
  finish(s, bob, [succeeded(copy)])
  expect(s.take('recordCommits')).toMatchObject([{ groups: [{ peer: bob, attempts: [2] }] }])
  expect(s.take('revokeLeases')).toMatchObject([
    { peer: ann, tokens: [straggler.token], reason: 'another-attempt-counts' },
  ])
})
