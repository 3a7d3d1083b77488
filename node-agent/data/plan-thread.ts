import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { PlanPosition } from '#agent/ports/data.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { FromPlanThread } from './threaded-planner.ts'
import { createPlanner } from './planner.ts'

/**
 * Lists one input in a thread of its own, where looking at a file may hold everything up: that is eight
 * times as cheap, and a disk that hangs takes only this thread along.
 */
const { job, spec, behind } = workerData as {
  readonly job: JobId
  readonly spec: JobSpec
  readonly behind: PlanPosition | undefined
}
const port = parentPort
if (port === null) throw new Error('plan-thread.ts is no program')

/** One chunk is asked for at a time, so that a long plan does not pile up in the agent. */
const asked: (() => void)[] = []
let ahead = 0
port.on('message', () => {
  const next = asked.shift()
  if (next === undefined) ahead += 1
  else next()
})
const untilAsked = (): Promise<void> => {
  if (ahead > 0) {
    ahead -= 1
    return Promise.resolve()
  }
  return new Promise((resolve) => asked.push(resolve))
}
const tell = (message: FromPlanThread): void => port.postMessage(message)

const planner = createPlanner({ statOf: statSync })
try {
  await untilAsked()
  for await (const chunk of planner.plan(job, spec, behind, new AbortController().signal)) {
    tell({ kind: 'chunk', chunk })
    await untilAsked()
  }
  tell({ kind: 'ended' })
} catch (thrown) {
  if (!(thrown instanceof MusterFailure)) throw thrown
  tell({ kind: 'failed', error: thrown.error })
}
port.close()
