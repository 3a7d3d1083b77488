import { allMiniBatches, isOpenCell, rangeOf, stateOf } from '#agent/scheduler/cells.ts'
import { cell } from '#agent/scheduler/columns.ts'
import { digest as digestHead } from '#agent/scheduler/digest.ts'
import type { SchedulerFact } from '#agent/scheduler/event.ts'
import { explain } from '#agent/scheduler/explain.ts'
import { createInvariantChecker } from '#agent/scheduler/invariants.ts'
import { createScheduler, type JobEntry } from '#agent/scheduler/state.ts'
import { transition } from '#agent/scheduler/transition.ts'
import { digest as digestWorker } from '#agent/worker/digest.ts'
import { miniBatchName } from '#protocol/model/half.ts'
import { asPeerId, type JobId, type PeerId } from '#protocol/model/ids.ts'
import { createCluster, dataPeer, type Cluster } from './cluster.ts'
import { recordToFact } from './head-host.ts'
import { createJob, createPlan, jobId, type SimulatedJob } from './jobs.ts'
import type { SimulatedRecord } from './ledger.ts'
import { createWorld, type World } from './world.ts'

/** What one seed led to. `problems` is empty when all held. */
export interface SimulationResult {
  readonly seed: number
  readonly problems: readonly string[]
  readonly counts: ReadonlyMap<string, number>
  /** Of all machines at the end: equal seeds give equal digests. */
  readonly digest: string
  readonly simulatedMs: number
}

/** Downloaded to each machine before anything of its job runs there. */
const wholeInput = {
  kind: 'files',
  name: 'images',
  root: '/data',
  patterns: ['**'],
  mode: 'download',
} as const

/** Time in which things break; afterwards all is mended and every job must end. */
const chaosMs = 25_000
/** After that the longest time aside (10 min) has passed twice. */
const patienceMs = 1_800_000

export const simulate = (seed: number): SimulationResult => {
  const world = createWorld(seed)
  const { random } = world
  const cluster = createCluster(world, {
    workers: Array.from({ length: random.between(2, 5) }, () => ({
      slots: random.between(1, 3),
      speed: random.pick([0.3, 1, 1, 3]),
      chances: { init: random.pick([0, 0, 0.1]), reach: 0.03, pack: random.pick([0, 0.02]) },
    })),
    checkEachStep: true,
  })
  const started = world.now()
  const { heads } = cluster
  const first = heads[0]
  if (first === undefined) throw new Error('no head')
  cluster.elect(first, 0)
  const jobs = Array.from({ length: random.between(1, 3) }, (_, i) => chooseJob(world, i))
  for (const [i, job] of jobs.entries()) world.after(i * 3_000, () => cluster.submit(job))
  if (random.chance(0.15)) {
    world.after(random.between(1_000, 8_000), () => cluster.cancel(jobId(0)))
  }
  changePools(cluster)
  for (const { job } of jobs) if (random.chance(0.3)) pauseNowAndThen(cluster, job.id)
  cluster.network.faults.lost = random.pick([0, 0.01, 0.05])
  cluster.network.faults.doubled = random.pick([0, 0.05])
  cluster.network.faults.late = random.pick([0, 0.02])
  breakThings(cluster)
  const isOver = (): boolean => jobs.every(({ job }) => cluster.endedJobs.has(job.id))
  world.runUntil(() => cluster.breaches.length > 0, chaosMs)
  mendAll(cluster)
  const ended = world.runUntil(() => isOver() || cluster.breaches.length > 0, patienceMs)
  const simulatedMs = world.now() - started
  // Late messages still arrive at machines whose jobs have ended.
  world.runUntil(() => false, 20_000)
  const problems = [...cluster.breaches]
  if (!ended && problems.length === 0) {
    problems.push('a job did not end')
    for (const { job } of jobs) {
      const head = heads.find((one) => one.term() !== null)
      if (head !== undefined) problems.push(...explain(head.state(), job.id))
    }
  }
  for (const job of jobs) problems.push(...checkJob(cluster, job))
  for (const head of heads) {
    for (const { invariant, message } of createInvariantChecker(head.state()).full()) {
      problems.push(`invariant ${String(invariant)} at the end: ${message}`)
    }
  }
  const digest = [
    ...heads.map((head) => digestHead(head.state())),
    ...cluster.workers.map((worker) => digestWorker(worker.state())),
  ].join('\n')
  return { seed, problems, counts: world.counts, digest, simulatedMs }
}

const chooseJob = ({ random }: World, number: number): SimulatedJob => {
  const miniBatches = random.between(30, 500)
  const id = jobId(number)
  const { chunks, items } = createPlan(id, miniBatches, random.pick([25, 100, 1_000]), random)
  const isRough = random.chance(0.5)
  const isDeadly = random.chance(0.3)
  const stuckLoads = random.chance(0.3) ? 0.01 : 0
  const poisoned = random.chance(0.3) ? random.between(1, 5) : 0
  return {
    job: createJob(id, dataPeer, {
      errorThreshold: random.pick([-1, -1, -1, 20]),
      ...(random.chance(0.3) ? { processesPerPeer: 1 } : {}),
      ...(random.chance(0.2) ? { peerCount: 2 } : {}),
      ...(random.chance(0.3) ? { priority: random.between(-1, 1) } : {}),
      ...(random.chance(0.3) ? { weight: random.pick([0.5, 3]) } : {}),
      ...(random.chance(0.3) ? { pool: 'quick' } : {}),
      ...(random.chance(0.4) ? { miniBatchSize: { kind: 'auto' } } : {}),
      ...(number % 3 === 2 ? { inputs: [wholeInput] } : {}),
      ...(random.chance(0.2) ? { progressLimitMs: random.pick([3_000, 12_000]) } : {}),
      ...(random.chance(0.2) ? { firstPlanLimitMs: random.pick([500, 5_000]) } : {}),
      ...(stuckLoads > 0 ? { loadLimitMs: 1_000 } : {}),
    }),
    chunks,
    miniBatches,
    items,
    poison: new Set(Array.from({ length: poisoned }, () => random.between(0, miniBatches - 1))),
    deadly: isDeadly
      ? Array.from({ length: random.between(1, 3) }, () => random.between(0, items - 1))
      : [],
    msPerItem: random.pick([0.2, 5, 30, 60]),
    throws: isRough ? 0.02 : 0,
    kills: isRough ? 0.01 : 0,
    hangs: isRough ? 0.003 : 0,
    stuckLoads,
    listingMs: random.pick([0, 0, 0, 1_000, 6_000]),
    unsure: random.chance(0.2),
  }
}

/** The pool has some of the workers, then others; in the end all of them. */
const changePools = (cluster: Cluster): void => {
  const { world, workers } = cluster
  const { random } = world
  const set = (members: readonly PeerId[], minPeers: number): void =>
    cluster.setPools([{ name: 'quick', minPeers, maxPeers: random.pick([null, 1, 2]), members }])
  const peers = workers.map(({ peer }) => peer)
  const some = (): readonly PeerId[] => peers.filter(() => random.chance(0.6))
  if (random.chance(0.7)) set(some(), random.between(0, 2))
  world.after(random.between(3_000, 15_000), () => set(some(), random.between(0, 2)))
  world.after(chaosMs + 1_000, () => set(peers, 0))
}

/** In the end it goes on. */
const pauseNowAndThen = (cluster: Cluster, job: JobId): void => {
  const { world } = cluster
  const { random } = world
  let at = random.between(500, 6_000)
  for (let times = random.between(1, 3); times > 0; times--) {
    world.after(at, () => cluster.setPaused(job, true))
    at += random.between(100, 5_000)
    world.after(at, () => cluster.setPaused(job, false))
    at += random.between(100, 3_000)
  }
}

const breakThings = (cluster: Cluster): void => {
  const { world } = cluster
  const { random } = world
  const end = world.now() + chaosMs
  const faults: readonly (() => void)[] = [
    () => {
      const worker = random.pick(cluster.workers)
      if (!worker.isUp()) return
      const crash = (): void => cluster.crashWorker(worker, random.between(300, 9_000))
      if (random.chance(0.5)) crash()
      else worker.crashAtEffect(crash)
    },
    () => {
      const worker = random.pick(cluster.workers)
      if (!cluster.network.isCut(worker.peer)) cluster.cut(worker.peer, random.between(200, 9_000))
    },
    () => {
      const head = cluster.heads.find((one) => one.term() !== null)
      if (head === undefined) return
      const heir = random.pick(cluster.heads)
      const backAfter = random.between(500, 4_000)
      const crash = (): void => {
        cluster.crashHead(head, backAfter)
        world.after(backAfter + 10, () => {
          if (heir.isUp()) cluster.elect(heir, 0)
        })
      }
      if (random.chance(0.3)) crash()
      else head.crashAtEffect(crash)
    },
    () => {
      const heir = cluster.heads.find((one) => one.isUp() && one.term() === null)
      if (heir === undefined) return
      world.count('two heads')
      cluster.elect(heir, random.between(0, 5_000))
    },
    () => {
      const worker = random.pick(cluster.workers)
      world.count('owners come and go')
      worker.setSlots(0)
      world.after(random.between(100, 6_000), () => worker.setSlots(random.between(1, 3)))
    },
    () => {
      cluster.setDataUp(false)
      world.after(random.between(500, 5_000), () => cluster.setDataUp(true))
    },
  ]
  const next = (): void => {
    if (world.now() >= end) return
    random.pick(faults)()
    world.after(random.between(500, 6_000), next)
  }
  world.after(random.between(200, 3_000), next)
}

/** No more faults: whatever state things are in, they must come to a good end from here. */
const mendAll = (cluster: Cluster): void => {
  const { world, network } = cluster
  Object.assign(network.faults, { lost: 0, doubled: 0, late: 0 })
  world.after(10_000, () => {
    const reigning = cluster.heads.filter((head) => head.term() !== null)
    const heir = cluster.heads.find((head) => head.isUp())
    if (reigning.length === 0 && heir !== undefined) cluster.elect(heir, 0)
  })
}

/** Each mini-batch counted once, its rows where the ledger says, items adding up, replay giving the same. */
const checkJob = (cluster: Cluster, simulated: SimulatedJob): readonly string[] => {
  const { id } = simulated.job
  const problems: string[] = []
  const records = cluster.ledger.records.filter((record) => record.job === id)
  const closing = records.filter((record) => record.kind === 'job-closed')
  if (closing.length === 0) return [`${id} has no end in the ledger`]
  const perTerm = new Set<string>()
  const counted = new Map<number, string>()
  for (const record of records) {
    if (record.kind !== 'committed') continue
    for (const group of record.groups) {
      for (const [i, miniBatch] of group.miniBatches.entries()) {
        const key = `${String(record.term.number)}/${String(miniBatch)}`
        if (perTerm.has(key)) problems.push(`${key} was committed twice in one term`)
        perTerm.add(key)
        if (counted.has(miniBatch)) cluster.world.count('commits that were double work')
        else counted.set(miniBatch, key)
        const entry = cluster.chunks.get(group.chunk)?.[group.positions[i] ?? -1]
        const isThere =
          entry?.job === id && entry.miniBatch === miniBatch && entry.attempt === group.attempts[i]
        if (!isThere) problems.push(`rows of ${key} are not where the commit says`)
      }
    }
  }
  problems.push(...checkReplay(cluster, simulated, counted))
  return problems
}

const checkReplay = (
  cluster: Cluster,
  simulated: SimulatedJob,
  counted: ReadonlyMap<number, string>,
): readonly string[] => {
  const { id } = simulated.job
  const problems: string[] = []
  const closing = cluster.ledger.records.find(
    (record) => record.kind === 'job-closed' && record.job === id,
  )
  const outcome = closing?.kind === 'job-closed' ? closing.outcome : undefined
  cluster.world.count(`jobs ended: ${outcome ?? 'never'}`)
  const records = cluster.ledger.records.filter((record) => record.job === id)
  const entry = replayed(simulated, records)
  if (entry === undefined || entry.columns.count !== simulated.miniBatches) {
    return ['the plan is not whole']
  }
  problems.push(...checkStates(simulated, entry, { outcome, counted }))
  const items = entry.itemsIn.slice(0, cell.halved).reduce((sum, count) => sum + count, 0)
  if (items !== simulated.items) {
    problems.push(`${String(items)} of ${String(simulated.items)} items add up`)
  }
  const backwards = replayed(simulated, records.toReversed())
  const states = statesOf(entry)
  if (backwards === undefined || statesOf(backwards) !== states) {
    problems.push(`${id} is folded differently from its end to its beginning`)
  }
  for (const head of cluster.heads) {
    // An agent that restarted and did not become head since was told nothing.
    const live = head.term() === null ? undefined : head.state().jobs.get(id)
    if (live !== undefined && statesOf(live) !== states) {
      problems.push(`${head.peer} ends with\n${statesOf(live)}\nand the ledger says\n${states}`)
    }
  }
  return problems
}

/** A job as its records alone tell it. */
const replayed = (
  simulated: SimulatedJob,
  records: readonly SimulatedRecord[],
): JobEntry | undefined => {
  const replay = createScheduler(asPeerId('replay'))
  const facts: readonly SchedulerFact[] = [
    { kind: 'jobSubmitted', job: simulated.job },
    ...simulated.chunks,
    ...records.map(recordToFact),
  ]
  for (const fact of facts) transition(replay, { ...fact, id: 0, causeId: 0, now: 0 })
  return replay.jobs.get(simulated.job.id)
}

/** Every mini-batch and every half that stands for something, with its state. */
const statesOf = (entry: JobEntry): string =>
  [...allMiniBatches(entry)]
    .filter((miniBatch) => stateOf(entry, miniBatch) !== cell.void)
    .sort((a, b) => a - b)
    .map((miniBatch) => `${miniBatchName(miniBatch)}:${String(stateOf(entry, miniBatch))}`)
    .join(' ')

const checkStates = (
  simulated: SimulatedJob,
  entry: JobEntry,
  {
    outcome,
    counted,
  }: { readonly outcome: string | undefined; readonly counted: ReadonlyMap<number, string> },
): readonly string[] => {
  const problems: string[] = []
  for (const miniBatch of allMiniBatches(entry)) {
    const name = `mini-batch ${miniBatchName(miniBatch)}`
    const at = stateOf(entry, miniBatch)
    if (at === cell.void) continue
    if (at === cell.committed && !counted.has(miniBatch)) problems.push(`${name} has no commit`)
    if (isOpenCell(at)) problems.push(`${name} is open`)
    if (outcome === 'finished' && at === cell.canceled) {
      problems.push(`${name} of a finished job is canceled`)
    }
    if (at === cell.committed && simulated.poison.has(miniBatch)) {
      problems.push('a poison mini-batch counts')
    }
    const { firstItem, items } = rangeOf(entry, miniBatch)
    const isDeadly = simulated.deadly.some((item) => item >= firstItem && item < firstItem + items)
    if (isDeadly && at === cell.committed) problems.push(`${name} counts with a deadly item`)
  }
  return problems
}
