import type { Clock } from '#agent/ports/clock.ts'

/** Drives one machine: facts in, effects out, one after the other, never re-entered. */
export interface Loop<Fact> {
  /** Hands the machine a fact. Facts told while one is handled wait their turn. */
  readonly tell: (fact: Fact, causeId?: number) => void
}

export interface LoopParts<Fact, Effect> {
  readonly clock: Clock
  readonly transition: (
    event: Fact & { id: number; causeId: number; now: number },
  ) => readonly Effect[]
  /** Carries out one effect; `causeId` is the event it came from. Must not throw. */
  readonly run: (effect: Effect, causeId: number) => void
}

export const createLoop = <Fact, Effect>(parts: LoopParts<Fact, Effect>): Loop<Fact> => {
  const { clock, transition, run } = parts
  const waiting: { fact: Fact; causeId: number }[] = []
  let lastId = 0
  let busy = false

  const drain = (): void => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      lastId += 1
      const id = lastId
      const event = { ...next.fact, id, causeId: next.causeId, now: clock.now() }
      for (const effect of transition(event)) run(effect, id)
    }
  }

  return {
    tell: (fact, causeId = 0) => {
      waiting.push({ fact, causeId })
      if (busy) return
      busy = true
      try {
        drain()
      } finally {
        busy = false
      }
    },
  }
}
