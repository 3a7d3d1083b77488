import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { Term } from '#protocol/model/term.ts'
import { limits } from '#protocol/limits.ts'
import { createHeadHost, type HeadHost, type PauseFact, type PoolsFact } from './head-host.ts'
import type { SimulatedJob } from './jobs.ts'
import { createLedger, type SimulatedLedger } from './ledger.ts'
import { createNetwork, type Network } from './network.ts'
import {
  createWorkerHost,
  type ChunkStore,
  type WorkerHost,
  type WorkerHostDeps,
} from './worker-host.ts'
import type { World } from './world.ts'

/** Machines, network and ledger of one simulated office, and the hands that break and mend them. */
export interface Cluster {
  readonly world: World
  readonly network: Network
  readonly ledger: SimulatedLedger
  readonly heads: readonly HeadHost[]
  readonly workers: readonly WorkerHost[]
  readonly chunks: ChunkStore
  readonly endedJobs: ReadonlySet<JobId>
  readonly breaches: readonly string[]
  readonly submit: (job: SimulatedJob) => void
  readonly cancel: (job: JobId) => void
  readonly setPaused: (job: JobId, paused: boolean) => void
  /** Tells which workers the pools have from now on. */
  readonly setPools: (pools: PoolsFact['pools']) => void
  /** Another agent becomes head; the one before hears of it `silentMs` later, if it still lives. */
  readonly elect: (head: HeadHost, silentMs: number) => void
  readonly crashWorker: (worker: WorkerHost, backAfterMs: number) => void
  readonly crashHead: (head: HeadHost, backAfterMs: number) => void
  readonly cut: (peer: PeerId, ms: number) => void
  readonly setDataUp: (isUp: boolean) => void
}

export interface ClusterOptions {
  readonly workers: readonly Pick<WorkerHostDeps, 'slots' | 'speed' | 'chances'>[]
  readonly checkEachStep: boolean
}

export const dataPeer = asPeerId('data')

export const createCluster = (world: World, options: ClusterOptions): Cluster => {
  const { random } = world
  const network = createNetwork(world)
  const ledger = createLedger(world)
  const chunks: ChunkStore = new Map()
  const submitted: { job: SimulatedJob; chunksDurable: number }[] = []
  const canceled = new Set<JobId>()
  const pauses = new Map<JobId, PauseFact>()
  let pools: PoolsFact = { kind: 'poolsChanged', pools: [] }
  const endedJobs = new Set<JobId>()
  const breaches: string[] = []
  let term: Term | null = null
  let dataUp = true
  const breach = (message: string): void => {
    if (breaches.length < 20) breaches.push(`${String(world.now())}: ${message}`)
  }

  const heads: HeadHost[] = ['head-a', 'head-b'].map((name) =>
    createHeadHost(asPeerId(name), {
      world,
      ledger,
      jobs: () => submitted,
      canceled,
      pauses,
      pools: () => pools,
      breach,
      checkEachStep: options.checkEachStep,
      sendToWorker: (from, to, message) =>
        network.send(from, to, () =>
          workers.find(({ peer }) => peer === to)?.receive(from, message),
        ),
    }),
  )
  const workers: WorkerHost[] = options.workers.map((one, i) =>
    createWorkerHost(asPeerId(`worker-${String(i)}`), {
      world,
      ...one,
      jobs: () => submitted.map(({ job }) => job),
      endedJobs,
      chunks,
      breach,
      checkEachStep: options.checkEachStep,
      dataIsUp: () => dataUp,
      sendToHead: (from, to, message) =>
        network.send(from, to, () => heads.find(({ peer }) => peer === to)?.receive(from, message)),
    }),
  )

  const currentHead = (): HeadHost | undefined => heads.find(({ peer }) => peer === term?.head)
  const tellHeads = (fact: Parameters<HeadHost['tell']>[0]): void => {
    for (const head of heads) head.tell(fact)
  }
  const greetSoon = (worker: WorkerHost): void => {
    world.after(random.between(5, 400), () => {
      const head = currentHead()
      if (worker.isUp() && head?.isUp() === true && term !== null) worker.headFound(term)
    })
  }

  // The ledger reaches everybody in the end, and not all at once.
  ledger.onAdded((record) => {
    for (const head of heads) world.after(random.between(0, 30), () => head.recordAdded(record))
    if (record.kind !== 'job-closed') return
    endedJobs.add(record.job)
    for (const worker of workers) {
      world.after(random.between(1, 800), () => worker.tell({ kind: 'jobEnded', job: record.job }))
    }
  })

  /** The head's view of a peer that fell silent, and of its return. */
  const goSilent = (peer: PeerId, isBack: () => boolean): void => {
    const suspectAfter = random.between(200, limits.suspectMs)
    world.after(suspectAfter, () => {
      if (isBack()) return
      tellHeads({ kind: 'peerSuspected', peer })
      world.after(limits.lostMs - suspectAfter, () => {
        if (isBack()) return
        world.count('peers lost')
        tellHeads({ kind: 'peerLost', peer })
      })
    })
  }

  return {
    world,
    network,
    ledger,
    heads,
    workers,
    chunks,
    endedJobs,
    breaches,
    submit: (job) => {
      const entry = { job, chunksDurable: 0 }
      submitted.push(entry)
      for (const worker of workers) {
        world.after(random.between(0, 1_500), () => worker.tell({ kind: 'jobKnown', job: job.job }))
      }
      tellHeads({ kind: 'jobSubmitted', job: job.job })
      let at = job.listingMs
      for (const [i, chunk] of job.chunks.entries()) {
        at += random.between(0, 400)
        world.after(at, () => {
          entry.chunksDurable = i + 1
          // Told late now and then, so that chunks overtake each other.
          world.after(random.chance(0.2) ? 700 : 0, () => tellHeads(chunk))
        })
      }
    },
    cancel: (job) => {
      world.count('jobs canceled')
      canceled.add(job)
      tellHeads({ kind: 'cancelRequested', job })
    },
    setPaused: (job, paused) => {
      world.count(paused ? 'jobs paused' : 'jobs resumed')
      const clock = (pauses.get(job)?.clock ?? 0) + 1
      const fact: PauseFact = { kind: 'pauseChanged', job, paused, clock, by: dataPeer }
      pauses.set(job, fact)
      for (const head of heads) world.after(random.between(0, 400), () => head.tell(fact))
    },
    setPools: (next) => {
      world.count('pools changed')
      pools = { kind: 'poolsChanged', pools: next }
      for (const head of heads) head.tell(pools)
    },
    elect: (head, silentMs) => {
      const before = currentHead()
      const next: Term = { number: (term?.number ?? 0) + 1, head: head.peer }
      term = next
      head.takeTerm(next, [
        dataPeer,
        ...workers.filter((one) => one.isUp()).map(({ peer }) => peer),
      ])
      if (!dataUp) head.tell({ kind: 'peerLost', peer: dataPeer })
      if (before !== undefined && before !== head) {
        world.after(silentMs, () => before.tell({ kind: 'termLost', term: next }))
      }
      for (const worker of workers) greetSoon(worker)
    },
    crashWorker: (worker, backAfterMs) => {
      world.count('workers crashed')
      worker.crash()
      goSilent(worker.peer, () => worker.isUp())
      world.after(backAfterMs, () => {
        worker.start()
        tellHeads({ kind: 'peerAlive', peer: worker.peer })
        greetSoon(worker)
      })
    },
    crashHead: (head, backAfterMs) => {
      world.count('heads crashed')
      head.crash()
      for (const worker of workers) {
        world.after(random.between(10, 3_000), () => {
          if (worker.head() === head.peer && !head.isUp()) worker.headLost()
        })
      }
      world.after(backAfterMs, () => head.start())
    },
    cut: (peer, ms) => {
      world.count('peers cut off')
      network.cut(peer)
      goSilent(peer, () => !network.isCut(peer))
      const worker = workers.find((one) => one.peer === peer)
      world.after(random.between(50, 3_000), () => {
        if (network.isCut(peer)) worker?.headLost()
      })
      world.after(ms, () => {
        network.mend(peer)
        tellHeads({ kind: 'peerAlive', peer })
        if (worker !== undefined) greetSoon(worker)
      })
    },
    setDataUp: (isUp) => {
      dataUp = isUp
      world.count(isUp ? 'data back' : 'data away')
      tellHeads({ kind: isUp ? 'peerAlive' : 'peerLost', peer: dataPeer })
    },
  }
}
