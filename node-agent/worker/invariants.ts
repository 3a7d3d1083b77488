import { limits } from '#protocol/limits.ts'
import type { WorkerEffect } from './effect.ts'
import { runsIn } from './join.ts'
import { overdueLoads } from './on/inputs.ts'
import type { WorkerState } from './state.ts'
import { tokenToText } from '#protocol/model/token-map.ts'

/** A broken invariant; the name is that of `docs/scheduler.md`. */
export interface Breach {
  readonly invariant: string
  readonly message: string
}

/** All checks cost as much as the worker holds, at most some thousand leases. */
export const checkInvariants = (state: WorkerState): readonly Breach[] => {
  const breaches: Breach[] = []
  const add = (invariant: string, message: string): void => {
    breaches.push({ invariant, message })
  }
  checkLeases(state, add)
  checkProcesses(state, add)
  checkJobs(state, add)
  return breaches
}

/** W10: in the step that learns there is no slot, nothing is started. */
export const checkEffects = (
  state: WorkerState,
  effects: readonly WorkerEffect[],
): readonly Breach[] => {
  if (state.slots > 0 && !state.draining) return []
  return effects
    .filter(
      (effect) =>
        effect.kind === 'startProcess' ||
        effect.kind === 'runAttempt' ||
        effect.kind === 'runJoined',
    )
    .map(({ kind }) => ({ invariant: 'W10', message: `${kind} without a slot` }))
}

type Add = (invariant: string, message: string) => void

const checkLeases = (state: WorkerState, add: Add): void => {
  let inputBytes = 0
  let fetching = 0
  for (const held of state.leases.values()) {
    const name = tokenToText(held.lease.token)
    if (held.stage === 'gone') add('W1', `${name} is gone and still held`)
    if (state.reports.has(held.lease.token)) add('W6', `${name} is held and reported`)
    if (state.ended.has(held.lease.job)) add('W7', `${name} is of a job that has ended`)
    if (held.stage === 'ready') inputBytes += held.bytes
    if (held.stage === 'fetching') fetching++
    const inProcess = held.stage === 'queued' || held.stage === 'running'
    const places = [...state.processes.values()].filter(({ queue }) => queue.includes(held)).length
    if (places !== (inProcess ? 1 : 0)) {
      add('W1', `${name} is ${held.stage} and in ${String(places)} processes`)
    }
    const finished = held.stage === 'ran' || held.stage === 'packing'
    const entry = state.jobs.get(held.lease.job)
    if (entry === undefined || entry.unfinished.has(held) === finished) {
      add('W1', `${name} is ${held.stage} and stands in the wrong list`)
    }
  }
  if (inputBytes !== state.inputBytes) add('W4', 'the bytes of inputs do not add up')
  if (fetching !== state.fetching) add('W9', 'the fetches do not add up')
}

const checkProcesses = (state: WorkerState, add: Add): void => {
  let alive = 0
  for (const process of state.processes.values()) {
    if (process.phase !== 'stopping') alive++
    if (runsIn(process) > limits.runAheadPerProcess) {
      add('W3', `process ${String(process.number)} holds too many mini-batches`)
    }
    if (process.phase === 'starting' && process.queue.length > 0) {
      add('W3', `process ${String(process.number)} got work before it started`)
    }
    for (const held of process.queue) {
      if (held.lease.job !== process.job) add('W3', 'a process runs another job')
      if (!state.leases.has(held.lease.token)) add('W8', 'a process runs what is not held')
    }
  }
  const slots = state.draining ? 0 : state.slots
  if (alive > slots) add('W2', `${String(alive)} processes for ${String(slots)} slots`)
}

const checkJobs = (state: WorkerState, add: Add): void => {
  for (const entry of state.jobs.values()) {
    const bytes = entry.rows.reduce((sum, held) => sum + (held.outcome?.bytes ?? 0), 0)
    if (bytes !== entry.rowBytes) add('W5', `${entry.id}: the rows' bytes do not add up`)
    if (entry.rows.some((held) => held.stage !== 'ran')) add('W5', `${entry.id}: foreign rows`)
    let fetching = 0
    let ready = 0
    for (const held of entry.unfinished) {
      if (held.stage === 'fetching') fetching++
      if (held.stage === 'ready') ready++
    }
    const begun = [...entry.unfinished].filter(({ stage }) => stage !== 'waiting').length
    if (entry.inputs !== 'here' && begun > 0)
      add('W11', `${entry.id}: ${String(begun)} leases began before its inputs were here`)
    const limit = entry.job?.spec.loadLimitMs
    if (limit !== undefined && overdueLoads(state, entry, limit).length > 0)
      add('W12', `${entry.id}: an input is fetched past the limit of its job`)
    if (fetching !== entry.fetching || ready !== entry.readyCount) {
      add('W9', `${entry.id}: fetched and fetching do not add up`)
    }
  }
}
