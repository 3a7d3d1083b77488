import type { DeltaSource, SequencedDelta } from '#agent/ports/control-backend.ts'
import type { DeltaView } from '#protocol/control/views.ts'
import { limits } from '#protocol/limits.ts'

/** Numbers deltas and keeps the newest for a window that reconnects. */
export interface DeltaLog extends DeltaSource {
  readonly publish: (delta: DeltaView) => void
}

/** `start` differs in every run of the agent, so that an old window notices and asks anew. */
export const createDeltaLog = (start: number): DeltaLog => {
  const kept: SequencedDelta[] = []
  const listeners = new Set<(delta: SequencedDelta) => void>()
  let last = start

  return {
    sequence: () => last,
    since: (sequence) => {
      if (sequence > last) return undefined
      const oldest = kept[0]?.sequence ?? last + 1
      if (sequence < oldest - 1) return undefined
      return kept.filter((delta) => delta.sequence > sequence)
    },
    on: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    publish: (delta) => {
      last += 1
      const numbered = { sequence: last, delta }
      kept.push(numbered)
      if (kept.length > limits.eventBacklog) kept.shift()
      for (const listener of listeners) listener(numbered)
    },
  }
}
