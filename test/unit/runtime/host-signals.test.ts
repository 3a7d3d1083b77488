import { cpus, hostname, totalmem } from 'node:os'
import { expect, test } from 'vitest'
import { createHostSignals } from '#agent/host/host-signals.ts'

test('facts are those of this machine', () => {
  const facts = createHostSignals().facts()
  expect(facts.name).toBe(hostname())
  expect(facts.cores).toBeGreaterThanOrEqual(1)
  expect(facts.cores).toBeLessThanOrEqual(cpus().length)
  expect(facts.memoryBytes).toBeGreaterThan(2 ** 26)
  expect(facts.memoryBytes).toBeLessThanOrEqual(totalmem())
})

test('load rises with work and stays between 0 and 1', () => {
  const signals = createHostSignals()
  const end = performance.now() + 300
  while (performance.now() < end) Math.sqrt(end)
  const load = signals.load()
  // One core was busy all the time.
  expect(load).toBeGreaterThan(0.5 / cpus().length)
  expect(load).toBeLessThanOrEqual(1)
  // No time has passed: the same answer rather than a division by zero.
  expect(signals.load()).toBeGreaterThanOrEqual(0)
})
