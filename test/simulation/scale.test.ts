import { createInvariantChecker } from '#agent/scheduler/invariants.ts'
import { digest } from '#agent/scheduler/digest.ts'
import { miniBatchStates } from '#agent/scheduler/explain.ts'
import { expect, test } from 'vitest'
import { createCluster, dataPeer } from './cluster.ts'
import { createJob, createPlan, jobId, type SimulatedJob } from './jobs.ts'
import { createWorld } from './world.ts'

/** MUSTER_SIM_PEERS and MUSTER_SIM_MINI_BATCHES make it larger: 1,000 peers and a million mini-batches run too. */
const peers = Number(process.env['MUSTER_SIM_PEERS'] ?? 200)
const miniBatches = Number(process.env['MUSTER_SIM_MINI_BATCHES'] ?? 100_000)

test(`${String(peers)} peers share ${String(miniBatches)} mini-batches`, () => {
  const world = createWorld(1)
  const cluster = createCluster(world, {
    workers: Array.from({ length: peers }, () => ({
      slots: 2,
      speed: world.random.pick([0.5, 1, 2]),
      chances: { init: 0, reach: 0, pack: 0 },
    })),
    checkEachStep: false,
  })
  const [head] = cluster.heads
  if (head === undefined) throw new Error('no head')
  cluster.elect(head, 0)
  const id = jobId(0)
  const plan = createPlan(id, miniBatches, 500, world.random)
  const job: SimulatedJob = {
    ...plan,
    job: createJob(id, dataPeer),
    miniBatches,
    poison: new Set(),
    deadly: [],
    msPerItem: 1,
    throws: 0,
    kills: 0,
    hangs: 0,
    stuckLoads: 0,
    listingMs: 0,
    unsure: false,
  }
  // The whole plan at once: planning is not what is measured.
  cluster.submit({ ...job, chunks: [] })
  for (const chunk of job.chunks) head.tell(chunk)
  const from = performance.now()
  const began = world.now()
  const ended = world.runUntil(() => cluster.endedJobs.has(id), 600_000)
  const wallMs = performance.now() - from
  const simulatedMs = world.now() - began
  expect(ended).toBe(true)
  expect(miniBatchStates(head.state(), id, 0, miniBatches)).toBe('c'.repeat(miniBatches))
  expect(createInvariantChecker(head.state()).full()).toEqual([])
  const digestFrom = performance.now()
  digest(head.state())
  const digestMs = performance.now() - digestFrom
  const workersMs = cluster.workers.reduce((sum, worker) => sum + worker.spentMs(), 0)
  const perMiniBatch = (ms: number): string => `${((ms / miniBatches) * 1_000).toFixed(1)} us`
  const { counters } = head.state()
  console.log(
    [
      `head's machine ${perMiniBatch(head.spentMs())} a mini-batch`,
      `workers' machines ${perMiniBatch(workersMs)} (ticks included)`,
      `whole simulation ${perMiniBatch(wallMs)}, ${(wallMs / 1_000).toFixed(1)} s for ${(simulatedMs / 1_000).toFixed(1)} simulated`,
      `messages ${String(world.counts.get('messages') ?? 0)}, grants ${String(counters.grants)}, taken back ${String(counters.takenBack)}, copies ${String(counters.copies)}, digest ${digestMs.toFixed(0)} ms`,
    ].join('\n'),
  )
}, 900_000)
