import { describe, expect, test } from 'vitest'
import { chargedOf } from '#agent/scheduler/cells.ts'
import { limits } from '#protocol/limits.ts'
import { createJob } from '#test/simulation/jobs.ts'
import {
  ann,
  bob,
  createScenario,
  data,
  failed,
  finish,
  jobA,
  jobB,
  join,
  plan,
  submit,
  succeeded,
  termOne,
  withJob,
  type Scenario,
} from './scenario.ts'

/** Ticks as often as a head does. */
const passInTicks = (s: Scenario, ms: number): void => {
  if (s.state.tickedAt === null) s.pass(0)
  for (let passed = 0; passed < ms; passed += limits.schedulerTickMs)
    s.pass(Math.min(limits.schedulerTickMs, ms - passed))
}

const expectAborted = (s: Scenario, reason: string): void => {
  expect(s.take('closeJob')).toEqual([{ kind: 'closeJob', job: jobA, outcome: 'aborted', reason }])
}

const expectOpen = (s: Scenario): void => expect(s.take('closeJob')).toEqual([])

describe('progress_update_timeout', () => {
  const spec = { progressLimitMs: 5_000 }

  test('machines at work that end no mini-batch in it end the job, which names what runs', () => {
    const s = withJob(4, spec)
    const [lease] = join(s, ann)
    if (lease === undefined) throw new Error('no lease')
    passInTicks(s, 1_000)
    s.tell({ kind: 'leasesStarted', peer: ann, tokens: [lease.token] })
    passInTicks(s, 3_750)
    expectOpen(s)
    passInTicks(s, 250)
    expectAborted(
      s,
      'No mini-batch of the job ended in the 5 s that progress_update_timeout allows: mini-batch 0 has been running on ann for 4 s.',
    )
  })

  test('a process that never starts is no progress', () => {
    const s = withJob(4, spec)
    join(s, ann)
    passInTicks(s, 5_000)
    expectAborted(
      s,
      'No mini-batch of the job ended in the 5 s that progress_update_timeout allows: mini-batch 0 was given to ann 5 s ago and has not begun.',
    )
  })

  test('any end of an attempt begins it anew, also a charge', () => {
    const s = withJob(4, spec)
    const [one, two] = join(s, ann)
    if (one === undefined || two === undefined) throw new Error('no leases')
    passInTicks(s, 4_500)
    finish(s, ann, [failed(one)])
    passInTicks(s, 4_500)
    finish(s, ann, [succeeded(two)])
    passInTicks(s, 4_500)
    expectOpen(s)
    passInTicks(s, 500)
    expect(s.take('closeJob')).toHaveLength(1)
  })

  test('time in which it is paused, or nobody can work on it, is free', () => {
    const input = {
      kind: 'files',
      name: 'd',
      root: '/d',
      patterns: ['*'],
      mode: 'download',
    } as const
    const s = withJob(4, { ...spec, inputs: [input] })
    passInTicks(s, 20_000)
    join(s, ann)
    passInTicks(s, 4_000)
    s.tell({ kind: 'pauseChanged', job: jobA, paused: true, clock: 1, by: data })
    passInTicks(s, 20_000)
    s.tell({ kind: 'pauseChanged', job: jobA, paused: false, clock: 2, by: data })
    passInTicks(s, 4_000)
    s.tell({ kind: 'peerSuspected', peer: ann })
    passInTicks(s, 20_000)
    s.tell({ kind: 'peerLost', peer: ann })
    passInTicks(s, 20_000)
    join(s, ann)
    passInTicks(s, 4_000)
    s.tell({ kind: 'jobNoted', peer: ann, job: jobA, message: 'half of the input is here.' })
    passInTicks(s, 20_000)
    expectOpen(s)
  })

  test('a machine that took over just now is not blamed for the one before', () => {
    const s = withJob(2, spec)
    join(s, ann)
    passInTicks(s, 4_000)
    join(s, bob)
    s.tell({ kind: 'peerLost', peer: ann })
    passInTicks(s, 4_000)
    expectOpen(s)
    passInTicks(s, 1_000)
    expect(s.take('closeJob')).toHaveLength(1)
  })

  test('to wait for the slot of another job is free', () => {
    const s = withJob(4, spec)
    const [lease] = join(s, ann)
    submit(s, jobB, 4)
    const other = s.takeGrants(ann).find(({ job }) => job === jobB)
    if (lease === undefined || other === undefined) throw new Error('no leases')
    s.tell({ kind: 'leasesStarted', peer: ann, tokens: [other.token] })
    passInTicks(s, 20_000)
    expectOpen(s)
    s.tell({ kind: 'leasesStarted', peer: ann, tokens: [lease.token] })
    passInTicks(s, 5_000)
    expect(s.take('closeJob')).toMatchObject([{ job: jobA, outcome: 'aborted' }])
  })

  test('a head whose machine slept saw nothing meanwhile', () => {
    const s = withJob(4, spec)
    join(s, ann)
    s.pass(0)
    s.pass(3_600_000)
    expectOpen(s)
    s.pass(limits.tickGapMs)
    s.pass(limits.tickGapMs)
    expect(s.take('closeJob')).toHaveLength(1)
  })
})

describe('first_task_creation_timeout', () => {
  const spec = { firstPlanLimitMs: 3_000 }
  const listing = (): Scenario => {
    const s = createScenario()
    s.tell({ kind: 'termTaken', term: termOne })
    s.tell({ kind: 'peerAlive', peer: data })
    s.tell({ kind: 'jobSubmitted', job: createJob(jobA, data, spec) })
    return s
  }

  test('an input that is not listed as far as its first mini-batch ends the job', () => {
    const s = listing()
    passInTicks(s, 2_750)
    expectOpen(s)
    passInTicks(s, 250)
    expectAborted(
      s,
      'The input was not listed as far as its first mini-batch in the 3 s that first_task_creation_timeout allows; raise it, or leave it out.',
    )
  })

  test('counts no further once there is one, and not while the data is away or the job paused', () => {
    const s = listing()
    s.tell({ kind: 'pauseChanged', job: jobA, paused: true, clock: 1, by: data })
    passInTicks(s, 20_000)
    s.tell({ kind: 'pauseChanged', job: jobA, paused: false, clock: 2, by: data })
    s.tell({ kind: 'peerLost', peer: data })
    passInTicks(s, 20_000)
    s.tell({ kind: 'peerAlive', peer: data })
    passInTicks(s, 2_500)
    s.tell(plan(jobA, 3))
    passInTicks(s, 20_000)
    expectOpen(s)
  })
})

test('items that came too late are charged only while their machine is there', () => {
  const s = withJob(1, { loadLimitMs: 1_000 })
  const [lease] = join(s, ann)
  if (lease === undefined) throw new Error('no lease')
  s.tell({ kind: 'peerSuspected', peer: data })
  finish(s, ann, [failed(lease, 'Too slow.', 'not-loaded')])
  expect(s.take('settleReports')).toHaveLength(1)
  const [again] = s.takeGrants(ann)
  if (again === undefined) throw new Error('not granted again')
  s.expectNothingElse()
  const entry = s.state.jobs.get(jobA)
  expect(entry && chargedOf(entry, 0)).toBe(0)
  s.tell({ kind: 'peerAlive', peer: data })
  finish(s, ann, [failed(again, 'Too slow.', 'not-loaded')])
  expect(s.take('recordCharges')).toMatchObject([{ charges: [{ cause: 'not-loaded' }] }])
})
