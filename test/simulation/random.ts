/** Seeded randomness: equal seeds give equal simulations. */
export interface SeededRandom {
  /** In [0, 1). */
  readonly next: () => number
  /** Whole number in [low, high]. */
  readonly between: (low: number, high: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(list: readonly T[]) => T
}

/** mulberry32: 32 bits of state, good enough to choose faults. */
export const createRandom = (seed: number): SeededRandom => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (list) => {
      const value = list[between(0, list.length - 1)]
      if (value === undefined) throw new Error('nothing to pick from')
      return value
    },
  }
}
