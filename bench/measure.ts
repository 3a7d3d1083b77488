import { readdirSync, readFileSync } from 'node:fs'

/** What a bench prints: its name and its figures. */
export interface BenchResult {
  readonly bench: string
  readonly [figure: string]: unknown
}

/**
 * Seconds of CPU of a process and of all that it started, gone or not, from the kernel's own book (Linux):
 * worker processes stay for the next job and must count all the same.
 */
export const cpuSeconds = (pid: number): number => {
  const children = new Map<number, Entry[]>()
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name)) : undefined
    if (entry !== undefined)
      children.set(entry.parent, [...(children.get(entry.parent) ?? []), entry])
  }
  const ticksOf = (of: number): number =>
    (children.get(of) ?? []).reduce((sum, child) => sum + child.ticks + ticksOf(child.pid), 0)
  const own = readEntry(pid)
  if (own === undefined) throw new Error(`there is no process ${pid}`)
  return (own.ticks + ticksOf(pid)) / 100
}

interface Entry {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

/** Undefined: the process is gone. */
const readEntry = (pid: number): Entry | undefined => {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), here counted from the state field on.
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0)
  return { pid, parent: fields[1] ?? 0, ticks }
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
