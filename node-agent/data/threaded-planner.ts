import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Planner } from '#agent/ports/data.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import { createPlanner } from './planner.ts'

/** What the plan's thread says, one message for each that it is sent. */
export type FromPlanThread =
  | { readonly kind: 'chunk'; readonly chunk: PlanChunk }
  | { readonly kind: 'failed'; readonly error: MusterError }
  | { readonly kind: 'ended' }

/** A planner that lists in a thread of its own; see plan-thread.ts. */
export const createThreadedPlanner = (): Planner => ({
  check: createPlanner().check,
  plan: async function* (job, spec, behind, signal) {
    signal.throwIfAborted()
    const thread = new Worker(new URL('./plan-thread.ts', import.meta.url), {
      workerData: { job, spec, behind },
    })
    try {
      for (;;) {
        const answer = once(thread, 'message', { signal })
        thread.postMessage('next')
        const [message] = (await answer) as [FromPlanThread]
        if (message.kind === 'ended') return
        if (message.kind === 'failed') throw new MusterFailure(message.error)
        yield message.chunk
        if (message.chunk.last) return
      }
    } finally {
      await thread.terminate()
    }
  },
})
