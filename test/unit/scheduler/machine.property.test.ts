import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chargedOf, stateOf } from '#agent/scheduler/cells.ts'
import { cell } from '#agent/scheduler/columns.ts'
import { digest } from '#agent/scheduler/digest.ts'
import type { SchedulerEffect } from '#agent/scheduler/effect.ts'
import type { SchedulerEvent, SchedulerFact } from '#agent/scheduler/event.ts'
import { createInvariantChecker } from '#agent/scheduler/invariants.ts'
import { createScheduler } from '#agent/scheduler/state.ts'
import { transition } from '#agent/scheduler/transition.ts'
import type { Lease, ReturnReason } from '#protocol/model/attempt.ts'
import { firstHalf } from '#protocol/model/half.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { createJob, jobId } from '#test/simulation/jobs.ts'
import { failed, foreignLease, head, succeeded } from './scenario.ts'

/** FC_SEED replays a failure, FC_RUNS makes a soak. */
const parameters = {
  ...(process.env['FC_SEED'] === undefined ? {} : { seed: Number(process.env['FC_SEED']) }),
  numRuns: Number(process.env['FC_RUNS'] ?? 150),
}

const peers = ['ann', 'bob', 'cat', 'data'].map(asPeerId)
const jobs = [0, 1].map(jobId)
const peer = fc.constantFrom(...peers)
const job = fc.constantFrom(...jobs)

/** A move names leases by their place in the list of all granted so far, so that it fits any history. */
type Move = (granted: readonly Lease[]) => SchedulerFact

const pick = (granted: readonly Lease[], places: readonly number[]): readonly Lease[] =>
  places.map((place) =>
    granted.length === 0 || place % 7 === 6
      ? foreignLease(place % 12, {
          number: place % 3,
          head: place % 2 === 0 ? head : asPeerId('elder'),
        })
      : (granted[place % granted.length] ?? foreignLease(0, { number: 0, head })),
  )

const places = fc.array(fc.nat(60), { maxLength: 6 })
const constant = (facts: fc.Arbitrary<SchedulerFact>): fc.Arbitrary<Move> =>
  facts.map((fact) => () => fact)

/** Of the plan or a half of it: at all depths, and of items that no plan has. */
const miniBatch = fc.oneof(
  { weight: 2, arbitrary: fc.nat(11) },
  fc.nat(2 * 125).map((number) => firstHalf + number),
)

const charge = fc.record({
  miniBatch,
  attempt: fc.integer({ min: 1, max: 4 }),
  peer,
  cause: fc.constant('threw' as const),
  message: fc.constant('It threw.'),
  final: fc.boolean(),
})

const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 1,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('termTaken'),
        term: fc.record({ number: fc.integer({ min: 1, max: 5 }), head: fc.constant(head) }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('termLost'),
        term: fc.record({ number: fc.integer({ min: 1, max: 5 }), head: peer }),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('commitsRestored'),
        job,
        commits: fc.array(
          fc.record({
            miniBatch,
            attempt: fc.integer({ min: 1, max: 4 }),
            succeeded: fc.nat(10),
            failed: fc.nat(10),
          }),
          { maxLength: 3 },
        ),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('chargesRestored'),
        job,
        charges: fc.array(charge, { maxLength: 2 }),
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: constant(
      fc
        .record({ kind: fc.constant('planChunkAdded'), job, chunk: fc.nat(2) })
        .map(({ job: id, chunk }) => ({
          kind: 'planChunkAdded',
          job: id,
          chunk,
          firstItem: chunk * 40,
          firstMiniBatch: chunk * 4,
          runs: [{ count: 4, items: 10 }],
          last: chunk === 2,
        })),
    ),
  },
  {
    weight: 3,
    arbitrary: constant(
      job.map((id) => ({
        kind: 'jobSubmitted',
        job: createJob(id, asPeerId('data'), {
          maxAttempts: 2,
          ...(id === jobs[1]
            ? { peerCount: 2, errorThreshold: 25, priority: 1, pool: 'quick' }
            : { weight: 2 }),
        }),
      })),
    ),
  },
  {
    weight: 1,
    arbitrary: constant(fc.record({ kind: fc.constantFrom('cancelRequested', 'jobEnded'), job })),
  },
  {
    weight: 1,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('halvingsRestored'),
        job,
        parents: fc.array(miniBatch, { maxLength: 3 }),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('pauseChanged'),
        job,
        paused: fc.boolean(),
        clock: fc.integer({ min: 1, max: 5 }),
        by: peer,
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: constant(
      fc
        .record({
          members: fc.subarray(peers),
          minPeers: fc.nat(2),
          maxPeers: fc.option(fc.integer({ min: 1, max: 3 })),
        })
        .map((pool) => ({ kind: 'poolsChanged', pools: [{ name: 'quick', ...pool }] })),
    ),
  },
  {
    weight: 3,
    arbitrary: constant(
      fc.record({ kind: fc.constantFrom('peerAlive', 'peerSuspected', 'peerLost'), peer }),
    ),
  },
  {
    weight: 2,
    arbitrary: constant(fc.record({ kind: fc.constant('slotsChanged'), peer, slots: fc.nat(3) })),
  },
  {
    weight: 1,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('initFailed'),
        peer,
        job,
        message: fc.constant('x'),
        processes: fc.integer({ min: 1, max: 2 }),
      }),
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({ peer, slots: fc.nat(3), held: places, reported: places })
      .map(({ peer: from, slots, held, reported }): Move => (granted) => ({
        kind: 'workerGreeted',
        peer: from,
        slots,
        held: pick(granted, held),
        reports: pick(granted, reported).map((lease) => succeeded(lease)),
      })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ peer, started: places })
      .map(({ peer: from, started }): Move => (granted) => ({
        kind: 'leasesStarted',
        peer: from,
        tokens: pick(granted, started).map(({ token }) => token),
      })),
  },
  {
    weight: 8,
    arbitrary: fc
      .record({ peer, good: places, bad: places })
      .map(({ peer: from, good, bad }): Move => (granted) => ({
        kind: 'attemptsFinished',
        peer: from,
        reports: [
          ...pick(granted, good).map((lease) =>
            succeeded(lease, { failed: 1, runMs: lease.miniBatch }),
          ),
          ...pick(granted, bad).map((lease) =>
            failed(lease, 'It broke.', lease.token.leaseId % 3 === 0 ? 'threw' : 'process-died'),
          ),
        ],
      })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        peer,
        back: places,
        reason: fc.constantFrom<ReturnReason>(
          'owner',
          'unknown-job',
          'input-unreachable',
          'out-of-reach',
          'init-failed',
        ),
      })
      .map(({ peer: from, back, reason }): Move => (granted) => ({
        kind: 'leasesReturned',
        peer: from,
        tokens: pick(granted, back).map(({ token }) => token),
        reason,
        message: 'x',
      })),
  },
  {
    weight: 1,
    arbitrary: constant(
      fc.record({
        kind: fc.constant('jobNoted' as const),
        peer,
        job,
        message: fc.constantFrom('', 'it downloads.'),
      }),
    ),
  },
  { weight: 6, arbitrary: constant(fc.constant({ kind: 'tick' as const })) },
)

const steps = fc.array(fc.tuple(moves, fc.nat(3_000), fc.boolean()), {
  minLength: 5,
  maxLength: 120,
  size: 'max',
})

/** Plays moves and checks everything after each; a doubled move is told twice. */
const play = (list: readonly (readonly [Move, number, boolean])[]): readonly SchedulerEvent[] => {
  const state = createScheduler(head)
  const checker = createInvariantChecker(state)
  const history: SchedulerEvent[] = []
  const granted: Lease[] = []
  let now = 0
  const tell = (fact: SchedulerFact): readonly SchedulerEffect[] => {
    const event = { ...fact, id: history.length, causeId: 0, now }
    history.push(event)
    const effects = transition(state, event)
    const breaches = [...checker.afterStep(event, effects), ...checker.full()]
    expect(breaches, breaches.length === 0 ? '' : JSON.stringify(history)).toEqual([])
    for (const effect of effects) if (effect.kind === 'grantLeases') granted.push(...effect.leases)
    return effects
  }
  tell({ kind: 'termTaken', term: { number: 1, head } })
  for (const [move, ms, isDoubled] of list) {
    now += ms
    const fact = move(granted)
    tell(fact)
    if (isDoubled) tell(fact)
  }
  return history
}

test('whatever happens, in whatever order and however often, the invariants hold', () => {
  fc.assert(
    fc.property(steps, (list) => {
      play(list)
    }),
    parameters,
  )
})

test('equal histories give equal digests and equal effects', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const history = play(list)
      const [a, b] = [createScheduler(head), createScheduler(head)]
      for (const event of history) expect(transition(a, event)).toEqual(transition(b, event))
      expect(digest(a)).toBe(digest(b))
    }),
    { ...parameters, numRuns: Math.ceil(parameters.numRuns / 3) },
  )
})

test('the ledger folds to the same states in any order', () => {
  const fact = fc.oneof(
    fc.record({
      kind: fc.constant('commitsRestored' as const),
      job: fc.constant(jobId(0)),
      commits: fc.array(
        fc.record({
          miniBatch,
          attempt: fc.integer({ min: 1, max: 4 }),
          succeeded: fc.constant(9),
          failed: fc.constant(1),
        }),
        { maxLength: 3 },
      ),
    }),
    fc.record({
      kind: fc.constant('chargesRestored' as const),
      job: fc.constant(jobId(0)),
      charges: fc.array(charge, { maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('halvingsRestored' as const),
      job: fc.constant(jobId(0)),
      parents: fc.array(miniBatch, { maxLength: 3 }),
    }),
    fc.constant({ kind: 'jobEnded' as const, job: jobId(0) }),
    fc.constantFrom<SchedulerFact>(
      { kind: 'jobSubmitted', job: createJob(jobId(0), asPeerId('data'), { maxAttempts: 2 }) },
      {
        kind: 'planChunkAdded',
        job: jobId(0),
        chunk: 0,
        firstItem: 0,
        firstMiniBatch: 0,
        runs: [{ count: 4, items: 10 }],
        last: false,
      },
      {
        kind: 'planChunkAdded',
        job: jobId(0),
        chunk: 1,
        firstItem: 40,
        firstMiniBatch: 4,
        runs: [{ count: 4, items: 10 }],
        last: true,
      },
    ),
  )
  const fold = (facts: readonly SchedulerFact[]): unknown => {
    const state = createScheduler(head)
    for (const [id, one] of facts.entries()) transition(state, { ...one, id, causeId: 0, now: 0 })
    const entry = state.jobs.get(jobId(0))
    const halves = [...(entry?.halves.places.keys() ?? [])]
      .filter((half) => entry !== undefined && stateOf(entry, half) !== cell.void)
      .sort((a, b) => a - b)
    // Halves that came to nothing are known or not, as it happened to be told.
    return [
      entry?.columns.state.slice(0, 8),
      entry?.columns.charged.slice(0, 8),
      entry?.miniBatchesIn.slice(0, cell.void),
      entry?.itemsIn.slice(0, cell.void),
      halves.map((half) => entry && [half, stateOf(entry, half), chargedOf(entry, half)]),
      entry?.failedItems,
    ]
  }
  fc.assert(
    fc.property(
      fc
        .array(fact, { maxLength: 20 })
        .chain((facts) =>
          fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })),
        ),
      ([facts, shuffled]) => {
        expect(fold(shuffled)).toEqual(fold(facts))
        expect(fold([...facts, ...shuffled])).toEqual(fold(facts))
      },
    ),
    parameters,
  )
})
