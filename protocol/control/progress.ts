import type { JobView } from './views.ts'

/** What the progress line needs of a job. */
export type ProgressOf = Pick<
  JobView,
  | 'items'
  | 'itemsSucceeded'
  | 'itemsFailed'
  | 'planComplete'
  | 'itemsPerSecond'
  | 'secondsLeft'
  | 'startedAt'
  | 'endedAt'
>

/**
 * The progress line's parts, the same in window and terminal:
 * `8,340 / 10,000`, `12,900/s`, `1-2 s left`, `3 failed`. Joined with ` · ` by the caller.
 * An ended job tells what it took instead of what is left.
 */
export const progressParts = (job: ProgressOf): readonly string[] => {
  const done = job.itemsSucceeded + job.itemsFailed
  const all = `${whole(job.items)}${job.planComplete ? '' : '+'}`
  const parts = [`${whole(done)} / ${all}`]
  if (job.endedAt === null) {
    if (job.itemsPerSecond !== null) parts.push(`${rate(job.itemsPerSecond)}/s`)
    if (job.secondsLeft !== null) parts.push(`${timeRange(job.secondsLeft)} left`)
  } else if (job.startedAt !== null) {
    const seconds = (job.endedAt - job.startedAt) / 1000
    if (seconds > 0 && done > 0) parts.push(`${rate(done / seconds)}/s`)
    parts.push(`took ${timeRange([seconds, seconds])}`)
  }
  parts.push(`${whole(job.itemsFailed)} failed`)
  return parts
}

/** Done items over planned ones, 0 to 1; 0 while nothing is planned. */
export const progressShare = (job: ProgressOf): number =>
  job.items === 0 ? 0 : Math.min(1, (job.itemsSucceeded + job.itemsFailed) / job.items)

/** `1-2 s`, `40 s`, `2-3 min`, `1.5-2 h`: a range in the unit of its upper end, in seconds. */
export const timeRange = ([low, high]: readonly [number, number]): string => {
  const unit = high < 90 ? 's' : high < 5_400 ? 'min' : 'h'
  const size = { s: 1, min: 60, h: 3_600 }[unit]
  const round = (seconds: number): number =>
    unit === 'h' ? Math.round((seconds / size) * 10) / 10 : Math.round(seconds / size)
  // The last second still takes some time: never "0 s".
  const least = unit === 'h' ? 0.1 : 1
  const [from, to] = [Math.max(least, round(low)), Math.max(least, round(high))]
  return from === to ? `${to} ${unit}` : `${from}-${to} ${unit}`
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Three significant digits below 1,000, whole hundreds above 10,000: more would only flicker. */
const rate = (perSecond: number): string => {
  if (perSecond >= 10_000) return whole(Math.round(perSecond / 100) * 100)
  if (perSecond >= 100) return whole(perSecond)
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)
}
