import type { Clock } from '#agent/ports/clock.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PipelineId } from '#protocol/model/ids.ts'

/** What keeps a run from going on, though a later try may get past it, such as a full disk. */
export interface RunProblem {
  /** The step it keeps from starting; undefined: the whole run. */
  readonly step: string | undefined
  readonly error: MusterError
}

/** Runs that are looked at again by and by. */
export interface RunWaits extends Disposable {
  readonly add: (pipeline: PipelineId, problem: RunProblem) => void
  readonly drop: (pipeline: PipelineId) => void
  /** Why the step waits, in one sentence; empty if nothing keeps it. */
  readonly sentenceOf: (pipeline: PipelineId, step: string) => string
}

export const createRunWaits = (
  clock: Pick<Clock, 'after'>,
  again: (pipeline: PipelineId) => void,
): RunWaits => {
  const waiting = new Map<PipelineId, RunProblem & { readonly timer: Disposable }>()
  return {
    add: (pipeline, problem) => {
      const timer = clock.after(limits.runAgainMs, () => again(pipeline))
      waiting.set(pipeline, { ...problem, timer })
    },
    drop: (pipeline) => {
      waiting.get(pipeline)?.timer[Symbol.dispose]()
      waiting.delete(pipeline)
    },
    sentenceOf: (pipeline, step) => {
      const found = waiting.get(pipeline)
      const isMeant = found !== undefined && (found.step === undefined || found.step === step)
      return isMeant ? found.error.message : ''
    },
    [Symbol.dispose]: () => {
      for (const { timer } of waiting.values()) timer[Symbol.dispose]()
      waiting.clear()
    },
  }
}
