import { expect, it } from 'vitest'
import { createRunEngine } from '#agent/effects/runs/run-engine.ts'
import { nextSteps, pipelineState } from '#agent/job/pipeline.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { Keys } from '#agent/ports/keys.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { createTempFolder, createTestKeys, genesisOf } from '#test/support/ledger-fixtures.ts'
import { jobNumbered, jobOf, openTestStore, quietLog } from '#test/support/ledger-fixtures.ts'
import { makeRun } from '#test/support/pipeline-fixtures.ts'

const full = musterError('DiskFull', 'The disk is full.', { retryable: true })

/** A store with one run of two steps, and an engine whose timers go off when the test says so. */
const setup = async () => {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await createTempFolder())
  const [keys] = createTestKeys('m') as [Keys]
  const store = stack.use(await openTestStore(folder.path, keys))
  await store.ledger.found(genesisOf(keys.self))
  const run = makeRun(keys.self)
  await store.ledger.append([{ kind: 'pipeline-submitted', run }])
  const timers = new Set<() => void>()
  const none = (): never => {
    throw new Error('not asked for')
  }
  const clock: Clock = {
    now: () => 7,
    monotonic: () => 7,
    every: none,
    sleep: none,
    after: (_, fire) => {
      timers.add(fire)
      return { [Symbol.dispose]: () => void timers.delete(fire) }
    },
  }
  /** What the wiring of a step says. */
  const wiring: { problem?: MusterError | undefined; wait?: () => Promise<void> } = {}
  const appending = { to: store.ledger.append }
  const engine = createRunEngine({
    self: keys.self,
    clock,
    log: quietLog,
    ledger: { ...store.ledger, append: (bodies) => appending.to(bodies) },
    views: store.views,
    rules: { nextSteps, pipelineState },
    runJobs: {
      make: ({ id }, step) =>
        jobOf(jobNumbered(1), keys.self, {
          run: { pipeline: id, name: 'nightly', step: step.name, experiment: 'shelves' },
        }),
      wire: async (step, _, signal) => {
        await wiring.wait?.()
        if (signal.aborted) return err(musterError('Aborted', 'It was stopped.'))
        return wiring.problem === undefined ? ok({ step, contents: {} }) : err(wiring.problem)
      },
    },
  })
  stack.use(engine)
  return {
    run,
    engine,
    wiring,
    appending,
    timers,
    recorded: async () => {
      const fold = await store.views.pipeline(run.id)
      return { jobs: fold?.jobs.length, skipped: fold?.skipped.map(({ reason }) => reason) }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

it('a step that a full disk keeps from starting says so, and starts when there is room', async () => {
  await using office = await setup()
  office.wiring.problem = full
  office.engine.touched(office.run.id)
  await expect.poll(() => office.engine.waitsFor(office.run.id, 'find')).toBe('The disk is full.')
  expect(office.engine.waitsFor(office.run.id, 'sort')).toBe('')
  expect(await office.recorded()).toEqual({ jobs: 0, skipped: [] })

  office.wiring.problem = undefined
  for (const fire of office.timers) fire()
  await expect.poll(office.recorded).toEqual({ jobs: 1, skipped: [] })
  expect(office.engine.waitsFor(office.run.id, 'find')).toBe('')
})

it('a run whose records find no room is looked at again', async () => {
  await using office = await setup()
  const { to } = office.appending
  office.appending.to = async () => err(full)
  office.engine.touched(office.run.id)
  await expect.poll(() => office.engine.waitsFor(office.run.id, 'sort')).toBe('The disk is full.')
  office.appending.to = to
  for (const fire of office.timers) fire()
  await expect.poll(office.recorded).toEqual({ jobs: 1, skipped: [] })
})

it('an agent that stops while it looks at what a step reads leaves the step open', async () => {
  await using office = await setup()
  const held = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  office.wiring.wait = () => {
    begun.resolve()
    return held.promise
  }
  office.engine.touched(office.run.id)
  await begun.promise
  const stopped = office.engine[Symbol.asyncDispose]()
  held.resolve()
  await stopped
  expect(await office.recorded()).toEqual({ jobs: 0, skipped: [] })
  expect(office.timers.size).toBe(0)
})

it('a step that can never start fails with the reason', async () => {
  await using office = await setup()
  office.wiring.problem = musterError('InputMissing', 'Step "find" reads nothing.')
  office.engine.touched(office.run.id)
  await expect.poll(office.recorded).toEqual({ jobs: 0, skipped: ['Step "find" reads nothing.'] })
  expect(office.timers.size).toBe(0)
})
