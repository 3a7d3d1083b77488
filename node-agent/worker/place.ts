import { limits } from '#protocol/limits.ts'
import type { WorkerEffect } from './effect.ts'
import { shift } from './fifo.ts'
import { joins, runsIn, takeReady } from './join.ts'
import { setStage } from './leases.ts'
import { gatherInputs } from './on/whole-inputs.ts'
import { beginOldest, kill } from './processes.ts'
import {
  processesOf,
  slotsFor,
  type HeldLease,
  type WorkerJob,
  type WorkerProcess,
  type WorkerState,
} from './state.ts'

/** Gives slots to jobs, inputs to leases and mini-batches to processes. */
export const place = (state: WorkerState, effects: WorkerEffect[]): void => {
  gatherInputs(state, effects)
  if (!state.draining) giveSlots(state, effects)
  runReady(state, effects)
  fetchInputs(state, effects)
}

/**
 * A free slot goes to the job with the fewest processes. Without one, a warm process whose job has nothing
 * left makes room at once; a busy one makes room for a job that has waited its turn.
 */
const giveSlots = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    const waits =
      entry.unfinished.size > 0 &&
      entry.inputs === 'here' &&
      processesOf(state, entry.id).length === 0
    entry.waitsSince = waits ? (entry.waitsSince ?? state.now) : null
  }
  for (;;) {
    const entry = neediest(state)
    if (entry === undefined) break
    if (state.processes.size < state.slots) start(state, effects, entry)
    else {
      makeRoom(state, effects, entry)
      return
    }
  }
  if (state.link === 'welcomed') startAhead(state, effects)
}

/** Slots that nobody else wants. */
const startAhead = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    if (entry.ahead === 0 || entry.inputs !== 'here') continue
    const most = Math.min(entry.ahead, slotsFor(state, entry))
    let has = processesOf(state, entry.id).length
    for (; has < most && state.processes.size < state.slots; has += 1) start(state, effects, entry)
  }
}

const start = (state: WorkerState, effects: WorkerEffect[], entry: WorkerJob): void => {
  const number = state.nextProcess++
  state.processes.set(number, {
    number,
    job: entry.id,
    phase: 'starting',
    queue: [],
    startedAt: state.now,
    index: 0,
    retiring: false,
    timedOut: null,
  })
  entry.waitsSince = null
  effects.push({ kind: 'startProcess', process: number, job: entry.id })
}

/** The job that has the fewest processes of those that could use one more; the longest waiting when equal. */
const neediest = (state: WorkerState): WorkerJob | undefined => {
  let best: WorkerJob | undefined
  let fewest = Number.MAX_SAFE_INTEGER
  let waits = 0
  for (const entry of state.jobs.values()) {
    if (entry.job === null || state.now < entry.retryAt || entry.unfinished.size === 0) continue
    if (entry.inputs !== 'here') continue
    const has = processesOf(state, entry.id).length
    if (has >= Math.min(slotsFor(state, entry), entry.unfinished.size)) continue
    const since = entry.waitsSince ?? state.now
    if (has > fewest || (has === fewest && since >= waits)) continue
    best = entry
    fewest = has
    waits = since
  }
  return best
}

const makeRoom = (state: WorkerState, effects: WorkerEffect[], entry: WorkerJob): void => {
  const all = [...state.processes.values()]
  if (all.some((process) => process.phase === 'stopping' || process.retiring)) return
  const idle = all.find(
    (process) =>
      process.job !== entry.id &&
      process.phase === 'ready' &&
      process.queue.length === 0 &&
      (state.jobs.get(process.job)?.unfinished.size ?? 0) === 0,
  )
  if (idle !== undefined) {
    kill(effects, idle, 'another job needs its slot')
    return
  }
  if (entry.waitsSince === null || state.now < entry.waitsSince + limits.jobTurnMs) return
  const victim = longestTurn(state, all)
  if (victim !== undefined) victim.retiring = true
}

/** Of the job with the most processes the one that runs longest, if its turn is over. */
const longestTurn = (
  state: WorkerState,
  processes: readonly WorkerProcess[],
): WorkerProcess | undefined => {
  const perJob = new Map<string, number>()
  for (const { job } of processes) perJob.set(job, (perJob.get(job) ?? 0) + 1)
  const done = processes.filter(
    (process) => process.phase === 'ready' && state.now >= process.startedAt + limits.jobTurnMs,
  )
  return done.sort(
    (a, b) => (perJob.get(b.job) ?? 0) - (perJob.get(a.job) ?? 0) || a.startedAt - b.startedAt,
  )[0]
}

/** Fetches in the order of the grants, ahead of the runs, within the memory set aside for inputs. */
const fetchInputs = (state: WorkerState, effects: WorkerEffect[]): void => {
  for (const entry of state.jobs.values()) {
    if (entry.job === null || entry.refused !== null || entry.inputs !== 'here') continue
    while (mayFetch(state, entry)) {
      const held = shift(entry.toFetch, (candidate) => candidate.stage === 'waiting')
      if (held === undefined) break
      setStage(state, held, 'fetching')
      effects.push({ kind: 'fetchInput', lease: held.lease })
    }
  }
}

/** Even when memory is used up, each slot of a job may have one input, or jobs could block each other. */
const mayFetch = (state: WorkerState, entry: WorkerJob): boolean => {
  const slots = Math.max(1, slotsFor(state, entry))
  if (entry.fetching + entry.readyCount < slots) return true
  // Where loading one is limited no more share the way than processes would load by themselves.
  if (entry.job?.spec.loadLimitMs !== undefined && entry.fetching >= slots) return false
  const expected = state.inputBytes + state.fetching * (entry.inputBytes ?? 0)
  return (
    expected < limits.inputAheadBytes &&
    state.fetching < 2 * limits.leasesPerSlot * Math.max(1, state.slots)
  )
}

/** One mini-batch for every idle process first, then one more where it will not wait long. */
const runReady = (state: WorkerState, effects: WorkerEffect[]): void => {
  // Counted once: this is asked after every event, of queues that are nearly always full.
  const open = [...state.processes.values()].flatMap((process) => {
    const entry = state.jobs.get(process.job)
    if (process.phase !== 'ready' || process.retiring) return []
    return entry === undefined || entry.readyCount === 0
      ? []
      : [{ process, entry, runs: runsIn(process) }]
  })
  for (let depth = 1; open.length > 0 && depth <= limits.runAheadPerProcess; depth++) {
    for (const one of open) {
      const { process, entry, runs } = one
      if (runs >= depth || !mayWaitInside(entry, process, depth)) continue
      const together = takeReady(state, entry)
      if (together.length > 0) one.runs += 1
      give(state, effects, process, together)
    }
  }
  for (const process of state.processes.values()) {
    if (process.retiring && process.queue.length === 0) {
      kill(effects, process, 'another job waits for its slot')
    }
  }
}

/** Hands over mini-batches that share one `run()`. */
const give = (
  state: WorkerState,
  effects: WorkerEffect[],
  process: WorkerProcess,
  together: readonly HeldLease[],
): void => {
  const [first] = together
  if (first === undefined) return
  const { number } = process
  for (const held of together) {
    setStage(state, held, 'queued')
    held.joined = together.length > 1 ? together : null
    process.queue.push(held)
  }
  if (together.length === 1)
    effects.push({ kind: 'runAttempt', process: number, lease: first.lease })
  else
    effects.push({ kind: 'runJoined', process: number, leases: together.map(({ lease }) => lease) })
  beginOldest(state, process)
}

/** Depth 1 is what runs, depth 2 waits inside the process for it; further ones only where runs are very short. */
const mayWaitInside = (entry: WorkerJob, { queue }: WorkerProcess, depth: number): boolean => {
  const { runMs } = entry
  if (depth === 1) return true
  if (runMs === null) return false
  // What waits outside meanwhile makes the next shared run longer.
  if (joins(entry)) return depth === 2 && runMs * queue.length <= limits.runAheadMs
  return runMs * (depth - 1) <= (depth === 2 ? limits.runAheadMs : limits.runFarAheadMs)
}
