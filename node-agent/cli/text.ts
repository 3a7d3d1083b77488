import { groupDigits } from '#protocol/control/progress-line.ts'
import type { JobView } from '#protocol/control/job-views.ts'

/** How values look to people. Pure but for `dateText`, which knows the time zone. */

const byteUnits = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

export const bytesText = (bytes: number): string => {
  const step = Math.min(byteUnits.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1_000 ** step
  return `${step === 0 ? groupDigits(value) : value.toFixed(1)} ${byteUnits[step]}`
}

export const percentText = (share: number): string => `${Math.round(share * 100)} %`

/** `2026-11-22 14:32:05`, local time. */
export const dateText = (time: number | null): string => {
  if (time === null) return ''
  const at = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-')
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`
}

export const countText = (count: number, one: string, many = `${one}s`): string =>
  `${groupDigits(count)} ${count === 1 ? one : many}`

/** Where the files are that scripts wrote, and how many; empty without any. */
export const filesText = ({ outputFiles }: Pick<JobView, 'outputFiles'>): string =>
  outputFiles === null
    ? ''
    : `${outputFiles.folder} (${countText(outputFiles.count, 'file')}, ${bytesText(outputFiles.bytes)})`

/** `team=archive, stage=test` */
export const tagsText = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
