import { expect, it } from 'vitest'
import { startTicking } from '#agent/effects/ticking.ts'
import type { Clock } from '#agent/ports/clock.ts'

/** A clock that stands until it is moved; only `every` is asked of it. */
const movableClock = () => {
  let now = 0
  const timers = new Set<{ next: number; ms: number; run: () => void }>()
  const none = (): never => {
    throw new Error('not asked for')
  }
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after: none,
    sleep: none,
    every: (ms, run) => {
      const timer = { next: now + ms, ms, run }
      timers.add(timer)
      return { [Symbol.dispose]: () => void timers.delete(timer) }
    },
  }
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end; now += 1)
      for (const timer of timers)
        if (timer.next <= now) {
          timer.next += timer.ms
          timer.run()
        }
  }
  return { clock, pass, timers }
}

it('ticks often while there is something to do, seldom while there is not', () => {
  const { clock, pass, timers } = movableClock()
  let ticks = 0
  let quiet = false
  const ticking = startTicking({
    clock,
    busyMs: 10,
    quietMs: 100,
    isQuiet: () => quiet,
    tick: () => (ticks += 1),
  })
  const during = (ms: number): number => {
    const before = ticks
    pass(ms)
    return ticks - before
  }
  expect(during(1_001)).toBe(100)
  quiet = true
  expect(during(1_001)).toBeLessThanOrEqual(11)
  expect(timers.size).toBe(1)
  // Woken for nothing, it is found quiet at once; woken for something, it stays awake.
  ticking.wake()
  expect(during(501)).toBeLessThanOrEqual(6)
  quiet = false
  ticking.wake()
  expect(during(1_001)).toBeGreaterThanOrEqual(99)
  ticking[Symbol.dispose]()
  expect(timers.size).toBe(0)
  expect(during(1_000)).toBe(0)
})

it('stays ended when it is woken behind its end, while it ticked seldom', () => {
  const { clock, pass, timers } = movableClock()
  let ticks = 0
  const tick = () => (ticks += 1)
  const ticking = startTicking({ clock, busyMs: 10, quietMs: 100, isQuiet: () => true, tick })
  pass(11)
  ticking[Symbol.dispose]()
  ticking.wake()
  expect(timers.size).toBe(0)
  pass(1_000)
  expect(ticks).toBe(1)
})
