import type { Clock } from '#agent/ports/clock.ts'
import type { IdleRuntime, WorkerProcess } from '#agent/ports/runtime.ts'
import { limits } from '#protocol/limits.ts'
import type { Millis } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'

/** Idle, with its model: a declared job's process as it is, a script's without the script. */
export type WarmProcess = WorkerProcess | IdleRuntime

/** Idle processes of jobs that have ended, for the next job of their kind. */
export interface WarmProcesses extends AsyncDisposable {
  readonly keep: (process: WarmProcess, kind: string) => void
  /** The one that was idle for the shortest time. */
  readonly take: (kind: string) => WarmProcess | undefined
  /** `inUse` processes of jobs run: both together never exceed the slots, the longest idle go first. */
  readonly makeRoom: (inUse: number) => void
}

export interface WarmProcessesDeps {
  readonly clock: Pick<Clock, 'monotonic' | 'every'>
  /** Worker processes the owner allows. */
  readonly slots: () => number
  /** Memory that is free on this machine. */
  readonly freeBytes: () => number
}

interface Kept {
  readonly process: WarmProcess
  readonly kind: string
  readonly since: Millis
}

export const createWarmProcesses = (deps: WarmProcessesDeps): WarmProcesses => {
  const { clock } = deps
  /** The longest idle first. */
  let kept: Kept[] = []
  const ending = new Set<Promise<unknown>>()
  let looking: Disposable | undefined
  let inUse = 0

  const end = ({ process }: Kept): void => {
    const gone: Promise<unknown> = process.exited.finally(() => ending.delete(gone))
    ending.add(gone)
    process.kill()
  }
  /** Ends those for which `stays` is false, and looks on only while there are any. */
  const leave = (stays: (one: Kept, at: number) => boolean): void => {
    const all = kept
    kept = all.filter(stays)
    for (const one of all) if (!kept.includes(one)) end(one)
    if (kept.length > 0) looking ??= clock.every(limits.warmLookMs, look)
    else stopLooking()
  }
  const stopLooking = (): void => {
    looking?.[Symbol.dispose]()
    looking = undefined
  }
  const look = (): void => {
    const isShort = deps.freeBytes() < limits.warmFreeBytes
    const surplus = kept.length - Math.max(0, deps.slots() - inUse)
    const oldest = clock.monotonic() - limits.warmProcessMs
    leave(({ since }, at) => !isShort && at >= surplus && since > oldest)
  }

  return {
    keep: (process, kind) => {
      kept.push({ process, kind, since: clock.monotonic() })
      // One that ends by itself is not handed out.
      void process.exited.then(() => {
        kept = kept.filter((one) => one.process !== process)
      })
    },
    take: (kind) => {
      const found = kept.findLast((one) => one.kind === kind)
      kept = kept.filter((one) => one !== found)
      return found?.process
    },
    makeRoom: (running) => {
      inUse = running
      look()
    },
    [Symbol.asyncDispose]: async () => {
      leave(() => false)
      await Promise.all(ending)
    },
  }
}

/**
 * Two jobs of the same kind may use the same process, one after the other: all that it was started with is
 * equal, and nobody's work runs in a process that has read another submitter's files. What a script asks of its
 * runtime process it asks anew, so no more than the models must be the same.
 */
export const processKind = (job: Job, threads: number, memoryBytes: number): string => {
  const { spec, submitter } = job
  const loaded =
    spec.runtime === 'onnx' ? [spec.preprocess, spec.postprocess] : ['script', spec.models]
  return JSON.stringify([submitter, spec.model, spec.device, threads, memoryBytes, loaded])
}
