import type { JobView } from './job-views.ts'

/**
 * The one line of a job's progress, the same in window and terminal:
 * `8,340 / 10,000 · 12,900/s · 1-2 s left · 3 failed`, and of a job that has ended
 * `10,000 / 10,000 · 11,400/s · took 1.2 s · 3 failed`. Parts that cannot be told are left out; a `+` after
 * the total says that the plan still grows.
 */
export const progressLine = (job: JobView): string => {
  const done = job.itemsSucceeded + job.itemsFailed
  const parts = [`${groupDigits(done)} / ${groupDigits(job.items)}${job.planComplete ? '' : '+'}`]
  const open = job.endedAt === null
  const tookMs = job.endedAt === null || job.startedAt === null ? 0 : job.endedAt - job.startedAt
  if (!open && tookMs > 0 && done > 0) {
    parts.push(`${rateText(job.itemsPerSecond ?? (done * 1_000) / tookMs)}/s`)
    parts.push(`took ${durationText(tookMs)}`)
  }
  if (open && job.itemsPerSecond !== null) parts.push(`${rateText(job.itemsPerSecond)}/s`)
  if (open && job.secondsLeft !== null) parts.push(`${rangeText(job.secondsLeft)} left`)
  if (job.itemsFailed > 0) parts.push(`${groupDigits(job.itemsFailed)} failed`)
  return parts.join(' · ')
}

/** What a job's headline tells, as the title of its line. */
export const headlineTitle = (state: JobView['state']): string =>
  state === 'Failed' ? 'Failed by' : state === 'Canceled' ? 'Why' : 'First failure'

/** `12,900`: commas in every place and language, since the CLI's text is English. */
export const groupDigits = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')

/** Under ten, one digit after the point; above a thousand, three digits that mean something. */
export const rateText = (perSecond: number): string => {
  if (perSecond < 10) return perSecond.toFixed(1)
  const step = perSecond < 1_000 ? 1 : 10 ** (Math.floor(Math.log10(perSecond)) - 2)
  return groupDigits(Math.round(perSecond / step) * step)
}

/** `45 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`. */
export const durationText = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds < 20 ? seconds.toFixed(1) : seconds.toFixed(0)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const units = [
  { name: 's', seconds: 1 },
  { name: 'min', seconds: 60 },
  { name: 'h', seconds: 3_600 },
  { name: 'd', seconds: 86_400 },
] as const

/** `1-2 s`, `90-100 min`, `3 h`: both ends in the unit that the larger reads best in. */
export const rangeText = ([from, to]: readonly [number, number]): string => {
  const unit = units.findLast((each) => to >= 2 * each.seconds) ?? units[0]
  const low = Math.max(0, Math.floor(from / unit.seconds))
  const high = Math.max(1, Math.ceil(to / unit.seconds))
  return low >= high ? `${high} ${unit.name}` : `${low}-${high} ${unit.name}`
}
