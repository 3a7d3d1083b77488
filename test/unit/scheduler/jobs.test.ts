import { describe, expect, test } from 'vitest'
import { exceededThreshold } from '#agent/job/thresholds.ts'
import { digest } from '#agent/scheduler/digest.ts'
import { explain, jobDigests, miniBatchStates, waitSentence } from '#agent/scheduler/explain.ts'
import type { SchedulerFact } from '#agent/scheduler/event.ts'
import { createScheduler } from '#agent/scheduler/state.ts'
import { story } from '#agent/scheduler/story.ts'
import { transition } from '#agent/scheduler/transition.ts'
import { limits } from '#protocol/limits.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'
import {
  ann,
  createScenario,
  data,
  failed,
  finish,
  foreignLease,
  head,
  jobA,
  join,
  plan,
  submit,
  succeeded,
  termOne,
  withJob,
} from './scenario.ts'

test('cancel revokes, closes once, and nothing is granted after it', () => {
  const s = withJob(10)
  const leases = join(s, ann)
  s.tell({ kind: 'cancelRequested', job: jobA })
  expect(s.take('revokeLeases')).toEqual([
    {
      kind: 'revokeLeases',
      peer: ann,
      tokens: leases.map(({ token }) => token),
      reason: 'canceled',
    },
  ])
  expect(s.take('closeJob')).toMatchObject([{ outcome: 'canceled' }])
  s.tell({ kind: 'cancelRequested', job: jobA })
  s.pass(1_000)
  s.expectNothingElse()
  expect(miniBatchStates(s.state, jobA, 0, 10)).toBe('xxxxxxxxxx')
})

test('items over the threshold abort, items at it do not', () => {
  const s = withJob(6, { errorThreshold: 3 })
  const [a, b] = join(s, ann)
  if (a === undefined || b === undefined) throw new Error('no leases')
  finish(s, ann, [succeeded(a, { failed: 3 })])
  expect(s.take('closeJob')).toEqual([])
  s.ignoreRest()
  finish(s, ann, [succeeded(b, { failed: 1 })])
  expect(s.take('closeJob')).toEqual([
    {
      kind: 'closeJob',
      job: jobA,
      outcome: 'aborted',
      reason: '4 items failed, more than the 3 that error_threshold allows.',
    },
  ])
  expect(s.take('recordCommits')).toHaveLength(1)
  expect(s.take('revokeLeases')).toHaveLength(1)
  s.expectNothingElse()
})

test('a mini-batch that failed for good counts with all its items', () => {
  const s = withJob(6, { errorThreshold: 9, maxAttempts: 1 })
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  finish(s, ann, [failed(lease, 'It threw.')])
  expect(s.take('closeJob')).toMatchObject([
    {
      outcome: 'aborted',
      reason:
        '10 items failed, more than the 9 that error_threshold allows; the first failure: It threw.',
    },
  ])
})

describe('thresholds', () => {
  const at = (
    errorThreshold: number,
    items: number,
    miniBatchErrorThreshold = -1,
    miniBatches = 0,
  ) =>
    exceededThreshold({ errorThreshold, miniBatchErrorThreshold }, { items, miniBatches }) !==
    undefined
  test('strictly greater aborts, 0 tolerates none, -1 all', () => {
    expect([at(5, 5), at(5, 6), at(0, 0), at(0, 1), at(-1, 1_000_000)]).toEqual([
      false,
      true,
      false,
      true,
      false,
    ])
    expect([at(-1, 0, 2, 2), at(-1, 0, 2, 3), at(-1, 0, 0, 1), at(-1, 0, -1, 9)]).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

test('planFailed aborts with its sentence', () => {
  const t = createScenario()
  t.tell({ kind: 'termTaken', term: termOne })
  t.tell({ kind: 'jobSubmitted', job: createJob(jobA, data) })
  t.tell({ kind: 'planFailed', job: jobA, message: 'The folder is gone.' })
  expect(t.take('closeJob')).toMatchObject([{ outcome: 'aborted', reason: 'The folder is gone.' }])
})

test('a plan whose chunks do not fit together aborts', () => {
  const s = withJob(1)
  s.tell({ kind: 'jobSubmitted', job: createJob(jobId(3), data) })
  s.tell({ ...plan(jobId(3), 4), firstMiniBatch: 2 } as SchedulerFact)
  expect(s.take('closeJob')).toMatchObject([{ job: jobId(3), outcome: 'aborted' }])
})

test('a rebuilt job that is already complete is closed, one that is closed is left alone', () => {
  const s = createScenario()
  s.tell({ kind: 'termTaken', term: termOne })
  submit(s, jobA, 2)
  s.tell({
    kind: 'commitsRestored',
    job: jobA,
    commits: [0, 1].map((miniBatch) => ({ miniBatch, attempt: 1, succeeded: 10, failed: 0 })),
  })
  expect(s.take('closeJob')).toMatchObject([{ outcome: 'finished' }])
  const t = createScenario()
  t.tell({ kind: 'termTaken', term: termOne })
  t.tell({ kind: 'jobEnded', job: jobA })
  submit(t, jobA, 2)
  join(t, ann)
  t.pass(1_000)
  t.expectNothingElse()
})

test('commits of another head stop the leases of this one', () => {
  const s = withJob(4)
  const leases = join(s, ann)
  s.tell({
    kind: 'commitsRestored',
    job: jobA,
    commits: [{ miniBatch: 0, attempt: 5, succeeded: 10, failed: 0 }],
  })
  expect(s.take('revokeLeases')).toMatchObject([
    { tokens: [leases[0]?.token], reason: 'another-attempt-counts' },
  ])
})

test('only the newest ended jobs keep their mini-batches', () => {
  const s = withJob(1)
  for (let i = 0; i < limits.endedJobColumns + 1; i++) {
    s.tell({ kind: 'jobSubmitted', job: createJob(jobId(i), data) })
    s.tell(plan(jobId(i), 3))
    s.tell({ kind: 'jobEnded', job: jobId(i) })
  }
  expect(miniBatchStates(s.state, jobId(0), 0, 10)).toBe('')
  expect(miniBatchStates(s.state, jobId(1), 0, 10)).toBe('xxx')
  expect(story(s.state, jobId(0), 0)[0]).toMatch(/no longer kept/)
  s.tell({ ...plan(jobId(0), 3), chunk: 1 } as SchedulerFact)
  expect(miniBatchStates(s.state, jobId(0), 0, 10)).toBe('')
})

test('explain, story, map and digest tell what happened', () => {
  const s = withJob(4)
  const [a, b] = join(s, ann)
  if (a === undefined || b === undefined) throw new Error('no leases')
  expect(miniBatchStates(s.state, jobA, 0, 9)).toBe('ll..')
  finish(s, ann, [failed(a, 'It threw.')])
  const again = s.takeGrants(ann).find((lease) => lease.miniBatch === 0)
  if (again === undefined) throw new Error('not granted again')
  s.pass(200)
  finish(s, ann, [succeeded(again)])
  expect(miniBatchStates(s.state, jobA, 0, 2)).toBe('rl')
  expect(miniBatchStates(s.state, jobA, 1, 1)).toBe('l')
  expect(story(s.state, jobA, 0)).toEqual([
    'Mini-batch 0 has items 0 to 9; granted 2 times, charged 1.',
    '+0.000 s: attempt 1 was granted to ann.',
    '+0.000 s: attempt 1 at ann failed and was charged: It threw.',
    '+0.000 s: attempt 2 was granted to ann.',
    '+0.200 s: attempt 2 of ann counts.',
    'Now it is committed.',
  ])
  expect(explain(s.state, jobA)).toEqual([
    '4 mini-batches planned: 1 committed, 3 leased, 0 pending, 0 failed, 0 canceled; 1 attempt charged.',
    'The first failure: It threw.',
    'ann holds 3 leases, 3 of them not started, about 1.0 ms each.',
  ])
  expect(explain(s.state, jobA, 0)).toEqual(story(s.state, jobA, 0))
  expect(explain(s.state, jobId(9))).toEqual([`Job ${jobId(9)} is not known to this head.`])
  expect(jobDigests(s.state)).toEqual([{ job: jobA, leased: 3, leasesLost: 0, waits: '' }])
  expect(waitSentence(s.state, jobId(9))).toBe('')
  const copy = createScheduler(head)
  for (const event of s.history) transition(copy, event)
  expect(digest(copy)).toBe(digest(s.state))
  s.pass(1)
  expect(digest(copy)).not.toBe(digest(s.state))
})

test('a job without workers says so', () => {
  const s = withJob(4)
  expect(waitSentence(s.state, jobA)).toBe('No machine that could work is connected.')
  expect(explain(s.state, jobA)).toContain('No machine that could work is connected.')
})

/** A missing kind does not compile. */
const oneOfEach: {
  readonly [Kind in SchedulerFact['kind']]: Extract<SchedulerFact, { kind: Kind }>
} = {
  termTaken: { kind: 'termTaken', term: { number: 9, head: ann } },
  termLost: { kind: 'termLost', term: termOne },
  jobSubmitted: { kind: 'jobSubmitted', job: createJob(jobA, data) },
  planChunkAdded: {
    kind: 'planChunkAdded',
    job: jobA,
    chunk: 0,
    firstItem: 0,
    firstMiniBatch: 0,
    runs: [{ count: 2, items: 1 }],
    last: true,
  },
  planFailed: { kind: 'planFailed', job: jobId(5), message: 'x' },
  commitsRestored: {
    kind: 'commitsRestored',
    job: jobA,
    commits: [{ miniBatch: 0, attempt: 1, succeeded: 1, failed: 0 }],
  },
  chargesRestored: { kind: 'chargesRestored', job: jobA, charges: [] },
  halvingsRestored: { kind: 'halvingsRestored', job: jobA, parents: [1] },
  jobNoted: { kind: 'jobNoted', peer: ann, job: jobA, message: 'x' },
  pauseChanged: { kind: 'pauseChanged', job: jobA, paused: true, clock: 1, by: ann },
  poolsChanged: {
    kind: 'poolsChanged',
    pools: [{ name: 'quick', minPeers: 1, maxPeers: 2, members: [ann] }],
  },
  cancelRequested: { kind: 'cancelRequested', job: jobId(6) },
  jobEnded: { kind: 'jobEnded', job: jobId(7) },
  peerAlive: { kind: 'peerAlive', peer: ann },
  peerSuspected: { kind: 'peerSuspected', peer: ann },
  peerLost: { kind: 'peerLost', peer: ann },
  workerGreeted: {
    kind: 'workerGreeted',
    peer: ann,
    slots: 2,
    held: [foreignLease(1, termOne)],
    reports: [succeeded(foreignLease(1, termOne))],
  },
  slotsChanged: { kind: 'slotsChanged', peer: ann, slots: 3 },
  leasesStarted: { kind: 'leasesStarted', peer: ann, tokens: [foreignLease(1, termOne).token] },
  attemptsFinished: {
    kind: 'attemptsFinished',
    peer: ann,
    reports: [succeeded(foreignLease(1, termOne))],
  },
  leasesReturned: {
    kind: 'leasesReturned',
    peer: ann,
    tokens: [foreignLease(1, termOne).token],
    reason: 'owner',
    message: '',
  },
  initFailed: { kind: 'initFailed', peer: ann, job: jobA, message: 'x', processes: 1 },
  tick: { kind: 'tick' },
}

test('an agent that is not head says nothing, whatever it hears', () => {
  const s = createScenario()
  for (const fact of Object.values(oneOfEach)) s.tell(fact)
  for (const fact of Object.values(oneOfEach).toReversed()) s.tell(fact)
  s.expectNothingElse()
})
