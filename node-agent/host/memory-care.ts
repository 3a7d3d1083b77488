import { performance } from 'node:perf_hooks'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { Log } from '#agent/ports/log.ts'

/**
 * Collects garbage whenever the agent has become quiet. The engine itself only looks while memory is asked
 * for: a heap that has grown in a job, or while starting, would stay as large as it became.
 */
export const startMemoryCare = (log: Log): Disposable => {
  const hasBecomeQuiet = createQuietness()
  let last = performance.eventLoopUtilization()
  const look = async (): Promise<void> => {
    const now = performance.eventLoopUtilization()
    const { active, utilization } = performance.eventLoopUtilization(now, last)
    last = now
    if (!hasBecomeQuiet({ busyMs: active, share: utilization })) return
    await collectGarbage().catch((thrown: unknown) =>
      log.debug('garbage could not be collected', { detail: thrownToText(thrown) }),
    )
    // Collecting is no work.
    last = performance.eventLoopUtilization()
  }
  const timer = setInterval(() => void look(), limits.memoryLookMs).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** How busy the loop was since the last look. */
export interface LoopLook {
  readonly busyMs: number
  /** Of the time since then, 0 to 1. */
  readonly share: number
}

/** True once after work worth the collecting: soon after the start, later when people had time to come again. */
export const createQuietness = (): ((look: LoopLook) => boolean) => {
  let workedMs: number = limits.memoryWorkMs
  let quietLooks = 0
  let wantedLooks = 1
  return ({ busyMs, share }) => {
    if (share > limits.memoryBusyShare) {
      workedMs += busyMs
      quietLooks = 0
      return false
    }
    quietLooks += 1
    if (workedMs < limits.memoryWorkMs || quietLooks < wantedLooks) return false
    workedMs = 0
    wantedLooks = limits.memoryQuietLooks
    return true
  }
}

/** Thoroughly, as for a system short of memory, so that free pages go back to it. Holds up the loop for some 0.1 s. */
const collectGarbage = async (): Promise<void> => {
  // The one way that needs no flag: a flag would make the kept compiled code worthless.
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    await session.post('HeapProfiler.collectGarbage')
  } finally {
    session.disconnect()
  }
}
