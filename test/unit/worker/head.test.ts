import { expect, test } from 'vitest'
import { digest } from '#agent/worker/digest.ts'
import { explain } from '#agent/worker/explain.ts'
import { createWorker } from '#agent/worker/state.ts'
import { story } from '#agent/worker/story.ts'
import { transition } from '#agent/worker/transition.ts'
import { limits } from '#protocol/limits.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { createJob } from '#test/simulation/jobs.ts'
import {
  arrive,
  createScenario,
  grant,
  jobA,
  jobB,
  later,
  leaseOf,
  leases,
  miniBatchesRun,
  packed,
  ran,
  running,
  term,
  tokensOf,
  welcomed,
} from './scenario.ts'

test('a greeting names what is held and what is not settled', () => {
  const s = welcomed(1)
  running(s, leases(0, 3))
  ran(s, 1, leaseOf(0))
  s.pass(limits.chunkMs)
  packed(s, tokensOf([leaseOf(0)]))
  s.ignoreRest()
  s.tell({ kind: 'headLost' })
  s.tell({ kind: 'headFound', term: later })
  const [greeting] = s.take('greetHead')
  expect(greeting?.slots).toBe(1)
  expect(greeting?.held).toEqual(leases(1, 2))
  expect(greeting?.reports.map(({ miniBatch }) => miniBatch)).toEqual([0])
  s.expectNothingElse()
  // The greeting may have been lost: the report is offered until it is settled.
  s.tell({ kind: 'headFound', term: later })
  expect(s.take('greetHead')).toEqual([greeting])
  s.tell({ kind: 'welcomed', term: later })
  s.pass(limits.reportMs)
  // What runs is told as started again; the report travelled in the greeting.
  expect(s.take('sendStarted')).toMatchObject([{ tokens: [leaseOf(1).token] }])
  s.expectNothingElse()
})

test('without a head held leases go on and their results wait', () => {
  const s = welcomed(1)
  running(s, leases(0, 2))
  s.ignoreRest()
  s.tell({ kind: 'headLost' })
  ran(s, 1, leaseOf(0))
  expect(miniBatchesRun(s)).toEqual([1])
  ran(s, 1, leaseOf(1))
  expect(s.take('packChunk')).toHaveLength(1)
  packed(s, tokensOf(leases(0, 2)))
  s.pass(60_000)
  s.expectNothingElse()
  s.tell({ kind: 'headFound', term })
  expect(s.take('greetHead')).toMatchObject([
    { held: [], reports: [{ miniBatch: 0 }, { miniBatch: 1 }] },
  ])
})

test('a greeting without an answer is repeated, an answered one now and then', () => {
  const s = createScenario()
  s.tell({ kind: 'headFound', term })
  expect(s.take('greetHead')).toHaveLength(1)
  s.pass(limits.answerMs)
  expect(s.take('greetHead')).toHaveLength(1)
  s.tell({ kind: 'welcomed', term })
  s.pass(limits.answerMs)
  s.expectNothingElse()
  s.pass(limits.greetAgainMs)
  expect(s.take('greetHead')).toHaveLength(1)
})

test('words of an older term are ignored', () => {
  const s = welcomed(1)
  s.tell({ kind: 'headFound', term: later })
  s.ignoreRest()
  grant(s, leases(0, 2))
  s.tell({ kind: 'welcomed', term })
  s.tell({ kind: 'headFound', term })
  s.expectNothingElse()
  expect(s.state.link).toBe('greeting')
  expect(s.state.leases.size()).toBe(0)
})

test('a grant told twice is taken once', () => {
  const s = welcomed(1)
  grant(s, leases(0, 2))
  s.ignoreRest()
  grant(s, leases(0, 2))
  s.expectNothingElse()
  expect(s.state.leases.size()).toBe(2)
})

test('a revoked lease that has not begun is dropped silently', () => {
  const s = welcomed(1)
  grant(s, leases(0, 3))
  arrive(s, [leaseOf(0)])
  s.ignoreRest()
  s.tell({ kind: 'leasesRevoked', tokens: tokensOf(leases(0, 3)), reason: 'taken-back' })
  expect(s.take('dropInput')).toHaveLength(3)
  s.expectNothingElse()
  expect(s.state.leases.size()).toBe(0)
})

test('a lease only taken back goes on once begun, and its result is reported', () => {
  const s = welcomed(1)
  running(s, [leaseOf(0)])
  s.tell({ kind: 'leasesRevoked', tokens: [leaseOf(0).token], reason: 'taken-back' })
  ran(s, 1, leaseOf(0))
  expect(s.take('packChunk')).toHaveLength(1)
})

test('the loser of a copy ends by itself or is stopped after a second; its rows are dropped', () => {
  const s = welcomed(1)
  running(s, leases(0, 2))
  s.ignoreRest()
  s.tell({ kind: 'leasesRevoked', tokens: [leaseOf(0).token], reason: 'another-attempt-counts' })
  s.expectNothingElse()
  ran(s, 1, leaseOf(0))
  expect(s.take('dropRows')).toEqual([{ kind: 'dropRows', tokens: [leaseOf(0).token] }])
  s.ignoreRest()
  s.tell({ kind: 'leasesRevoked', tokens: [leaseOf(1).token], reason: 'another-attempt-counts' })
  s.pass(limits.stopLoserMs - 1)
  expect(s.take('killProcess')).toEqual([])
  s.pass(1)
  expect(s.take('killProcess')).toHaveLength(1)
  s.tell({ kind: 'processExited', process: 1, how: 'killed', message: '' })
  s.pass(limits.reportMs)
  expect(s.take('sendReports')).toEqual([])
  expect(s.state.leases.size()).toBe(0)
})

test('a canceled lease stops its process at once', () => {
  const s = welcomed(1)
  running(s, leases(0, 2))
  s.ignoreRest()
  s.tell({ kind: 'leasesRevoked', tokens: tokensOf(leases(0, 2)), reason: 'canceled' })
  expect(s.take('killProcess')).toHaveLength(1)
  expect(s.take('dropInput')).toHaveLength(1)
  s.expectNothingElse()
})

test('a job that ended leaves nothing behind', () => {
  const s = welcomed(2)
  running(s, leases(0, 8))
  ran(s, 1, leaseOf(0))
  s.pass(limits.chunkMs)
  packed(s, tokensOf([leaseOf(0)]))
  ran(s, 1, leaseOf(2))
  s.ignoreRest()
  s.tell({ kind: 'jobEnded', job: jobA })
  expect(s.take('killProcess')).toHaveLength(2)
  expect(s.take('dropRows')).toEqual([{ kind: 'dropRows', tokens: [leaseOf(2).token] }])
  expect(s.take('dropInput').length).toBeGreaterThan(0)
  s.expectNothingElse()
  expect([s.state.leases.size(), s.state.reports.size(), s.state.jobs.size]).toEqual([0, 0, 0])
  ran(s, 1, leaseOf(1))
  expect(s.take('dropRows')).toHaveLength(1)
  grant(s, leases(20, 2))
  s.tell({ kind: 'jobKnown', job: createJob(jobA, asPeerId('data')) })
  s.expectNothingElse()
})

test('leases of an unknown job wait for its record, and go back when it does not come', () => {
  const s = welcomed(1)
  const list = leases(0, 2, jobB)
  grant(s, list)
  s.expectNothingElse()
  s.pass(limits.unknownJobMs - 1)
  s.expectNothingElse()
  s.pass(1)
  expect(s.take('sendReturned')).toMatchObject([{ tokens: tokensOf(list), reason: 'unknown-job' }])
  grant(s, leases(5, 1, jobB))
  s.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')) })
  expect(s.take('fetchInput')).toHaveLength(1)
  expect(s.take('startProcess')).toHaveLength(1)
})

test('a refused job gives its leases back, now and later', () => {
  const s = welcomed(1)
  grant(s, leases(0, 2, jobB))
  s.tell({ kind: 'jobRefused', job: jobB, message: 'No role.' })
  expect(s.take('sendReturned')).toMatchObject([{ reason: 'init-failed', message: 'No role.' }])
  grant(s, leases(5, 1, jobB))
  expect(s.take('sendReturned')).toMatchObject([
    { tokens: tokensOf(leases(5, 1, jobB)), reason: 'init-failed' },
  ])
  s.expectNothingElse()
})

test('when the owner returns everything stops in the same step and goes back', () => {
  const s = welcomed(2)
  running(s, leases(0, 6))
  s.ignoreRest()
  const effects = s.tell({ kind: 'slotsChanged', slots: 0, reason: 'The keyboard is in use.' })
  expect(effects[0]).toEqual({ kind: 'sendSlots', slots: 0, reason: 'The keyboard is in use.' })
  expect(s.take('killProcess')).toHaveLength(2)
  const [back] = s.take('sendReturned')
  expect(back).toMatchObject({ reason: 'owner', message: 'The keyboard is in use.' })
  expect(back?.tokens).toHaveLength(6)
  s.take('sendSlots')
  expect(s.take('dropInput')).toHaveLength(4)
  s.expectNothingElse()
  grant(s, leases(20, 1))
  expect(s.take('sendReturned')).toMatchObject([{ reason: 'owner' }])
})

test('fewer slots stop the processes beyond, idle ones first', () => {
  const s = welcomed(2)
  running(s, leases(0, 2))
  ran(s, 1, leaseOf(0))
  s.ignoreRest()
  s.tell({ kind: 'slotsChanged', slots: 1, reason: '' })
  expect(s.take('killProcess')).toMatchObject([{ process: 1 }])
  expect(s.take('sendReturned')).toEqual([])
})

test('a lease in a process that is being stopped goes back once', () => {
  const s = welcomed(1, { runLimitMs: 100 })
  running(s, leases(0, 2))
  s.pass(100)
  s.ignoreRest()
  s.tell({ kind: 'slotsChanged', slots: 0, reason: '' })
  expect(s.take('sendReturned')).toMatchObject([{ tokens: tokensOf(leases(0, 2)) }])
  s.tell({ kind: 'processExited', process: 1, how: 'killed', message: '' })
  s.pass(limits.reportMs)
  expect(s.take('sendReports')).toEqual([])
})

test('draining packs and reports what ran and gives back the rest', () => {
  const s = welcomed(1)
  running(s, leases(0, 4))
  ran(s, 1, leaseOf(0))
  s.ignoreRest()
  s.tell({ kind: 'drainRequested' })
  expect(s.take('sendSlots')).toEqual([{ kind: 'sendSlots', slots: 0, reason: 'The agent stops.' }])
  expect(s.take('sendReturned')).toMatchObject([{ reason: 'draining' }])
  expect(s.take('packChunk')).toMatchObject([{ tokens: [leaseOf(0).token] }])
  packed(s, [leaseOf(0).token])
  expect(s.take('sendReports')).toHaveLength(1)
  s.ignoreRest()
  s.tell({ kind: 'drainRequested' })
  grant(s, leases(9, 1))
  expect(s.take('sendReturned')).toMatchObject([{ reason: 'draining' }])
  s.expectNothingElse()
})

test('explain, story and digest tell what is going on', () => {
  const s = welcomed(1)
  running(s, leases(0, 3))
  s.pass(40)
  expect(explain(s.state)).toEqual([
    `Job ${jobA}: 3 mini-batches to do, 0 of them being fetched; 1 process, 1 busy.`,
  ])
  expect(story(s.state, jobA, 0)).toEqual(['Attempt 1 runs since 40 ms.'])
  expect(story(s.state, jobA, 2)).toEqual([
    'Attempt 1 has its items and waits for a worker process.',
  ])
  expect(story(s.state, jobA, 9)).toEqual([])
  const copy = createWorker(asPeerId('ann'))
  for (const event of s.history) transition(copy, event)
  expect(digest(copy)).toBe(digest(s.state))
})
