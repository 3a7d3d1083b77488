import { expect } from 'vitest'
import type { WorkerEffect } from '#agent/worker/effect.ts'
import type { ProcessNumber, WorkerEvent, WorkerFact } from '#agent/worker/event.ts'
import { checkEffects, checkInvariants } from '#agent/worker/invariants.ts'
import { createWorker, type WorkerState } from '#agent/worker/state.ts'
import { transition } from '#agent/worker/transition.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import { asBlobHash, asPeerId } from '#protocol/model/ids.ts'
import type { JobSpecBase } from '#protocol/model/job.ts'
import type { LeaseToken, Term } from '#protocol/model/term.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'

export const term: Term = { number: 1, head: asPeerId('head') }
export const later: Term = { number: 2, head: asPeerId('other') }
export const jobA = jobId(0)
export const jobB = jobId(1)

type EffectOf<Kind extends WorkerEffect['kind']> = Extract<WorkerEffect, { kind: Kind }>

/** A worker under test: tell it facts, take the effects you expect, then `expectNothingElse`. */
export interface Scenario {
  readonly state: WorkerState
  readonly history: WorkerEvent[]
  readonly tell: (fact: WorkerFact) => readonly WorkerEffect[]
  readonly pass: (ms: number) => void
  readonly take: <Kind extends WorkerEffect['kind']>(kind: Kind) => readonly EffectOf<Kind>[]
  readonly expectNothingElse: () => void
  readonly ignoreRest: () => void
}

export const createScenario = (): Scenario => {
  const state = createWorker(asPeerId('ann'))
  const history: WorkerEvent[] = []
  let effects: WorkerEffect[] = []
  let now = 1_000_000
  const tell = (fact: WorkerFact): readonly WorkerEffect[] => {
    const event = { ...fact, id: history.length, causeId: 0, now }
    history.push(event)
    const led = transition(state, event)
    expect([...checkInvariants(state), ...checkEffects(state, led)], fact.kind).toEqual([])
    effects.push(...led)
    return led
  }
  return {
    state,
    history,
    tell,
    pass: (ms) => {
      now += ms
      tell({ kind: 'tick' })
    },
    take: (kind) => {
      const taken = effects.filter((effect) => effect.kind === kind)
      effects = effects.filter((effect) => effect.kind !== kind)
      return taken as never
    },
    expectNothingElse: () => {
      const rest = effects
      effects = []
      expect(rest).toEqual([])
    },
    ignoreRest: () => {
      effects = []
    },
  }
}

/** A worker with slots that a head of `term` has welcomed and that knows job A. */
export const welcomed = (slots: number, spec: Partial<JobSpecBase> = {}): Scenario => {
  const s = createScenario()
  s.tell({ kind: 'slotsChanged', slots, reason: '' })
  s.tell({ kind: 'headFound', term })
  s.tell({ kind: 'welcomed', term })
  s.tell({ kind: 'jobKnown', job: createJob(jobA, asPeerId('data'), spec) })
  s.ignoreRest()
  return s
}

export const leaseOf = (miniBatch: number, job = jobA, of = term): Lease => ({
  token: { term: of, leaseId: miniBatch + 1 },
  job,
  miniBatch,
  attempt: 1,
  firstItem: miniBatch * 10,
  items: 10,
})

export const leases = (from: number, count: number, job = jobA): readonly Lease[] =>
  Array.from({ length: count }, (_, i) => leaseOf(from + i, job))

export const grant = (s: Scenario, list: readonly Lease[]): void => {
  s.tell({ kind: 'leasesGranted', term, leases: list })
}

export const arrive = (s: Scenario, list: readonly Lease[], bytes = 1_000): void => {
  for (const { token } of list) s.tell({ kind: 'inputArrived', token, bytes })
}

/** Grants, fetches and starts processes, so that the first of `list` run. Gives the processes' numbers. */
export const running = (s: Scenario, list: readonly Lease[]): readonly ProcessNumber[] => {
  grant(s, list)
  const started = s.take('startProcess').map(({ process }) => process)
  for (const process of started) s.tell({ kind: 'processStarted', process, index: 0 })
  arrive(s, list)
  return started
}

export const ran = (
  s: Scenario,
  process: ProcessNumber,
  lease: Lease,
  extra: { readonly runMs?: number; readonly bytes?: number } = {},
): void => {
  s.tell({
    kind: 'attemptRan',
    process,
    token: lease.token,
    outcome: {
      kind: 'succeeded',
      succeeded: 10,
      failed: 0,
      rows: 10,
      bytes: extra.bytes ?? 400,
      runMs: extra.runMs ?? 6,
    },
  })
}

export const packed = (s: Scenario, tokens: readonly LeaseToken[], chunk = 'chunk'): void => {
  s.tell({ kind: 'chunkPacked', job: jobA, chunk: asBlobHash(chunk), tokens })
}

export const miniBatchesRun = (s: Scenario): readonly number[] =>
  s.take('runAttempt').map(({ lease }) => lease.miniBatch)

export const tokensOf = (list: readonly Lease[]): readonly LeaseToken[] =>
  list.map(({ token }) => token)
