import type { Millis } from '#protocol/model/ids.ts'

/** Speed and time left of a job, from counts seen over the last seconds. */
export interface Progress {
  /** Notes that `done` items were finished at `now`. */
  readonly note: (now: Millis, done: number) => void
  /** Items a second over the window; null before two counts a second apart were seen. */
  readonly itemsPerSecond: (now: Millis) => number | null
  /** Range of seconds until `left` items are done; null before it can be told. */
  readonly secondsLeft: (now: Millis, left: number) => [number, number] | null
}

const windowMs = 5_000
const enoughMs = 800

export const createProgress = (): Progress => {
  let seen: { readonly at: Millis; readonly done: number }[] = []

  const speed = (now: Millis): number | null => {
    const recent = seen.filter((one) => one.at >= now - windowMs)
    const first = recent[0]
    const last = recent.at(-1)
    if (first === undefined || last === undefined || now - first.at < enoughMs) return null
    return ((last.done - first.done) * 1_000) / Math.max(last.at - first.at, now - first.at, 1)
  }

  return {
    note: (now, done) => {
      const last = seen.at(-1)
      if (last !== undefined && last.done === done && now - last.at < 250) return
      seen = [...seen.filter((one) => one.at >= now - 2 * windowMs), { at: now, done }]
    },
    itemsPerSecond: speed,
    secondsLeft: (now, left) => {
      const rate = speed(now)
      if (rate === null || rate <= 0) return null
      const seconds = left / rate
      return [Math.floor(seconds * 0.8), Math.ceil(seconds * 1.25)]
    },
  }
}
