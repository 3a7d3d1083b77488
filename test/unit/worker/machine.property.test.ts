import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digest } from '#agent/worker/digest.ts'
import type { WorkerEvent, WorkerFact } from '#agent/worker/event.ts'
import { checkEffects, checkInvariants } from '#agent/worker/invariants.ts'
import { createWorker } from '#agent/worker/state.ts'
import { transition } from '#agent/worker/transition.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import { tokenToText } from '#protocol/model/token-map.ts'
import { asBlobHash, asPeerId } from '#protocol/model/ids.ts'
import { createJob } from '#test/simulation/jobs.ts'
import { jobA, jobB, later, leaseOf, term } from './scenario.ts'

/** FC_SEED replays a failure, FC_RUNS makes a soak. */
const parameters = {
  ...(process.env['FC_SEED'] === undefined ? {} : { seed: Number(process.env['FC_SEED']) }),
  numRuns: Number(process.env['FC_RUNS'] ?? 150),
}

const self = asPeerId('ann')
const number = fc.nat(30)
const job = fc.constantFrom(jobA, jobB)
const terms = fc.constantFrom(term, term, later)
/** Even mini-batches are of job A, odd ones of job B, so that a token always means the same lease. */
const leaseAt = (n: number) => leaseOf(n, n % 2 === 0 ? jobA : jobB)
const tokens = fc.array(number, { maxLength: 5 }).map((list) => list.map((n) => leaseAt(n).token))
const processNumber = fc.integer({ min: 1, max: 12 })

const wholeInput = {
  kind: 'files',
  name: 'in',
  root: '/in',
  patterns: ['**'],
  mode: 'download',
} as const

const fact: fc.Arbitrary<WorkerFact> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('headFound', 'welcomed'), term: terms }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'headLost' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('leasesGranted'),
      term: terms,
      leases: fc.array(number.map(leaseAt), { maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('leasesRevoked'),
      tokens,
      reason: fc.constantFrom('canceled', 'taken-back', 'another-attempt-counts', 'something new'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reportsSettled'), tokens }) },
  {
    weight: 3,
    arbitrary: job.map((id): WorkerFact => ({
      kind: 'jobKnown',
      job: createJob(id, self, {
        runLimitMs: 2_000,
        ...(id === jobB
          ? { processesPerPeer: 1, inputs: [wholeInput] }
          : { miniBatchSize: { kind: 'auto' } }),
      }),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('jobRefused'), job, message: fc.constant('x') }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('inputArrived'),
      token: number.map((n) => leaseAt(n).token),
      bytes: fc.constantFrom(0, 1_000, 200_000_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('inputFailed'),
      token: number.map((n) => leaseAt(n).token),
      message: fc.constant('x'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('inputsGathered'), job }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('inputsNotGathered', 'inputsProgressed'),
      job,
      lasting: fc.boolean(),
      message: fc.constant('x'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('processStarted'),
      process: processNumber,
      index: fc.nat(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('processFailed'),
      process: processNumber,
      why: fc.constantFrom('reach', 'init'),
      message: fc.constant('x'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('processExited'),
      process: processNumber,
      how: fc.constantFrom('stopped', 'killed', 'crashed', 'out-of-memory'),
      message: fc.constant('x'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('slotsChanged'),
      slots: fc.nat(3),
      reason: fc.constant('x'),
    }),
  },
  { weight: 8, arbitrary: fc.constant({ kind: 'tick' as const }) },
)

/** Things that only follow from what the machine did: the oldest run of a process ends, a chunk is packed. */
const move = fc.oneof(
  { weight: 10, arbitrary: fact.map((one) => ({ kind: 'fact' as const, fact: one })) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('run ends' as const), throws: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pack ends' as const), fails: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('job ends' as const), job }) },
)

const steps = fc.array(fc.tuple(move, fc.nat(600), fc.boolean()), {
  minLength: 5,
  maxLength: 150,
  size: 'max',
})

const play = (
  list: readonly (readonly [
    typeof move extends fc.Arbitrary<infer M> ? M : never,
    number,
    boolean,
  ])[],
): readonly WorkerEvent[] => {
  const state = createWorker(self)
  const history: WorkerEvent[] = []
  const packing: { readonly job: typeof jobA; readonly tokens: readonly LeaseToken[] }[] = []
  const rows = new Set<string>()
  const reported = new Set<string>()
  let now = 0
  const tell = (one: WorkerFact): void => {
    const event = { ...one, id: history.length, causeId: 0, now }
    history.push(event)
    const effects = transition(state, event)
    expect([...checkInvariants(state), ...checkEffects(state, effects)], one.kind).toEqual([])
    for (const effect of effects) {
      if (effect.kind === 'packChunk') {
        packing.push(effect)
        for (const token of effect.tokens) {
          expect(
            rows.delete(tokenToText(token)),
            'rows are packed once, and only if they are there',
          ).toBe(true)
        }
      }
      if (effect.kind === 'dropRows')
        for (const token of effect.tokens) rows.delete(tokenToText(token))
      if (effect.kind === 'sendReports')
        for (const { token } of effect.reports) reported.add(tokenToText(token))
    }
  }
  tell({ kind: 'slotsChanged', slots: 2, reason: '' })
  tell({ kind: 'headFound', term })
  tell({ kind: 'welcomed', term })
  for (const [one, ms, isDoubled] of list) {
    now += ms
    if (one.kind === 'fact') {
      tell(one.fact)
      if (isDoubled) tell(one.fact)
    } else if (one.kind === 'job ends') tell({ kind: 'jobEnded', job: one.job })
    else if (one.kind === 'pack ends') {
      const pack = packing.shift()
      if (pack === undefined) continue
      tell(
        one.fails
          ? { ...pack, kind: 'chunkFailed', message: 'x' }
          : { ...pack, kind: 'chunkPacked', chunk: asBlobHash('chunk') },
      )
    } else {
      const busy = [...state.processes.values()].find(({ queue }) => queue.length > 0)
      const held = busy?.queue[0]
      if (busy === undefined || held === undefined) continue
      const { token } = held.lease
      if (held.joined !== null && one.throws) {
        const together = held.joined.map(({ lease }) => lease.token)
        const why = held.lease.miniBatch % 4 === 0 ? 'threw' : 'unsure'
        tell({ kind: 'joinedFellApart', process: busy.number, tokens: together, why })
        continue
      }
      if (!one.throws) rows.add(tokenToText(token))
      const outcome = one.throws
        ? ({ kind: 'threw', message: 'x' } as const)
        : ({
            kind: 'succeeded',
            succeeded: 10,
            failed: 0,
            rows: 10,
            bytes: 100_000,
            runMs: 5,
          } as const)
      tell({ kind: 'attemptRan', process: busy.number, token, outcome })
    }
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
      const [a, b] = [createWorker(self), createWorker(self)]
      for (const event of history) expect(transition(a, event)).toEqual(transition(b, event))
      expect(digest(a)).toBe(digest(b))
    }),
    { ...parameters, numRuns: Math.ceil(parameters.numRuns / 3) },
  )
})
