import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '#agent/ports/clock.ts'

/** The machine's own time. */
export const createSystemClock = (): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
  every: (ms, run) => {
    const timer = setInterval(run, ms)
    return { [Symbol.dispose]: () => clearInterval(timer) }
  },
  sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
})
