import { expect, test } from 'vitest'
import { asPeerId } from '#protocol/model/ids.ts'
import {
  ann,
  bob,
  failed,
  finish,
  foreignLease,
  greet,
  jobA,
  join,
  miniBatchesOf,
  succeeded,
  termOne,
  withJob,
} from './scenario.ts'

test('a success is committed at once, grouped by peer and chunk, and refills the slot', () => {
  const s = withJob(8)
  const leases = join(s, ann, 2)
  expect(miniBatchesOf(leases)).toEqual([0, 1, 2, 3])
  s.expectNothingElse()
  const [a, b, c] = leases
  if (a === undefined || b === undefined || c === undefined) throw new Error('no leases')
  finish(s, ann, [
    succeeded(b, { chunk: 'x' }, 0),
    succeeded(a, { chunk: 'x', failed: 2 }, 1),
    succeeded(c, { chunk: 'y' }, 0),
  ])
  expect(s.take('recordCommits')).toEqual([
    {
      kind: 'recordCommits',
      job: jobA,
      groups: [
        {
          peer: ann,
          chunk: 'x',
          miniBatches: [1, 0],
          attempts: [1, 1],
          positions: [0, 1],
          succeeded: [10, 8],
          failed: [0, 2],
          rows: [10, 8],
        },
        {
          peer: ann,
          chunk: 'y',
          miniBatches: [2],
          attempts: [1],
          positions: [0],
          succeeded: [10],
          failed: [0],
          rows: [10],
        },
      ],
      settlements: [{ peer: ann, tokens: [b.token, a.token, c.token] }],
    },
  ])
  expect(miniBatchesOf(s.takeGrants(ann))).toEqual([4, 5, 6, 7])
  s.expectNothingElse()
})

test('the last commit is recorded before the job is closed', () => {
  const s = withJob(2)
  const leases = join(s, ann)
  finish(
    s,
    ann,
    leases.map((lease, i) => succeeded(lease, {}, i)),
  )
  const kinds = s.history.length > 0 ? s.take('recordCommits').length : 0
  expect(kinds).toBe(1)
  expect(s.take('closeJob')).toEqual([
    { kind: 'closeJob', job: jobA, outcome: 'finished', reason: '' },
  ])
  s.expectNothingElse()
  s.pass(1_000)
  s.expectNothingElse()
})

test('records come before the close in the same step', () => {
  const s = withJob(1)
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  const effects = s.tell({ kind: 'attemptsFinished', peer: ann, reports: [succeeded(lease)] })
  expect(effects.map(({ kind }) => kind)).toEqual(['recordCommits', 'closeJob'])
})

test('a doubled report is settled and not recorded again', () => {
  const s = withJob(8)
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  finish(s, ann, [succeeded(lease)])
  s.ignoreRest()
  finish(s, ann, [succeeded(lease)])
  expect(s.take('settleReports')).toEqual([
    { kind: 'settleReports', settlement: { peer: ann, tokens: [lease.token] } },
  ])
  s.expectNothingElse()
  expect(s.state.counters.duplicates).toBe(1)
})

test('a success of an unknown lease of an older term counts, and the live lease is revoked', () => {
  const s = withJob(4)
  const leases = join(s, ann, 2)
  const late = foreignLease(1, { number: 0, head: asPeerId('elder') }, 1)
  finish(s, bob, [succeeded(late)])
  expect(s.take('recordCommits')).toMatchObject([{ groups: [{ peer: bob, miniBatches: [1] }] }])
  expect(s.take('revokeLeases')).toEqual([
    {
      kind: 'revokeLeases',
      peer: ann,
      tokens: [leases[1]?.token],
      reason: 'another-attempt-counts',
    },
  ])
  s.expectNothingElse()
})

test('a failure is charged and tried again; the last one fails the mini-batch', () => {
  const s = withJob(1, { maxAttempts: 2 })
  const [first] = join(s, ann)
  if (first === undefined) throw new Error('no lease')
  finish(s, ann, [failed(first, 'It threw.')])
  const charge = {
    miniBatch: 0,
    attempt: 1,
    peer: ann,
    cause: 'threw',
    message: 'It threw.',
    final: false,
  }
  expect(s.take('recordCharges')).toEqual([
    {
      kind: 'recordCharges',
      halvings: [],
      job: jobA,
      charges: [charge],
      settlements: [{ peer: ann, tokens: [first.token] }],
    },
  ])
  const [second] = s.takeGrants(ann)
  expect(second?.attempt).toBe(2)
  if (second === undefined) throw new Error('no lease')
  finish(s, ann, [failed(second)])
  expect(s.take('recordCharges')).toMatchObject([{ charges: [{ attempt: 2, final: true }] }])
  expect(s.take('closeJob')).toMatchObject([
    { outcome: 'finished', reason: 'all 1 mini-batch failed; the first failure: It threw.' },
  ])
  s.expectNothingElse()
})

test('a failure told twice costs once', () => {
  const s = withJob(4)
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  finish(s, ann, [failed(lease)])
  s.ignoreRest()
  finish(s, ann, [failed(lease)])
  expect(s.take('settleReports')).toHaveLength(1)
  s.expectNothingElse()
})

test('a late success after the last failure counts until the job is closed', () => {
  const s = withJob(2, { maxAttempts: 1 })
  const leases = join(s, ann)
  const [lease] = leases
  if (lease === undefined) throw new Error('no lease')
  finish(s, ann, [failed(lease)])
  s.ignoreRest()
  finish(s, bob, [succeeded(foreignLease(0, { number: 0, head: asPeerId('elder') }))])
  expect(s.take('recordCommits')).toMatchObject([{ groups: [{ peer: bob, miniBatches: [0] }] }])
  s.expectNothingElse()
})

test('a report about another mini-batch than the lease is nobody’s lease', () => {
  const s = withJob(4)
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  finish(s, ann, [failed({ ...lease, miniBatch: 3 })])
  expect(s.take('settleReports')).toHaveLength(1)
  s.expectNothingElse()
  expect(s.state.leases.has(lease.token)).toBe(true)
})

test('a report of another peer does not end the holder’s lease', () => {
  const s = withJob(4)
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  finish(s, bob, [failed(lease)])
  expect(s.take('settleReports')).toHaveLength(1)
  s.expectNothingElse()
  expect(s.state.leases.has(lease.token)).toBe(true)
})

test('reports of unknown jobs are left for later; those of closed jobs are settled', () => {
  const s = withJob(2)
  const leases = join(s, ann)
  const stranger = { ...foreignLease(0, termOne), job: 'unknown' as typeof jobA }
  finish(s, ann, [succeeded(stranger)])
  s.expectNothingElse()
  s.tell({ kind: 'cancelRequested', job: jobA })
  s.ignoreRest()
  finish(
    s,
    ann,
    leases.map((lease) => succeeded(lease)),
  )
  expect(s.take('settleReports')).toMatchObject([
    { settlement: { tokens: leases.map(({ token }) => token) } },
  ])
  s.expectNothingElse()
})

test('reports in a greeting are judged before what the greeting no longer names is freed', () => {
  const s = withJob(4)
  const [lease, other] = join(s, ann)
  if (lease === undefined || other === undefined) throw new Error('no lease')
  greet(s, ann, 1, { held: [other], reports: [failed(lease)] })
  expect(s.take('welcomeWorker')).toHaveLength(1)
  expect(s.take('recordCharges')).toMatchObject([{ charges: [{ miniBatch: 0, attempt: 1 }] }])
})
