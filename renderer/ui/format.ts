import { isHalf, miniBatchName } from '../../protocol/model/half.ts'

/** Numbers and times as people read them: thousands separators and units always. */

export const formatCount = (value: number): string => Math.round(value).toLocaleString('en-US')

/** `1,204` of the plan; `45a` for a half, as everywhere else. */
export const formatMiniBatch = (miniBatch: number): string =>
  isHalf(miniBatch) ? miniBatchName(miniBatch) : formatCount(miniBatch)

/** `1 machine`, `4 machines`. */
export const formatPlural = (value: number, one: string, many = `${one}s`): string =>
  `${formatCount(value)} ${value === 1 ? one : many}`

/** Share 0 to 1 as whole percent; a started share is never 0 %, an unfinished one never 100 %. */
export const formatPercent = (share: number): string => {
  const percent = Math.round(share * 100)
  if (share > 0 && percent === 0) return '<1 %'
  if (share < 1 && percent === 100) return '99 %'
  return `${percent} %`
}

/** Decimal units, as disks and models are sold: `94.2 kB`, `1.2 GB`. */
export const formatBytes = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit] ?? 'B'}`
}

/** Memory comes in powers of two: `16 GiB`. */
export const formatMemory = (bytes: number): string => `${Math.round(bytes / 1024 ** 3)} GiB`

/** `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 days ago`. */
export const formatAge = (ms: number): string => {
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 2) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return `${formatPlural(Math.floor(seconds / 86_400), 'day')} ago`
}

/** `22 Nov 2026, 14:05`, in the reader's time zone. */
export const formatTime = (at: number): string =>
  new Date(at).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  })

/** `14:05:09`, in the reader's time zone. */
export const formatClock = (at: number): string => new Date(at).toLocaleTimeString('en-GB')

/** `25.9 k`, `1.2 M`: counts that only tell a size. */
export const formatShort = (value: number): string => {
  if (value < 10_000) return formatCount(value)
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} k`
  return `${(value / 1_000_000).toFixed(1)} M`
}

/** How long until something, in the one unit that tells most: `40 s`, `12 min`, `3 h`, `2 days`. */
export const formatSpan = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`
  return formatPlural(Math.round(seconds / 86_400), 'day')
}
