import type { Clock } from '#agent/ports/clock.ts'
import type { Millis } from '#protocol/model/ids.ts'

/** Ticks of a machine: often while it has something to do, seldom while it has not. */
export interface Ticking extends Disposable {
  /** Something was told to the machine: ticks come often again, until it is found quiet. */
  readonly wake: () => void
}

export interface TickingDeps {
  readonly clock: Clock
  readonly busyMs: Millis
  readonly quietMs: Millis
  /** Asked after each tick. */
  readonly isQuiet: () => boolean
  readonly tick: () => void
}

/** Each wake-up of an idle process costs more than what it then does, so its timer itself slows down. */
export const startTicking = ({ clock, busyMs, quietMs, isQuiet, tick }: TickingDeps): Ticking => {
  let isSlow = false
  let isOver = false
  const beat = (): void => {
    tick()
    setSlow(isQuiet())
  }
  let timer = clock.every(busyMs, beat)

  const setSlow = (slow: boolean): void => {
    if (slow === isSlow || isOver) return
    isSlow = slow
    timer[Symbol.dispose]()
    timer = clock.every(slow ? quietMs : busyMs, beat)
  }
  return {
    wake: () => setSlow(false),
    [Symbol.dispose]: () => {
      // A peer that leaves while the agent stops still wakes its machine.
      isOver = true
      timer[Symbol.dispose]()
    },
  }
}
