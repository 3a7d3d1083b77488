import { expect, it } from 'vitest'
import { gatherInputs } from '#agent/effects/inputs/gathering.ts'
import type { GatheringDeps } from '#agent/effects/inputs/gathering.ts'
import { createForgetter } from '#agent/effects/keeper/forgetting.ts'
import type { ForgetterDeps } from '#agent/effects/keeper/forgetting.ts'
import { createWorkerEffects } from '#agent/effects/worker/worker-effects.ts'
import type { WorkerEffectsDeps } from '#agent/effects/worker/worker-effects.ts'
import type { WorkerFact } from '#agent/worker/event.ts'
import type { JobId } from '#protocol/model/ids.ts'
import { until } from '../../../tools/agents.ts'
import { jobNumbered, jobOf, peerNamed, quietLog } from '../../support/ledger-fixtures.ts'

/** A disk that throws where nobody expects it. */
const broken = async (): Promise<never> => {
  throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
}
const [one, other] = [jobNumbered(1), jobNumbered(2)]
const job = jobOf(one, peerNamed('m'))

it('a forgotten job whose files cannot go keeps no other from going, and is tried again', async () => {
  const left = new Set<JobId>([one, other])
  let isBroken = true
  let retry = (): void => undefined
  await using forgetter = createForgetter({
    log: quietLog,
    clock: {
      after: (_: number, run: () => void) => {
        retry = run
        return { [Symbol.dispose]: () => undefined }
      },
    },
    views: {
      toRemove: async () => [...left].map((id) => ({ job: id, blobs: [] })),
      job: async () => undefined,
      unnamed: async () => [],
      removed: async (id: JobId) => void left.delete(id),
    },
    blobs: {},
    packs: { drop: async () => undefined },
    chunks: { settle: async () => undefined },
    leavings: { remove: (id: JobId) => (id === one && isBroken ? broken() : undefined) },
  } as unknown as ForgetterDeps)
  forgetter.look()
  await until('the other one is gone', async () => left.size === 1)
  isBroken = false
  await until('both are gone', async () => {
    retry()
    return left.size === 0
  })
})

it('a worker process whose model cannot be read is told as failed, so that its slot comes free', async () => {
  const told: WorkerFact[] = []
  await using effects = createWorkerEffects({
    log: quietLog,
    tell: (fact: WorkerFact) => void told.push(fact),
    jobById: () => job,
    threads: () => 1,
    memoryBytes: () => 1,
    warm: {
      take: () => undefined,
      makeRoom: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    },
    modelPath: broken,
  } as unknown as WorkerEffectsDeps)
  effects.run({ kind: 'startProcess', process: 7, job: one })
  await until('it is told', async () => told.length > 0)
  expect(told).toMatchObject([{ kind: 'processFailed', process: 7, why: 'reach' }])
})

it('inputs that cannot be written are told as not gathered, so that they are tried again', async () => {
  const told: WorkerFact[] = []
  const deps = {
    log: quietLog,
    tell: (fact: WorkerFact) => void told.push(fact),
    jobById: () => job,
    wholeInputs: { gather: broken },
    gathering: new Map(),
  } as unknown as GatheringDeps
  gatherInputs(deps, one)
  await until('it is told', async () => told.length > 0)
  expect(told).toMatchObject([{ kind: 'inputsNotGathered', job: one, lasting: false }])
  expect(deps.gathering.size).toBe(0)
})
