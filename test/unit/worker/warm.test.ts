import { expect, test } from 'vitest'
import { limits } from '#protocol/limits.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { createJob } from '#test/simulation/jobs.ts'
import {
  grant,
  jobA,
  jobB,
  leaseOf,
  leases,
  packed,
  ran,
  running,
  tokensOf,
  welcomed,
} from './scenario.ts'

const self = asPeerId('ann')

const scripted = (job: Job): Job => ({
  ...job,
  spec: {
    ...job.spec,
    runtime: 'node',
    script: { entry: 'run.js', files: [] },
    arguments: [],
    environment: {},
  },
})

test('idle processes of a job that ends are released, one that still runs is killed', () => {
  const s = welcomed(2)
  const [idle = 0, busy = 0] = running(s, leases(0, 2))
  ran(s, idle, leaseOf(0))
  packed(s, tokensOf([leaseOf(0)]))
  s.ignoreRest()
  s.tell({ kind: 'jobEnded', job: jobA })
  expect(s.take('releaseProcess')).toEqual([{ kind: 'releaseProcess', process: idle }])
  expect(s.take('killProcess')).toMatchObject([{ process: busy }])
})

test('the slot of a released process is free at once', () => {
  const s = welcomed(1)
  s.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')) })
  running(s, [leaseOf(0)])
  ran(s, 1, leaseOf(0))
  packed(s, tokensOf([leaseOf(0)]))
  s.tell({ kind: 'jobEnded', job: jobA })
  s.ignoreRest()
  grant(s, leases(10, 1, jobB))
  expect(s.take('startProcess')).toMatchObject([{ job: jobB }])
})

test('the slot of a script is free when the script is gone, not before', () => {
  const s = welcomed(1)
  s.tell({ kind: 'jobKnown', job: scripted(createJob(jobA, asPeerId('data'))) })
  s.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')) })
  running(s, [leaseOf(0)])
  ran(s, 1, leaseOf(0))
  packed(s, tokensOf([leaseOf(0)]))
  s.tell({ kind: 'jobEnded', job: jobA })
  expect(s.take('releaseProcess')).toEqual([])
  expect(s.take('endScript')).toEqual([{ kind: 'endScript', process: 1 }])
  s.ignoreRest()
  grant(s, leases(10, 1, jobB))
  expect(s.take('startProcess')).toEqual([])
  s.tell({ kind: 'processExited', process: 1, how: 'stopped', message: 'Its job has ended.' })
  expect(s.take('startProcess')).toMatchObject([{ job: jobB }])
})

test('a script that still runs something when its job ends is killed', () => {
  const s = welcomed(1)
  s.tell({ kind: 'jobKnown', job: scripted(createJob(jobA, asPeerId('data'))) })
  running(s, [leaseOf(0)])
  s.ignoreRest()
  s.tell({ kind: 'jobEnded', job: jobA })
  expect(s.take('endScript')).toEqual([])
  expect(s.take('killProcess')).toMatchObject([{ process: 1 }])
})

test("the submitter's machine starts processes before the first lease, in slots nobody wants", () => {
  const s = welcomed(4)
  s.tell({ kind: 'jobKnown', job: createJob(jobB, self) })
  expect(s.take('startProcess')).toHaveLength(limits.processesAhead)
  grant(s, leases(0, 3))
  expect(s.take('startProcess').map(({ job }) => job)).toEqual([jobA, jobA])
  // Its leases are here: as many processes as slots, not more.
  grant(s, leases(10, 4, jobB))
  expect(s.take('startProcess')).toEqual([])
})

test("another machine's job starts nothing before its leases are here", () => {
  const s = welcomed(4)
  s.tell({ kind: 'jobKnown', job: createJob(jobB, asPeerId('data')) })
  s.expectNothingElse()
})

test('a start ahead of the leases that fails is not tried again before they are here', () => {
  const s = welcomed(1)
  s.tell({ kind: 'jobKnown', job: createJob(jobB, self) })
  const [first] = s.take('startProcess')
  s.tell({ kind: 'processFailed', process: first?.process ?? 0, why: 'reach', message: 'x' })
  s.pass(limits.initRetryMs)
  expect(s.take('startProcess')).toEqual([])
  grant(s, leases(10, 1, jobB))
  expect(s.take('startProcess')).toHaveLength(1)
})
