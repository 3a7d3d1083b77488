import { expect, test } from 'vitest'
import { limits } from '#protocol/limits.ts'
import type { JobSpecBase } from '#protocol/model/job.ts'
import {
  arrive,
  grant,
  leaseOf,
  leases,
  miniBatchesRun,
  ran,
  running,
  tokensOf,
  welcomed,
} from './scenario.ts'
import type { Scenario } from './scenario.ts'

const auto = { miniBatchSize: { kind: 'auto' } } as const
const runMs = 300

/**
 * One process has run mini-batch 0; of twelve more, which came one after the other, 1 runs in it and 2 waits behind
 * that, the others are at hand.
 */
const busy = (spec: Partial<JobSpecBase> = auto): Scenario => {
  const s = welcomed(1, spec)
  running(s, [leaseOf(0)])
  ran(s, 1, leaseOf(0), { runMs })
  s.ignoreRest()
  grant(s, leases(1, 12))
  arrive(s, leases(1, 12))
  expect(miniBatchesRun(s)).toEqual([1, 2])
  s.ignoreRest()
  return s
}

const together = (s: Scenario): readonly (readonly number[])[] =>
  s.take('runJoined').map((effect) => effect.leases.map(({ miniBatch }) => miniBatch))

/** Mini-batches 3 to 8 share a run that is under way. */
const sharing = (spec: Partial<JobSpecBase> = auto): Scenario => {
  const s = busy(spec)
  ran(s, 1, leaseOf(1), { runMs })
  ran(s, 1, leaseOf(2), { runMs })
  expect(together(s)).toEqual([[3, 4, 5, 6, 7, 8]])
  s.ignoreRest()
  return s
}
const shared = leases(3, 6)

test('what is at hand shares one run, as many as it does in two seconds by the measured speed', () => {
  expect(Math.floor(limits.joinedMs / runMs)).toBe(shared.length)
  const s = sharing()
  s.pass(limits.reportMs)
  // All of them have begun, and each ends with a word of its own.
  expect(s.take('sendStarted').flatMap(({ tokens }) => tokens)).toEqual(
    expect.arrayContaining([...tokensOf(shared)]),
  )
  s.ignoreRest()
  for (const lease of shared) ran(s, 1, lease, { runMs: 0.1 })
  expect(together(s)).toEqual([[9, 10, 11, 12]])
  for (const lease of leases(9, 4)) ran(s, 1, lease, { runMs: 0.1 })
  expect(s.take('packChunk').flatMap(({ tokens }) => tokens)).toHaveLength(12)
})

test.for([
  ['of a fixed size', { miniBatchSize: { kind: 'items', items: 10 } }],
  ['with partition keys', { ...auto, partitionKeys: ['shop'] }],
  ['of a job whose files are collected', { ...auto, outputAction: 'summary_only' }],
] as const)('mini-batches %s run one by one', ([, spec]) => {
  const s = busy(spec)
  ran(s, 1, leaseOf(1), { runMs })
  ran(s, 1, leaseOf(2), { runMs })
  expect(together(s)).toEqual([])
  expect(miniBatchesRun(s)).toEqual([3, 4])
})

test('a run limit that is short makes shared runs shorter', () => {
  const s = busy({ ...auto, runLimitMs: 1_300 })
  ran(s, 1, leaseOf(1), { runMs })
  expect(together(s)).toEqual([[3, 4]])
})

test('each process gets its share', () => {
  const s = welcomed(2, auto)
  const [one = 0, two = 0] = running(s, leases(0, 2))
  ran(s, one, leaseOf(0), { runMs })
  ran(s, two, leaseOf(1), { runMs })
  s.ignoreRest()
  grant(s, leases(2, 8))
  arrive(s, leases(2, 8))
  s.ignoreRest()
  // 2 and 3 run, 4 and 5 wait inside, 6 to 9 are at hand.
  ran(s, one, leaseOf(2), { runMs })
  expect(together(s)).toEqual([[6, 7]])
})

const oneByOne = (s: Scenario): readonly number[] => {
  arrive(
    s,
    s.take('fetchInput').map(({ lease }) => lease),
  )
  expect(together(s)).toEqual([])
  return miniBatchesRun(s)
}

test('when a shared run throws they run one by one, and only the one to blame is charged', () => {
  const s = sharing()
  s.tell({ kind: 'joinedFellApart', process: 1, tokens: tokensOf(shared), why: 'threw' })
  expect(s.state.reports.size()).toBe(0)
  expect(together(s)).toEqual([[9, 10, 11, 12]])
  for (const lease of leases(9, 4)) ran(s, 1, lease, { runMs })
  expect(oneByOne(s)).toEqual([3, 4])
  s.ignoreRest()
  const outcome = { kind: 'threw', message: 'x' } as const
  s.tell({ kind: 'attemptRan', process: 1, token: leaseOf(3).token, outcome })
  expect([...s.state.reports.values()].map(({ miniBatch }) => miniBatch)).toEqual([3])
  expect(miniBatchesRun(s)).toEqual([5])
})

test.for(['crashed', 'out-of-memory'] as const)(
  'when its process dies (%s) nobody is charged before it ran by itself',
  (how) => {
    const s = sharing()
    s.tell({ kind: 'processExited', process: 1, how, message: 'Signal 11.' })
    expect(s.state.reports.size()).toBe(0)
    s.tell({ kind: 'processStarted', process: 2, index: 0 })
    expect(together(s)).toEqual([[9, 10, 11, 12]])
    s.tell({ kind: 'processExited', process: 2, how, message: 'Signal 11.' })
    s.tell({ kind: 'processStarted', process: 3, index: 0 })
    const [alone] = oneByOne(s)
    s.tell({ kind: 'processExited', process: 3, how, message: 'Signal 11.' })
    expect([...s.state.reports.values()].map(({ miniBatch }) => miniBatch)).toEqual([alone])
  },
)

test('a shared run that takes too long is stopped and costs nothing', () => {
  const s = sharing()
  s.pass(5_000)
  expect(s.take('killProcess')).toHaveLength(1)
  s.tell({ kind: 'processExited', process: 1, how: 'killed', message: '' })
  expect(s.state.reports.size()).toBe(0)
})

test('when rows cannot be told apart the job runs one by one on this machine', () => {
  const s = sharing()
  s.tell({ kind: 'joinedFellApart', process: 1, tokens: tokensOf(shared), why: 'unsure' })
  expect(together(s)).toEqual([])
  expect(miniBatchesRun(s)).toEqual([9, 10])
  expect(oneByOne(s)).toEqual([])
  for (let at = 9; at <= 12; at++) ran(s, 1, leaseOf(at), { runMs })
  expect(together(s)).toEqual([])
})

test('after some shared runs that failed no further ones are tried', () => {
  const s = welcomed(1, auto)
  running(s, [leaseOf(0)])
  ran(s, 1, leaseOf(0), { runMs })
  let next = 1
  for (let broken = 0; broken < limits.brokenJoins; broken++) {
    const some = leases(next, 6)
    next += 6
    grant(s, some)
    arrive(s, some)
    s.ignoreRest()
    ran(s, 1, some[0]!, { runMs })
    const [apart = []] = s.take('runJoined').map((effect) => effect.leases)
    expect(apart).toHaveLength(4)
    ran(s, 1, some[1]!, { runMs })
    s.tell({ kind: 'joinedFellApart', process: 1, tokens: tokensOf(apart), why: 'threw' })
    arrive(s, apart)
    for (const lease of apart) ran(s, 1, lease, { runMs })
  }
  grant(s, leases(next, 6))
  arrive(s, leases(next, 6))
  ran(s, 1, leaseOf(next), { runMs })
  expect(together(s)).toEqual([])
})

test('what no longer counts stops a shared run only when nothing in it counts', () => {
  const s = sharing()
  const [first, ...others] = shared
  s.tell({ kind: 'leasesRevoked', tokens: tokensOf([first!]), reason: 'another-attempt-counts' })
  s.pass(limits.stopLoserMs + 1)
  expect(s.take('killProcess')).toEqual([])
  s.tell({ kind: 'leasesRevoked', tokens: tokensOf(others), reason: 'canceled' })
  expect(s.take('killProcess')).toHaveLength(1)
})
