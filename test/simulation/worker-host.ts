import type { WorkerEffect } from '#agent/worker/effect.ts'
import type { ProcessNumber, WorkerFact } from '#agent/worker/event.ts'
import { checkEffects, checkInvariants } from '#agent/worker/invariants.ts'
import { createWorker, type WorkerState } from '#agent/worker/state.ts'
import { transition } from '#agent/worker/transition.ts'
import { limits } from '#protocol/limits.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import { asBlobHash, type BlobHash, type JobId, type PeerId } from '#protocol/model/ids.ts'
import type { LeaseToken, Term } from '#protocol/model/term.ts'
import { sameToken, tokenToText } from '#protocol/model/token-map.ts'
import type { FromWorkerMessage, ToWorkerMessage } from '#protocol/wire/lease/messages.ts'
import type { SimulatedJob } from './jobs.ts'
import type { World } from './world.ts'

/** Where rows are once they are durable: entry i of a chunk is of this mini-batch and attempt. */
export type ChunkStore = Map<
  BlobHash,
  readonly { readonly job: JobId; readonly miniBatch: number; readonly attempt: number }[]
>

/** A worker's agent: the machine with processes that only pretend to run, and a disk that is real. */
export interface WorkerHost {
  readonly peer: PeerId
  readonly state: () => WorkerState
  readonly isUp: () => boolean
  /** Real time spent inside the machine, ms. */
  readonly spentMs: () => number
  readonly head: () => PeerId | null
  readonly headFound: (term: Term) => void
  readonly headLost: () => void
  readonly tell: (fact: WorkerFact) => void
  readonly receive: (from: PeerId, message: ToWorkerMessage) => void
  readonly crash: () => void
  /** Calls `crash` in the middle of a later step, right after one of its effects. */
  readonly crashAtEffect: (crash: () => void) => void
  readonly start: () => void
  readonly setSlots: (slots: number) => void
}

export interface WorkerHostDeps {
  readonly world: World
  readonly sendToHead: (from: PeerId, to: PeerId, message: FromWorkerMessage) => void
  readonly jobs: () => readonly SimulatedJob[]
  readonly endedJobs: ReadonlySet<JobId>
  readonly chunks: ChunkStore
  readonly dataIsUp: (job: SimulatedJob) => boolean
  readonly breach: (message: string) => void
  readonly slots: number
  /** Time of a run is divided by it. */
  readonly speed: number
  /** Chances that a process does not start. */
  readonly chances: { readonly init: number; readonly reach: number; readonly pack: number }
  /** False in large runs, where it would cost more than all else. */
  readonly checkEachStep: boolean
}

interface Process {
  readonly job: SimulatedJob
  ready: boolean
  killed: boolean
  busy: boolean
  /** Mini-batches of one run each. */
  queue: (readonly Lease[])[]
}

export const createWorkerHost = (peer: PeerId, deps: WorkerHostDeps): WorkerHost => {
  const { world } = deps
  const { random } = world
  let life = 0
  let up = true
  let state = createWorker(peer)
  let head: PeerId | null = null
  let slots = deps.slots
  let chunksMade = 0
  let spentMs = 0
  let armed: (() => void) | undefined
  const processes = new Map<ProcessNumber, Process>()
  const inputs = new Map<string, 'fetching' | 'here'>()
  const rows = new Map<string, Lease>()
  /** The last request for the whole inputs of each job. */
  const gathered = new Map<JobId, object>()

  const later = (ms: number, run: () => void): void => {
    const alife = life
    world.after(ms, () => {
      if (up && life === alife) run()
    })
  }

  const tell = (fact: WorkerFact): void => {
    if (!up) return
    const from = performance.now()
    const effects = transition(state, { ...fact, id: world.nextId(), causeId: 0, now: world.now() })
    spentMs += performance.now() - from
    world.count(`worker hears ${fact.kind}`)
    if (deps.checkEachStep) {
      for (const { invariant, message } of [
        ...checkInvariants(state),
        ...checkEffects(state, effects),
      ]) {
        deps.breach(`invariant ${invariant} of ${peer} after ${fact.kind}: ${message}`)
      }
    }
    for (const effect of effects) {
      run(effect)
      if (armed === undefined || !random.chance(0.1)) continue
      world.count('workers crashed at an effect')
      const crash = armed
      armed = undefined
      return crash()
    }
  }

  const send = (message: FromWorkerMessage): void => {
    if (head !== null) deps.sendToHead(peer, head, message)
  }

  const run = (effect: WorkerEffect): void => {
    world.count(`worker wants ${effect.kind}`)
    switch (effect.kind) {
      case 'greetHead':
        return send({ ...effect, kind: 'worker-hello' })
      case 'fetchInput':
        return fetchInput(effect.lease)
      case 'dropInput':
        inputs.delete(tokenToText(effect.token))
        return
      case 'gatherInputs':
        return gatherInputs(effect.job)
      case 'stopInputs':
        gathered.delete(effect.job)
        return
      case 'sendNote':
        return send({ ...effect, kind: 'job-noted' })
      case 'startProcess':
        return startProcess(effect.process, effect.job)
      case 'releaseProcess':
        processes.delete(effect.process)
        return
      case 'endScript':
      case 'killProcess':
        return killProcess(effect.process)
      case 'runAttempt':
        return runAttempt(effect.process, [effect.lease])
      case 'runJoined':
        world.count('runs of several mini-batches')
        return runAttempt(effect.process, effect.leases)
      case 'noteMemory':
        return
      case 'packChunk':
        return packChunk(effect.job, effect.tokens)
      case 'dropRows':
        for (const token of effect.tokens) rows.delete(tokenToText(token))
        return
      case 'sendStarted':
        return send({ kind: 'leases-started', tokens: effect.tokens })
      case 'sendReports':
        return send({ kind: 'attempts-finished', reports: effect.reports })
      case 'sendReturned':
        return send({ ...effect, kind: 'leases-returned' })
      case 'sendInitFailed':
        return send({ ...effect, kind: 'init-failed' })
      case 'sendSlots':
        return send({ ...effect, kind: 'slots-changed' })
      default:
        return assertNever(effect)
    }
  }

  const jobOf = (id: JobId): SimulatedJob => {
    const job = deps.jobs().find((one) => one.job.id === id)
    if (job === undefined) throw new Error(`unknown job ${id}`)
    return job
  }

  const gatherInputs = (job: JobId): void => {
    const asked = {}
    gathered.set(job, asked)
    tell({ kind: 'inputsProgressed', job, message: 'a half is there.' })
    later(random.between(50, 1_500), () => {
      if (gathered.get(job) !== asked) return
      const fails = !deps.dataIsUp(jobOf(job)) || random.chance(deps.chances.reach)
      world.count(fails ? 'inputs not gathered' : 'inputs gathered')
      if (!fails) return tell({ kind: 'inputsGathered', job })
      const lasting = random.chance(0.2)
      tell({ kind: 'inputsNotGathered', job, lasting, message: 'The disk is full.' })
    })
  }

  const fetchInput = ({ token, job, items }: Lease): void => {
    const key = tokenToText(token)
    if (inputs.has(key)) deps.breach(`${peer} fetches the input of ${key} twice`)
    inputs.set(key, 'fetching')
    if (random.chance(jobOf(job).stuckLoads)) return world.count('inputs that never come')
    later(random.between(1, 20), () => {
      if (!inputs.has(key)) return
      if (deps.dataIsUp(jobOf(job))) {
        inputs.set(key, 'here')
        tell({ kind: 'inputArrived', token, bytes: items * 300 })
      } else {
        inputs.delete(key)
        world.count('inputs unreachable')
        tell({ kind: 'inputFailed', token, message: 'The data is away.' })
      }
    })
  }

  const startProcess = (number: ProcessNumber, id: JobId): void => {
    const process: Process = { job: jobOf(id), ready: false, killed: false, busy: false, queue: [] }
    processes.set(number, process)
    if (processes.size > deps.slots + 4) deps.breach(`${peer} runs too many processes`)
    later(random.between(30, 250), () => {
      if (process.killed) return
      const fails = random.chance(deps.chances.init)
        ? 'init'
        : random.chance(deps.chances.reach)
          ? 'reach'
          : undefined
      if (fails === undefined) {
        process.ready = true
        tell({ kind: 'processStarted', process: number, index: 0 })
      } else {
        processes.delete(number)
        world.count(`processes failed to start: ${fails}`)
        tell({ kind: 'processFailed', process: number, why: fails, message: 'It does not load.' })
      }
    })
  }

  const killProcess = (number: ProcessNumber): void => {
    const process = processes.get(number)
    if (process === undefined) return
    process.killed = true
    later(random.between(1, 40), () => {
      processes.delete(number)
      if (process.ready) {
        tell({ kind: 'processExited', process: number, how: 'killed', message: 'It was killed.' })
      } else {
        tell({ kind: 'processFailed', process: number, why: 'reach', message: 'Aborted.' })
      }
    })
  }

  const runAttempt = (number: ProcessNumber, leases: readonly Lease[]): void => {
    const process = processes.get(number)
    if (process === undefined || !process.ready || process.killed) {
      deps.breach(`${peer} runs a mini-batch in a process that is not ready`)
      return
    }
    for (const { token } of leases) {
      const key = tokenToText(token)
      if (inputs.get(key) !== 'here') deps.breach(`${peer} runs ${key} without its input`)
      inputs.delete(key)
    }
    process.queue.push(leases)
    runNext(number, process)
  }

  const runNext = (number: ProcessNumber, process: Process): void => {
    const leases = process.queue[0]
    if (leases === undefined || process.busy) return
    process.busy = true
    const { job } = process
    if (random.chance(job.hangs)) {
      world.count('runs that hang')
      return
    }
    const items = leases.reduce((sum, lease) => sum + lease.items, 0)
    const runMs = (items * job.msPerItem * (0.5 + random.next())) / deps.speed
    later(runMs, () => {
      if (process.killed) return
      const dies = job.deadly.some((item) => leases.some((lease) => holds(lease, item)))
      if (dies) world.count('deadly items met')
      if (dies || random.chance(job.kills)) {
        const how = random.chance(0.3) ? 'out-of-memory' : 'crashed'
        world.count(`processes ${how}`)
        processes.delete(number)
        tell({ kind: 'processExited', process: number, how, message: 'Signal 11.' })
        return
      }
      process.queue.shift()
      process.busy = false
      finish(number, process, leases, runMs)
      runNext(number, process)
    })
  }

  const finish = (
    number: ProcessNumber,
    process: Process,
    leases: readonly Lease[],
    runMs: number,
  ): void => {
    const { poison, throws, unsure } = process.job
    const isPoisoned = leases.some(({ miniBatch }) => poison.has(miniBatch))
    const throwsNow = isPoisoned || random.chance(throws)
    if (throwsNow) world.count('runs that throw')
    if (leases.length > 1 && (throwsNow || unsure)) {
      world.count('runs of several that fell apart')
      const why = throwsNow ? 'threw' : 'unsure'
      const tokens = leases.map(({ token }) => token)
      return tell({ kind: 'joinedFellApart', process: number, tokens, why })
    }
    for (const lease of leases)
      finishOne(number, lease, { throwsNow, runMs: runMs / leases.length })
  }

  const finishOne = (
    number: ProcessNumber,
    lease: Lease,
    { throwsNow, runMs }: { readonly throwsNow: boolean; readonly runMs: number },
  ): void => {
    const { token, items } = lease
    if (throwsNow) {
      const outcome = { kind: 'threw', message: 'Division by zero.' } as const
      tell({ kind: 'attemptRan', process: number, token, outcome })
      return
    }
    rows.set(tokenToText(token), lease)
    world.count(`run time of ${lease.job}`, runMs)
    const failed = random.chance(0.05) ? 1 : 0
    const done = { succeeded: items - failed, failed, rows: items - failed, bytes: items * 40 }
    tell({
      kind: 'attemptRan',
      process: number,
      token,
      outcome: { kind: 'succeeded', ...done, runMs },
    })
  }

  const packChunk = (job: JobId, tokens: readonly LeaseToken[]): void => {
    const entries = tokens.flatMap((token) => rows.get(tokenToText(token)) ?? [])
    for (const token of tokens) rows.delete(tokenToText(token))
    if (entries.length !== tokens.length) deps.breach(`${peer} packs rows it does not have`)
    if (entries.some((entry, i) => !sameToken(entry.token, tokens[i] ?? entry.token))) {
      deps.breach(`${peer} packs rows in another order`)
    }
    const chunk = asBlobHash(`${peer}-chunk-${String(chunksMade++)}`)
    later(random.between(2, 25), () => {
      if (random.chance(deps.chances.pack)) {
        world.count('chunks that could not be written')
        tell({ kind: 'chunkFailed', job, tokens, message: 'The disk is full.' })
        return
      }
      deps.chunks.set(chunk, entries)
      tell({ kind: 'chunkPacked', job, chunk, tokens })
    })
  }

  const tick = (alife: number): void => {
    if (!up || life !== alife) return
    tell({ kind: 'tick' })
    world.after(limits.workerTickMs, () => tick(alife))
  }

  const start = (): void => {
    up = true
    life++
    state = createWorker(peer)
    head = null
    processes.clear()
    gathered.clear()
    inputs.clear()
    rows.clear()
    for (const { job } of deps.jobs()) tell({ kind: 'jobKnown', job })
    for (const job of deps.endedJobs) tell({ kind: 'jobEnded', job })
    tell({ kind: 'slotsChanged', slots, reason: '' })
    tick(life)
  }
  start()

  return {
    peer,
    state: () => state,
    isUp: () => up,
    spentMs: () => spentMs,
    head: () => head,
    headFound: (term) => {
      head = term.head
      tell({ kind: 'headFound', term })
    },
    headLost: () => {
      head = null
      tell({ kind: 'headLost' })
    },
    tell,
    receive: (from, message) => {
      if (!up || message.kind === 'not-head' || message.term.head !== from) return
      tell(messageToFact(message))
    },
    crashAtEffect: (crash) => {
      armed = crash
    },
    crash: () => {
      up = false
      armed = undefined
      life++
    },
    start,
    setSlots: (count) => {
      slots = count
      tell({ kind: 'slotsChanged', slots, reason: 'The owner is back.' })
    },
  }
}

const holds = ({ firstItem, items }: Lease, item: number): boolean =>
  item >= firstItem && item < firstItem + items

const messageToFact = (message: Exclude<ToWorkerMessage, { kind: 'not-head' }>): WorkerFact => {
  switch (message.kind) {
    case 'head-welcome':
      return { kind: 'welcomed', term: message.term }
    case 'leases-granted':
      return { kind: 'leasesGranted', term: message.term, leases: message.leases }
    case 'leases-revoked':
      return { kind: 'leasesRevoked', tokens: message.tokens, reason: message.reason }
    case 'reports-settled':
      return { kind: 'reportsSettled', tokens: message.tokens }
    default:
      return assertNever(message)
  }
}
