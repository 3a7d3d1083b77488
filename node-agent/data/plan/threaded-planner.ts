import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Planner, PlanPosition } from '#agent/ports/plan.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import { err } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
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
  | { readonly kind: 'check'; readonly input: JobInput; readonly keys: readonly string[] }

/** What the plan's thread says, one message for each `next` and each `check`. */
export type FromPlanThread =
  | { readonly kind: 'chunk'; readonly chunk: PackedChunk }
  | { readonly kind: 'failed'; readonly error: MusterError }
  | { readonly kind: 'ended' }
  | { readonly kind: 'checked'; readonly result: Result<void, MusterError> }

/**
 * A planner that lists in a thread of its own; see plan-thread.ts. Tables are checked there too: what stands in
 * a footer takes seconds to read. `stillMs`: how long a thread may read nothing of a table.
 */
export const createThreadedPlanner = (stillMs: number = limits.planStillMs): Planner => {
  const threads = createThreads()
  const { check, list } = createPlanner()
  return {
    list,
    check: async (input, keys, signal = forever) => {
      if (input.kind === 'files') return check(input, keys, signal)
      const thread = threads.take()
      let isDone = false
      try {
        const message = await ask(thread, { kind: 'check', input, keys }, { signal, stillMs })
        isDone = true
        if (message.kind !== 'checked') throw new Error(`a check is answered by ${message.kind}`)
        return message.result
      } catch (thrown) {
        return err(toError(thrown, input))
      } finally {
        if (isDone) threads.giveBack(thread)
        else await thread.worker.terminate()
      }
    },
    plan: async function* (job, spec, behind, signal) {
      signal.throwIfAborted()
      const thread = threads.take()
      const isTable = spec.inputs.some(({ kind }) => kind === 'table')
      const wait = { signal, stillMs: isTable ? stillMs : Infinity }
      const askNext = (): Promise<FromPlanThread> => {
        const answer = ask(thread, { kind: 'next' }, wait)
        // Nobody may be waiting any more when it is aborted.
        answer.catch(() => {})
        return answer
      }
      let isDone = false
      try {
        thread.worker.postMessage({ kind: 'plan', job, spec, behind } satisfies ToPlanThread)
        // The next chunk is listed while this one is written, and none beyond it.
        for (let next = askNext(); !isDone;) {
          const message = await next
          signal.throwIfAborted()
          isDone = message.kind !== 'chunk'
          if (message.kind === 'failed') throw new MusterFailure(message.error)
          if (message.kind !== 'chunk') return
          isDone = isLast(message.chunk)
          if (!isDone) next = askNext()
          yield unpackChunk(message.chunk)
        }
      } finally {
        // One that still lists, on a disk that hangs perhaps, is of no use to others.
        if (isDone) threads.giveBack(thread)
        else await thread.worker.terminate()
      }
    },
  }
}

const forever = new AbortController().signal

/** A thread, and the count of what it has read. */
interface PlanThread {
  readonly worker: Worker
  readonly steps: Int32Array
}

interface Patience {
  readonly signal: AbortSignal
  readonly stillMs: number
}

/** @throws MusterFailure `InputUnreadable` if the thread stands still */
const ask = async (
  { worker, steps }: PlanThread,
  wish: ToPlanThread,
  { signal, stillMs }: Patience,
): Promise<FromPlanThread> => {
  const still = new AbortController()
  let seen = Atomics.load(steps, 0)
  const look = (): void => {
    const now = Atomics.load(steps, 0)
    if (now === seen) still.abort()
    seen = now
  }
  const timer = Number.isFinite(stillMs) ? setInterval(look, stillMs).unref() : undefined
  try {
    const answer = once(worker, 'message', { signal: AbortSignal.any([signal, still.signal]) })
    worker.postMessage(wish)
    const [message] = (await answer) as [FromPlanThread]
    return message
  } catch (thrown) {
    if (!still.signal.aborted || signal.aborted) throw thrown
    throw new MusterFailure(
      musterError(
        'InputUnreadable',
        `Nothing more of the table was read for ${stillMs / 1_000} s: is one of its files damaged, or does its disk not answer?`,
      ),
    )
  } finally {
    clearInterval(timer)
  }
}

const toError = (thrown: unknown, { name }: JobInput): MusterError =>
  thrown instanceof MusterFailure
    ? thrown.error
    : musterError('InputUnreadable', `Input "${name}" could not be looked at: try again.`, {
        retryable: true,
        detail: thrownToText(thrown),
      })

/** Starting a thread costs more than listing ten thousand files: one that is done is kept for a while. */
const createThreads = () => {
  let idle: PlanThread | undefined
  let timer: NodeJS.Timeout | undefined
  const leave = (thread: PlanThread): void => {
    if (idle === thread) idle = undefined
    void thread.worker.terminate()
  }
  const start = (): PlanThread => {
    const shared = new SharedArrayBuffer(4)
    const worker = new Worker(new URL('./plan-thread.ts', import.meta.url), { workerData: shared })
    const thread = { worker, steps: new Int32Array(shared) }
    worker.on('error', () => leave(thread))
    return thread
  }
  return {
    take: (): PlanThread => {
      clearTimeout(timer)
      const thread = idle ?? start()
      idle = undefined
      thread.worker.ref()
      return thread
    },
    giveBack: (thread: PlanThread): void => {
      if (idle !== undefined) return leave(thread)
      idle = thread
      // Neither keeps an agent that stops.
      thread.worker.unref()
      timer = setTimeout(() => leave(thread), limits.planThreadMs).unref()
    },
  }
}
