import { expect, test } from 'vitest'
import { miniBatchStates } from '#agent/scheduler/explain.ts'
import { story } from '#agent/scheduler/story.ts'
import { halve } from '#protocol/model/half.ts'
import {
  ann,
  bob,
  failed,
  finish,
  jobA,
  join,
  miniBatchesOf,
  succeeded,
  withJob,
  type Scenario,
} from './scenario.ts'

const died = 'The worker process died of signal 11.'
const [first, second] = halve({ miniBatch: 0, firstItem: 0, items: 10 })

/** Lets the process of the one lease that ann holds die; returns what she gets after it. */
const die = (s: Scenario): void => {
  const [lease] = s.takeGrants(ann)
  if (lease === undefined) throw new Error('nothing was granted')
  finish(s, ann, [failed(lease, died, 'process-died')])
}

test('a mini-batch whose last charge is a death of its process is halved in one step with the charge', () => {
  const s = withJob(1, { maxAttempts: 2 })
  const [lease] = join(s, ann)
  finish(s, ann, [failed(lease!, died, 'process-died')])
  expect(s.take('recordCharges').map((effect) => effect.halvings)).toEqual([[]])
  die(s)
  const [effect] = s.take('recordCharges')
  expect(effect?.charges).toMatchObject([{ miniBatch: 0, final: false, cause: 'process-died' }])
  expect(effect?.halvings).toEqual([{ parent: 0, halves: [first, second] }])
  expect(miniBatchStates(s.state, jobA, 0, 1)).toBe('h')
  const halves = s.takeGrants(ann)
  expect(halves).toMatchObject([
    { miniBatch: first.miniBatch, attempt: 1, firstItem: 0, items: 5 },
    { miniBatch: second.miniBatch, attempt: 1, firstItem: 5, items: 5 },
  ])
  finish(
    s,
    ann,
    halves.map((half, i) => succeeded(half, {}, i)),
  )
  s.take('recordCommits')
  expect(s.take('closeJob')).toMatchObject([{ outcome: 'finished', reason: '' }])
})

test('a last charge of another kind fails the mini-batch whole, and so does a death of a single item', () => {
  const s = withJob(1, { maxAttempts: 1 })
  const [lease] = join(s, ann)
  finish(s, ann, [failed(lease!)])
  expect(s.take('recordCharges')).toMatchObject([{ halvings: [], charges: [{ final: true }] }])
})

test('halving goes on down to the poison item: it alone fails, and the job finishes', () => {
  const s = withJob(1, { maxAttempts: 1 })
  let leases = join(s, ann)
  const poison = 7
  let deaths = 0
  while (leases.length > 0) {
    finish(
      s,
      ann,
      leases.map((lease) => {
        const isDeadly = lease.firstItem <= poison && poison < lease.firstItem + lease.items
        if (isDeadly) deaths++
        return isDeadly ? failed(lease, died, 'process-died') : succeeded(lease)
      }),
    )
    leases = s.takeGrants(ann)
  }
  const charges = s.take('recordCharges').flatMap((effect) => effect.charges)
  expect(charges.filter((charge) => charge.final)).toHaveLength(1)
  expect(deaths).toBe(4)
  const committed = s.take('recordCommits').flatMap(({ groups }) => groups)
  const items = committed.flatMap((group) => group.succeeded).reduce((sum, count) => sum + count, 0)
  expect(items).toBe(9)
  expect(s.take('closeJob')).toMatchObject([
    { outcome: 'finished', reason: `1 mini-batch failed; the first failure: ${died}` },
  ])
  expect(story(s.state, jobA, 0).join('\n')).toMatch(
    /It was halved: 5a has items 0 to 4, 5b has items 5 to 9\./,
  )
  expect(story(s.state, jobA, 0)).toContain('Half 7b with item 7 is failed.')
  expect(story(s.state, jobA, 0).at(-1)).toBe('Half 8b with items 8 to 9 is committed.')
})

test('halves start without charges', () => {
  const s = withJob(1, { maxAttempts: 2 })
  const [lease] = join(s, ann)
  finish(s, ann, [failed(lease!, died, 'process-died')])
  die(s)
  const [half] = s.takeGrants(ann)
  finish(s, ann, [failed(half!)])
  expect(s.take('recordCharges').at(-1)?.charges).toMatchObject([
    { miniBatch: first.miniBatch, attempt: 1, final: false },
  ])
})

test('a result of a halved mini-batch is dropped: its halves may count already', () => {
  const s = withJob(2, { maxAttempts: 1 })
  const [lease, other] = join(s, ann)
  finish(s, ann, [failed(lease!, died, 'process-died')])
  s.ignoreRest()
  finish(s, ann, [succeeded({ ...lease!, token: { ...lease!.token, leaseId: 99 } })])
  expect(s.take('recordCommits')).toEqual([])
  expect(s.take('settleReports')).toMatchObject([{ settlement: { peer: ann } }])
  finish(s, ann, [succeeded(other!)])
  expect(s.take('recordCommits')).toHaveLength(1)
})

test('a copy that still runs when its mini-batch is halved is stopped', () => {
  const s = withJob(1, { maxAttempts: 1 })
  const [lease] = join(s, ann)
  s.tell({
    kind: 'workerGreeted',
    peer: bob,
    slots: 1,
    held: [{ ...lease!, token: { term: { number: 0, head: bob }, leaseId: 1 }, attempt: 5 }],
    reports: [],
  })
  s.ignoreRest()
  finish(s, ann, [failed(lease!, died, 'process-died')])
  expect(s.take('revokeLeases')).toMatchObject([
    { peer: bob, reason: 'another-attempt-counts', tokens: [{ leaseId: 1 }] },
  ])
})

test('another head halved it: its leases end, and the halves are granted', () => {
  const s = withJob(1)
  const [lease] = join(s, ann)
  s.tell({ kind: 'halvingsRestored', job: jobA, parents: [0] })
  expect(s.take('revokeLeases')).toMatchObject([{ peer: ann, tokens: [lease!.token] }])
  s.pass(1_000)
  expect(miniBatchesOf(s.takeGrants(ann))).toEqual([first.miniBatch, second.miniBatch])
})

test('a commit of the whole by another head counts before those of its halves', () => {
  const s = withJob(1, { maxAttempts: 1 })
  const [lease] = join(s, ann)
  finish(s, ann, [failed(lease!, died, 'process-died')])
  const [half] = s.takeGrants(ann)
  finish(s, ann, [succeeded(half!, { failed: 2 })])
  s.ignoreRest()
  s.tell({
    kind: 'commitsRestored',
    job: jobA,
    commits: [{ miniBatch: 0, attempt: 4, succeeded: 10, failed: 0 }],
  })
  expect(s.take('closeJob')).toMatchObject([{ outcome: 'finished', reason: '' }])
  expect(s.state.jobs.get(jobA)?.failedItems).toBe(0)
  expect(miniBatchStates(s.state, jobA, 0, 1)).toBe('r')
})

test('a commit of a half tells that its whole was halved, before the record of it comes', () => {
  const s = withJob(1)
  s.tell({
    kind: 'commitsRestored',
    job: jobA,
    commits: [{ miniBatch: second.miniBatch, attempt: 1, succeeded: 5, failed: 0 }],
  })
  expect(miniBatchStates(s.state, jobA, 0, 1)).toBe('h')
  s.pass(1_000)
  expect(miniBatchesOf(join(s, ann))).toEqual([first.miniBatch])
})
