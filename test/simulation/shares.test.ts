import { describe, expect, test } from 'vitest'
import type { JobSpecBase } from '#protocol/model/job.ts'
import { createCluster, dataPeer } from './cluster.ts'
import { createJob, createPlan, jobId, type SimulatedJob } from './jobs.ts'
import { createWorld } from './world.ts'

/** Jobs side by side on an office where nothing breaks: who gets how much of the machines. */

interface Wish {
  readonly spec: Partial<JobSpecBase>
  readonly msPerItem: number
}

/** Share of all run time that each job had between `from` and `to`, while every job had work left. */
const sharesOf = (wishes: readonly Wish[], machines: number, slots: number): readonly number[] => {
  const world = createWorld(11)
  const cluster = createCluster(world, {
    workers: Array.from({ length: machines }, () => ({
      slots,
      speed: 1,
      chances: { init: 0, reach: 0, pack: 0 },
    })),
    checkEachStep: true,
  })
  cluster.elect(cluster.heads[0]!, 0)
  const jobs = wishes.map(({ spec, msPerItem }, i): SimulatedJob => {
    const miniBatches = Math.ceil((machines * slots * 80_000) / (10 * msPerItem))
    return {
      ...createPlan(jobId(i), miniBatches, 5_000, world.random),
      job: createJob(jobId(i), dataPeer, spec),
      miniBatches,
      poison: new Set(),
      deadly: [],
      msPerItem,
      throws: 0,
      kills: 0,
      hangs: 0,
      stuckLoads: 0,
      listingMs: 0,
      unsure: false,
    }
  })
  for (const [i, job] of jobs.entries()) world.after(i * 2_000, () => cluster.submit(job))
  const spent = (): readonly number[] =>
    jobs.map(({ job }) => world.counts.get(`run time of ${job.id}`) ?? 0)
  world.runUntil(() => false, 15_000)
  const before = spent()
  world.runUntil(() => false, 40_000)
  const during = spent().map((ms, i) => ms - (before[i] ?? 0))
  expect(cluster.breaches).toEqual([])
  const all = during.reduce((sum, ms) => sum + ms, 0)
  return during.map((ms) => ms / all)
}

describe('jobs side by side', () => {
  test.each([
    { name: 'equal ones', spec: [{}, {}], run: [5, 5], expected: [0.5, 0.5] },
    {
      name: 'three equal ones',
      spec: [{}, {}, {}],
      run: [5, 5, 20],
      expected: [1 / 3, 1 / 3, 1 / 3],
    },
    {
      name: 'weights 1 and 3',
      spec: [{ weight: 1 }, { weight: 3 }],
      run: [5, 5],
      expected: [0.25, 0.75],
    },
    {
      name: 'weights 4 and 1',
      spec: [{ weight: 4 }, { weight: 1 }],
      run: [20, 2],
      expected: [0.8, 0.2],
    },
    { name: 'a higher priority', spec: [{}, { priority: 1 }], run: [5, 5], expected: [0, 1] },
  ])('$name', ({ spec, run, expected }) => {
    const wishes = spec.map((one, i) => ({ spec: one, msPerItem: run[i] ?? 1 }))
    const shares = sharesOf(wishes, 4, 4)
    for (const [i, share] of shares.entries()) {
      expect(Math.abs(share - (expected[i] ?? 0))).toBeLessThan(0.12)
    }
  })

  test('with mini-batches of 5 and of 400 ms: neither starves', () => {
    const long = { spec: {}, msPerItem: 40 }
    const short = { spec: {}, msPerItem: 0.5 }
    for (const share of sharesOf([short, long], 2, 2)) expect(share).toBeGreaterThan(0.25)
  })

  test('on one slot for all of them take turns', () => {
    const shares = sharesOf(
      [
        { spec: {}, msPerItem: 5 },
        { spec: {}, msPerItem: 5 },
      ],
      1,
      1,
    )
    for (const share of shares) expect(Math.abs(share - 0.5)).toBeLessThan(0.12)
  })
})
