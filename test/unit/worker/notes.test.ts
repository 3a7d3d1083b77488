import { expect, test } from 'vitest'
import { limits } from '#protocol/limits.ts'
import {
  arrive,
  createScenario,
  grant,
  jobA,
  jobB,
  leaseOf,
  leases,
  ran,
  running,
  welcomed,
} from './scenario.ts'

type Scenario = ReturnType<typeof createScenario>

const notes = (s: Scenario): readonly string[] => s.take('sendNote').map(({ message }) => message)

const starting = 'its worker process is still starting: the model is fetched and loaded.'

test('a process that starts for long is told once, and that it is over', () => {
  const s = welcomed(1)
  const [a] = [leaseOf(0)]
  grant(s, [a])
  s.ignoreRest()
  s.pass(limits.slowStartMs - 1)
  expect(notes(s)).toEqual([])
  s.pass(1)
  s.pass(1_000)
  expect(notes(s)).toEqual([starting])
  arrive(s, [a])
  s.tell({ kind: 'processStarted', process: 1, index: 0 })
  s.pass(1)
  expect(notes(s)).toEqual([''])
})

test('a new head is told too', () => {
  const s = welcomed(1)
  grant(s, [leaseOf(0)])
  s.pass(limits.slowStartMs)
  expect(notes(s)).toEqual([starting])
  s.tell({ kind: 'headLost' })
  s.pass(1_000)
  const term = { number: 9, head: s.state.self }
  s.tell({ kind: 'headFound', term })
  s.tell({ kind: 'welcomed', term })
  s.pass(1)
  expect(notes(s)).toEqual([starting])
})

test('items that do not come are told, until some do', () => {
  const s = welcomed(1)
  const list = leases(0, 2)
  running(s, list)
  for (const lease of list) ran(s, 1, lease)
  const late = leaseOf(2)
  grant(s, [late])
  s.pass(limits.slowStartMs)
  expect(notes(s)).toEqual([
    'it waits for the items of its first mini-batches, which are being fetched.',
  ])
  arrive(s, [late])
  s.pass(1)
  expect(notes(s)).toEqual([''])
})

test('a slot that another job uses is told', () => {
  const s = welcomed(1)
  running(s, leases(0, 1))
  s.tell({ kind: 'jobKnown', job: { ...jobOf(s), id: jobB } })
  grant(s, leases(5, 1, jobB))
  s.pass(limits.slowStartMs - 1)
  expect(notes(s)).toEqual([])
  s.pass(1)
  expect(s.take('sendNote')).toEqual([
    { kind: 'sendNote', job: jobB, message: 'it waits for a slot that another job uses.' },
  ])
})

const jobOf = (s: Scenario) => {
  const job = s.state.jobs.get(jobA)?.job
  if (!job) throw new Error('no job')
  return job
}
