import type { SchedulerEffect } from '#agent/scheduler/effect.ts'
import type { SchedulerEvent, SchedulerFact } from '#agent/scheduler/event.ts'
import { createInvariantChecker } from '#agent/scheduler/invariants.ts'
import { createScheduler, type SchedulerState } from '#agent/scheduler/state.ts'
import { transition } from '#agent/scheduler/transition.ts'
import type { AttemptReport, ChargeCause, Lease } from '#protocol/model/attempt.ts'
import { asBlobHash, asPeerId, type PeerId } from '#protocol/model/ids.ts'
import type { Job, JobSpecBase } from '#protocol/model/job.ts'
import type { Term } from '#protocol/model/term.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'
import { expect } from 'vitest'

export const head = asPeerId('head')
export const data = asPeerId('data')
export const ann = asPeerId('ann')
export const bob = asPeerId('bob')
export const cat = asPeerId('cat')
export const termOne: Term = { number: 1, head }
export const jobA = jobId(0)
export const jobB = jobId(1)

type EffectOf<Kind extends SchedulerEffect['kind']> = Extract<SchedulerEffect, { kind: Kind }>

/**
 * A head under test: tell it facts, take the effects you expect, then `expectNothingElse`. Invariants are
 * checked after every step.
 */
export interface Scenario {
  readonly state: SchedulerState
  readonly history: SchedulerEvent[]
  readonly tell: (fact: SchedulerFact) => readonly SchedulerEffect[]
  readonly pass: (ms: number) => void
  readonly take: <Kind extends SchedulerEffect['kind']>(kind: Kind) => readonly EffectOf<Kind>[]
  /** Leases granted to a peer since the last `take` of grants; other peers' grants stay. */
  readonly takeGrants: (peer: PeerId) => readonly Lease[]
  readonly expectNothingElse: () => void
  readonly ignoreRest: () => void
  readonly now: () => number
}

export const createScenario = (): Scenario => {
  const state = createScheduler(head)
  const checker = createInvariantChecker(state)
  const history: SchedulerEvent[] = []
  let effects: SchedulerEffect[] = []
  let now = 1_000_000
  let id = 0
  const tell = (fact: SchedulerFact): readonly SchedulerEffect[] => {
    const event = { ...fact, id: ++id, causeId: 0, now }
    history.push(event)
    const led = transition(state, event)
    expect([...checker.afterStep(event, led), ...checker.full()]).toEqual([])
    effects.push(...led)
    return led
  }
  const takeWhere = (isTaken: (effect: SchedulerEffect) => boolean): SchedulerEffect[] => {
    const taken = effects.filter(isTaken)
    effects = effects.filter((effect) => !isTaken(effect))
    return taken
  }
  return {
    state,
    history,
    tell,
    pass: (ms) => {
      now += ms
      tell({ kind: 'tick' })
    },
    take: (kind) => takeWhere((effect) => effect.kind === kind) as never,
    takeGrants: (peer) =>
      takeWhere((effect) => effect.kind === 'grantLeases' && effect.peer === peer).flatMap(
        (effect) => (effect.kind === 'grantLeases' ? effect.leases : []),
      ),
    expectNothingElse: () => {
      const rest = effects
      effects = []
      expect(rest).toEqual([])
    },
    ignoreRest: () => {
      effects = []
    },
    now: () => now,
  }
}

/** A head in term 1 with one job: `count` mini-batches of 10 items, data's peer alive. */
export const withJob = (
  count: number,
  spec: Partial<JobSpecBase> = {},
  scenario = createScenario(),
): Scenario => {
  scenario.tell({ kind: 'termTaken', term: termOne })
  scenario.tell({ kind: 'peerAlive', peer: data })
  submit(scenario, jobA, count, spec)
  scenario.expectNothingElse()
  return scenario
}

export const submit = (
  scenario: Scenario,
  id: Job['id'],
  count: number,
  spec: Partial<JobSpecBase> = {},
): void => {
  scenario.tell({ kind: 'jobSubmitted', job: createJob(id, data, spec) })
  scenario.tell(plan(id, count))
}

export const plan = (id: Job['id'], count: number): SchedulerFact => ({
  kind: 'planChunkAdded',
  job: id,
  chunk: 0,
  firstItem: 0,
  firstMiniBatch: 0,
  runs: [{ count, items: 10 }],
  last: true,
})

export const greet = (
  scenario: Scenario,
  peer: PeerId,
  slots: number,
  said: { readonly held?: readonly Lease[]; readonly reports?: readonly AttemptReport[] } = {},
): void => {
  const { held = [], reports = [] } = said
  scenario.tell({ kind: 'workerGreeted', peer, slots, held, reports })
}

/** Greets, takes the welcome, and gives what was granted to the peer. */
export const join = (scenario: Scenario, peer: PeerId, slots = 1): readonly Lease[] => {
  greet(scenario, peer, slots)
  expect(scenario.take('welcomeWorker')).toEqual([{ kind: 'welcomeWorker', peer }])
  return scenario.takeGrants(peer)
}

export const succeeded = (
  lease: Lease,
  extra: { readonly failed?: number; readonly runMs?: number; readonly chunk?: string } = {},
  position = 0,
): AttemptReport => ({
  token: lease.token,
  job: lease.job,
  miniBatch: lease.miniBatch,
  attempt: lease.attempt,
  outcome: {
    kind: 'succeeded',
    chunk: asBlobHash(extra.chunk ?? 'chunk'),
    position,
    succeeded: lease.items - (extra.failed ?? 0),
    failed: extra.failed ?? 0,
    rows: lease.items - (extra.failed ?? 0),
    runMs: extra.runMs ?? 1,
  },
})

export const failed = (
  lease: Lease,
  message = 'Division by zero.',
  cause: ChargeCause = 'threw',
): AttemptReport => ({
  token: lease.token,
  job: lease.job,
  miniBatch: lease.miniBatch,
  attempt: lease.attempt,
  outcome: { kind: 'failed', cause, message },
})

export const finish = (
  scenario: Scenario,
  peer: PeerId,
  reports: readonly AttemptReport[],
): void => {
  scenario.tell({ kind: 'attemptsFinished', peer, reports })
}

/** A lease no machine of these tests granted. */
export const foreignLease = (miniBatch: number, term: Term, attempt = 1): Lease => ({
  token: { term, leaseId: 900 + miniBatch },
  job: jobA,
  miniBatch,
  attempt,
  firstItem: miniBatch * 10,
  items: 10,
})

export const miniBatchesOf = (leases: readonly Lease[]): readonly number[] =>
  leases.map((lease) => lease.miniBatch)
