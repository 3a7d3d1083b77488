import { expect, test } from 'vitest'
import { explain } from '#agent/worker/explain.ts'
import { limits } from '#protocol/limits.ts'
import { arrive, grant, jobA, leases, miniBatchesRun, tokensOf, welcomed } from './scenario.ts'

const whole = {
  inputs: [{ kind: 'files', name: 'in', root: '/in', patterns: ['**'], mode: 'download' }],
} as const

test('with the first lease the inputs are gathered; nothing is fetched or started before they are here', () => {
  const s = welcomed(1, whole)
  s.expectNothingElse()
  const list = leases(0, 2)
  grant(s, list)
  expect(s.take('gatherInputs')).toEqual([{ kind: 'gatherInputs', job: jobA }])
  grant(s, leases(2, 1))
  s.pass(10_000)
  s.expectNothingElse()
  expect(explain(s.state)).toContain('Its inputs are being made ready here.')
  s.tell({ kind: 'inputsProgressed', job: jobA, message: 'a half is there.' })
  expect(s.take('sendNote')).toEqual([{ kind: 'sendNote', job: jobA, message: 'a half is there.' }])
  s.tell({ kind: 'inputsGathered', job: jobA })
  expect(s.take('sendNote')).toEqual([{ kind: 'sendNote', job: jobA, message: '' }])
  expect(s.take('startProcess')).toHaveLength(1)
  expect(s.take('fetchInput').length).toBeGreaterThan(0)
  s.tell({ kind: 'processStarted', process: 1, index: 0 })
  arrive(s, list)
  expect(miniBatchesRun(s)).toEqual([0])
  // Once they are here they stay for the next leases.
  s.ignoreRest()
  grant(s, leases(3, 1))
  expect(s.take('gatherInputs')).toEqual([])
})

test.each([
  [true, 'out-of-reach'],
  [false, 'input-unreachable'],
] as const)(
  'where they cannot be had (for long: %s) its leases go back as %s',
  (lasting, reason) => {
    const s = welcomed(1, whole)
    const list = leases(0, 2)
    grant(s, list)
    s.ignoreRest()
    s.tell({ kind: 'inputsNotGathered', job: jobA, lasting, message: 'The disk is full.' })
    expect(s.take('sendReturned')).toEqual([
      { kind: 'sendReturned', tokens: tokensOf(list), reason, message: 'The disk is full.' },
    ])
    s.ignoreRest()
    grant(s, leases(2, 1))
    s.expectNothingElse()
    s.pass(limits.initRetryMs)
    expect(s.take('gatherInputs')).toHaveLength(1)
  },
)

test('an owner who wants the machine stops the download; the end of the job takes its files away', () => {
  const s = welcomed(1, whole)
  grant(s, leases(0, 1))
  s.ignoreRest()
  s.tell({ kind: 'slotsChanged', slots: 0, reason: 'The owner is back.' })
  expect(s.take('stopInputs')).toEqual([{ kind: 'stopInputs', job: jobA, isOver: false }])
  s.ignoreRest()
  // The word of the download that was given up counts no more.
  s.tell({ kind: 'inputsGathered', job: jobA })
  s.expectNothingElse()
  s.tell({ kind: 'slotsChanged', slots: 1, reason: '' })
  s.ignoreRest()
  grant(s, leases(1, 1))
  expect(s.take('gatherInputs')).toHaveLength(1)
  s.tell({ kind: 'jobEnded', job: jobA })
  expect(s.take('stopInputs')).toEqual([{ kind: 'stopInputs', job: jobA, isOver: true }])
})
