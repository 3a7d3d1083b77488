import { limits } from '#protocol/limits.ts'
import type { DeltaView } from '#protocol/control/views.ts'
import type { DeltaSource, SequencedDelta } from '#agent/ports/control-backend.ts'

/** The newest deltas, in memory. */
export interface DeltaLog extends DeltaSource {
  readonly push: (delta: DeltaView) => void
}

/**
 * `first` is the sequence before the first delta. Give it the time of the start: then a number of an
 * earlier run is smaller than everything here, and its asker is told to take a new snapshot.
 */
export const createDeltaLog = (first: number, most: number = limits.eventBacklog): DeltaLog => {
  const listeners = new Set<(delta: SequencedDelta) => void>()
  // A ring: the delta with sequence s lies at s modulo `most`.
  const ring: SequencedDelta[] = []
  let newest = first

  const push = (delta: DeltaView): void => {
    newest += 1
    const entry = { sequence: newest, delta }
    ring[newest % most] = entry
    for (const listener of listeners) listener(entry)
  }

  const since = (sequence: number): readonly SequencedDelta[] | undefined => {
    const oldest = Math.max(first, newest - most)
    if (!Number.isSafeInteger(sequence) || sequence < oldest || sequence > newest) return undefined
    const found: SequencedDelta[] = []
    for (let at = sequence + 1; at <= newest; at += 1) {
      const entry = ring[at % most]
      if (entry !== undefined) found.push(entry)
    }
    return found
  }

  return {
    push,
    since,
    sequence: () => newest,
    on: (listener) => {
      listeners.add(listener)
      return { [Symbol.dispose]: () => listeners.delete(listener) }
    },
  }
}
