import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { MusterFailure } from '#protocol/errors.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import { buffersOf, packChunk } from './packed-chunk.ts'
import type { FromPlanThread, ToPlanThread } from './threaded-planner.ts'
import { createPlanner } from './planner.ts'
import { directAccess } from '../readers/file-access.ts'

/**
 * Lists inputs, one job after the other, in a thread of its own, where looking at a file may hold everything
 * up: that is eight times as cheap, and a disk that hangs takes only this thread along.
 */
const port = parentPort
if (port === null) throw new Error('plan-thread.ts is no program')

/** Counted up with all that is read: whoever waits for a table sees that something still happens. */
const steps = new Int32Array(workerData as SharedArrayBuffer)
const step = (): number => Atomics.add(steps, 0, 1)

const planner = createPlanner({
  look: statSync,
  access: {
    ...directAccess,
    read: (file, into, position) => {
      step()
      return directAccess.read(file, into, position)
    },
  },
})
const forever = new AbortController().signal
let plan: AsyncIterator<PlanChunk> | undefined

/** One chunk is asked for at a time, so that a long plan does not pile up in the agent. */
const next = async (): Promise<FromPlanThread> => {
  try {
    const chunk = await plan?.next()
    return chunk === undefined || chunk.done === true
      ? { kind: 'ended' }
      : { kind: 'chunk', chunk: packChunk(chunk.value) }
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return { kind: 'failed', error: thrown.error }
    throw thrown
  }
}

port.on('message', (message: ToPlanThread) => {
  if (message.kind === 'check')
    void planner
      .check(message.input, message.keys)
      .then((result) => port.postMessage({ kind: 'checked', result } satisfies FromPlanThread))
  else if (message.kind === 'next')
    void next().then((answer) =>
      port.postMessage(answer, answer.kind === 'chunk' ? buffersOf(answer.chunk) : []),
    )
  else {
    const { job, spec, behind } = message
    plan = planner.plan(job, spec, behind, forever)[Symbol.asyncIterator]()
  }
})
