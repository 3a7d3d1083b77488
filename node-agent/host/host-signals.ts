import { availableParallelism, cpus, hostname, totalmem } from 'node:os'
import process from 'node:process'
import type { HostSignals } from '#agent/ports/host.ts'

/** What the operating system says about this machine. */
export const createHostSignals = (): HostSignals => {
  let before = processorTimes()
  let last = 0
  return {
    facts: () => ({
      name: hostname(),
      platform: `${process.platform}-${process.arch}`,
      cores: availableParallelism(),
      memoryBytes: memoryBytes(),
    }),
    freeBytes: () => process.availableMemory(),
    load: () => {
      const now = processorTimes()
      const total = now.total - before.total
      // The counters tick every 10 ms: two calls within one tick see no time pass.
      if (total <= 0) return last
      last = Math.min(1, Math.max(0, (now.busy - before.busy) / total))
      before = now
      return last
    },
  }
}

interface ProcessorTimes {
  /** Milliseconds, summed over all cores. */
  readonly busy: number
  readonly total: number
}

const processorTimes = (): ProcessorTimes => {
  let busy = 0
  let total = 0
  for (const { times } of cpus()) {
    const working = times.user + times.nice + times.sys + times.irq
    busy += working
    total += working + times.idle
  }
  return { busy, total }
}

/** The machine's memory, or less where a container or service limits it. */
const memoryBytes = (): number => {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
