import { expect, test } from 'vitest'
import { holders, timeline } from '#agent/scheduler/timeline.ts'
import { limits } from '#protocol/limits.ts'
import { ann, bob, data, failed, finish, jobA, join, succeeded, withJob } from './scenario.ts'

test('tells who ran what and when, the retry and the lost machine too', () => {
  const s = withJob(3)
  const start = s.now()
  const [first, second, third] = join(s, ann, 2)
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('no leases')
  s.pass(100)
  s.tell({ kind: 'leasesStarted', peer: ann, tokens: [first.token, second.token] })
  s.pass(900)
  finish(s, ann, [succeeded(first), failed(second, 'It threw.')])
  s.pass(50)
  s.tell({ kind: 'peerLost', peer: ann })
  const { at, from, spans } = timeline(s.state, jobA, 0)
  expect([at, from]).toEqual([start + 1_050, 0])
  const known = { peer: ann, grantedAt: start }
  expect(spans.slice(0, 3)).toEqual([
    {
      ...known,
      miniBatch: 0,
      attempt: 1,
      startedAt: start + 100,
      endedAt: start + 1_000,
      runMs: 1,
      outcome: 'committed',
      detail: '',
    },
    {
      ...known,
      miniBatch: 1,
      attempt: 1,
      startedAt: start + 100,
      endedAt: start + 1_000,
      runMs: null,
      outcome: 'charged',
      detail: 'It threw.',
    },
    expect.objectContaining({
      ...known,
      miniBatch: 2,
      startedAt: null,
      endedAt: start + 1_050,
      outcome: 'freed',
    }),
  ])
  // The second attempt of mini-batch 1 went with the machine as well.
  expect(spans[3]).toMatchObject({ miniBatch: 1, attempt: 2, outcome: 'freed' })
  expect(timeline(s.state, jobA, start + 1_001).spans.map((span) => span.miniBatch)).toEqual([2, 1])
  expect(timeline(s.state, jobA, start + 1_051).spans).toEqual([])
})

test('a run that was over before its worker said that it began starts by its measured time', () => {
  const s = withJob(2)
  const [first, second] = join(s, ann, 2)
  if (first === undefined || second === undefined) throw new Error('no leases')
  s.pass(40)
  finish(s, ann, [succeeded(first, { runMs: 15 }), succeeded(second, { runMs: 500 })])
  const now = s.now()
  const starts = timeline(s.state, jobA, 0).spans.map(({ startedAt }) => startedAt)
  // Never before it was granted, whatever a worker claims.
  expect(starts).toEqual([now - 15, now - 40])
})

test('every attempt ends when its job does, and is told even then', () => {
  const s = withJob(2)
  join(s, ann, 2)
  s.pass(10)
  s.tell({ kind: 'cancelRequested', job: jobA })
  const { spans } = timeline(s.state, jobA, 0)
  expect(spans.map(({ outcome, endedAt }) => [outcome, endedAt])).toEqual([
    ['freed', s.now()],
    ['freed', s.now()],
  ])
})

test('keeps the newest of many attempts in bounded memory, oldest first', () => {
  const count = Math.ceil(limits.storyEntries / 2) + 500
  const s = withJob(count)
  let leases = join(s, ann)
  while (leases.length > 0) {
    s.pass(1)
    finish(
      s,
      ann,
      leases.map((lease, position) => succeeded(lease, {}, position)),
    )
    leases = s.takeGrants(ann)
  }
  expect(s.state.stories.entries.length).toBe(limits.storyEntries)
  const { from, at, spans } = timeline(s.state, jobA, 0)
  expect(from).toBeGreaterThan(at - count)
  expect(spans.length).toBeGreaterThan(limits.storyEntries / 2 - 10)
  expect(spans.at(-1)?.miniBatch).toBe(count - 1)
  const order = spans.map((span) => span.miniBatch)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
})

test('names who holds the leases of a range', () => {
  const s = withJob(8)
  s.tell({ kind: 'peerAlive', peer: bob })
  join(s, ann)
  join(s, bob)
  const all = holders(s.state, jobA, 0, 8)
  expect(new Set(all.values())).toEqual(new Set([ann, bob]))
  expect([...holders(s.state, jobA, 1, 2)]).toEqual([[1, all.get(1)]])
  expect(holders(s.state, data as never, 0, 8).size).toBe(0)
})
