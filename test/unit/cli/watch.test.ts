import { expect, test } from 'vitest'
import { isOlder } from '#agent/cli/watch.ts'
import { makeJob } from '../../support/control-views.ts'

test('what happened before a job was asked for is passed over, its end never', () => {
  const listed = makeJob('a', { state: 'Queued', items: 100, committed: 3 })
  const older = { ...listed, items: 0, state: 'Preparing' as const }
  const ended = { ...listed, state: 'Completed' as const, committed: 10 }
  expect(isOlder(older, listed)).toBe(true)
  expect(isOlder({ ...listed, committed: 2 }, listed)).toBe(true)
  expect(isOlder({ ...listed, state: 'Running' }, listed)).toBe(false)
  expect(isOlder({ ...listed, state: 'Finalizing', committed: 10 }, ended)).toBe(true)
  expect(isOlder(ended, listed)).toBe(false)
})
