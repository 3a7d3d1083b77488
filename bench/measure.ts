import { readFileSync } from 'node:fs'

/** Seconds of CPU of a process and of its children that are gone, from the kernel's own book (Linux). */
export const cpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), here counted from the state field on.
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0)
  return ticks / 100
}

/** Peak resident memory of a process in MB. */
export const peakMemory = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024)
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export const spread = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => round(sorted[index] ?? 0)
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) }
}

export const round = (value: number): number => Number(value.toPrecision(4))
