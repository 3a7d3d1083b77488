import type { Lane } from './spans.ts'

/** The times in sight, milliseconds by the head's clock. */
export interface TimeView {
  readonly from: number
  readonly to: number
}

/** Shown by default: the last minutes. */
export const defaultMs = 5 * 60_000
/** Below this a bar of a millisecond would be an inch wide. */
const leastMs = 50

/** First beginning and last end of all bars; undefined without any. */
export const extentOf = (lanes: readonly Lane[]): TimeView | undefined => {
  let from = Infinity
  let to = -Infinity
  for (const { bars } of lanes) {
    for (const bar of bars) {
      if (bar.from < from) from = bar.from
      if (bar.to > to) to = bar.to
    }
  }
  return from > to ? undefined : { from, to: Math.max(to, from + leastMs) }
}

/** The last minutes, or all of it if that is shorter. */
export const lastMinutes = (all: TimeView): TimeView => ({
  from: Math.max(all.from, all.to - defaultMs),
  to: all.to,
})

/** Closer or farther by a factor around a time that stays where it is, never beyond what there is. */
export const zoomed = (view: TimeView, all: TimeView, factor: number, around: number): TimeView => {
  const whole = all.to - all.from
  const width = Math.max(leastMs, Math.min(whole, (view.to - view.from) * factor))
  const share = (around - view.from) / (view.to - view.from)
  return within({ from: around - share * width, to: around + (1 - share) * width }, all)
}

/** Moves a view inside what there is, its width kept. */
export const within = (view: TimeView, all: TimeView): TimeView => {
  const width = Math.min(view.to - view.from, all.to - all.from)
  const from = Math.min(Math.max(view.from, all.from), all.to - width)
  return { from, to: from + width }
}

const steps = [
  10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_800_000, 3_600_000, 7_200_000,
]

/** Round times in sight, so many that their labels do not touch. */
export const ticksOf = (view: TimeView, labels: number): readonly number[] => {
  const least = (view.to - view.from) / Math.max(1, labels)
  const step = steps.find((each) => each >= least) ?? 86_400_000
  const first = Math.ceil(view.from / step) * step
  const ticks: number[] = []
  for (let at = first; at <= view.to; at += step) ticks.push(at)
  return ticks
}

/** `14:05:20`, with milliseconds where the ticks are closer than a second. */
export const clockText = (at: number, withMs: boolean): string => {
  const time = new Date(at).toLocaleTimeString('en-GB')
  return withMs ? `${time}.${String(Math.floor(at % 1_000)).padStart(3, '0')}` : time
}
