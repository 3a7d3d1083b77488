import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Planner, PlanPosition } from '#agent/ports/data.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { isLast, unpackChunk } from './packed-chunk.ts'
import type { PackedChunk } from './packed-chunk.ts'
import { createPlanner } from './planner.ts'

/** What the plan's thread is told: a plan, then `next` for each chunk of it. */
export type ToPlanThread =
  | {
      readonly kind: 'plan'
      readonly job: JobId
      readonly spec: JobSpec
      readonly behind: PlanPosition | undefined
    }
  | { readonly kind: 'next' }

/** What the plan's thread says, one message for each `next`. */
export type FromPlanThread =
  | { readonly kind: 'chunk'; readonly chunk: PackedChunk }
  | { readonly kind: 'failed'; readonly error: MusterError }
  | { readonly kind: 'ended' }

/** A planner that lists in a thread of its own; see plan-thread.ts. */
export const createThreadedPlanner = (): Planner => {
  const threads = createThreads()
  const { check, list } = createPlanner()
  return {
    check,
    list,
    plan: async function* (job, spec, behind, signal) {
      signal.throwIfAborted()
      const thread = threads.take()
      const ask = (): Promise<FromPlanThread> => {
        const answer = once(thread, 'message', { signal })
        // Nobody may be waiting any more when it is aborted.
        answer.catch(() => {})
        thread.postMessage({ kind: 'next' } satisfies ToPlanThread)
        return answer.then(([message]) => message as FromPlanThread)
      }
      let isDone = false
      try {
        thread.postMessage({ kind: 'plan', job, spec, behind } satisfies ToPlanThread)
        // The next chunk is listed while this one is written, and none beyond it.
        for (let next = ask(); !isDone;) {
          const message = await next
          signal.throwIfAborted()
          isDone = message.kind !== 'chunk'
          if (message.kind === 'failed') throw new MusterFailure(message.error)
          if (message.kind === 'ended') return
          isDone = isLast(message.chunk)
          if (!isDone) {
            next = ask()
            next.catch(() => {})
          }
          yield unpackChunk(message.chunk)
        }
      } finally {
        // One that still lists, on a disk that hangs perhaps, is of no use to others.
        if (isDone) threads.giveBack(thread)
        else await thread.terminate()
      }
    },
  }
}

/** Starting a thread costs more than listing ten thousand files: one that is done is kept for a while. */
const createThreads = () => {
  let idle: Worker | undefined
  let timer: NodeJS.Timeout | undefined
  const leave = (thread: Worker): void => {
    if (idle === thread) idle = undefined
    void thread.terminate()
  }
  const start = (): Worker => {
    const thread = new Worker(new URL('./plan-thread.ts', import.meta.url))
    return thread.on('error', () => leave(thread))
  }
  return {
    take: (): Worker => {
      clearTimeout(timer)
      const thread = idle ?? start()
      idle = undefined
      thread.ref()
      return thread
    },
    giveBack: (thread: Worker): void => {
      if (idle !== undefined) return leave(thread)
      idle = thread
      // Neither keeps an agent that stops.
      thread.unref()
      timer = setTimeout(() => leave(thread), limits.planThreadMs).unref()
    },
  }
}
