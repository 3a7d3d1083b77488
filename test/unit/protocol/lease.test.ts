import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { chargeCauses } from '#protocol/model/attempt.ts'
import type { AttemptOutcome, AttemptReport, Lease } from '#protocol/model/attempt.ts'
import { asBlobHash, asJobId, asPeerId } from '#protocol/model/ids.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import { encodeCbor } from '#protocol/wire/codec.ts'
import { encodeColumn } from '#protocol/wire/columns.ts'
import type { LeaseMessage } from '#protocol/wire/lease/messages.ts'
import { leaseProtocol } from '#protocol/wire/lease/protocol.ts'

const head = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
const jobs = ['0', '1'].map((digit) => asJobId(digit.repeat(26)))
const chunks = ['a', 'b'].map((digit) => asBlobHash(digit.repeat(64)))
const count = fc.nat(2 ** 31)

const token: fc.Arbitrary<LeaseToken> = fc.record({
  term: fc.record({ number: fc.nat(2), head: fc.constant(head) }),
  leaseId: count,
})
const named = {
  token,
  job: fc.constantFrom(...jobs),
  miniBatch: count,
  attempt: fc.integer({ min: 1, max: 5 }),
}
const lease: fc.Arbitrary<Lease> = fc.record({
  ...named,
  firstItem: count,
  items: fc.integer({ min: 1, max: 1_000 }),
})
const outcome: fc.Arbitrary<AttemptOutcome> = fc.oneof(
  fc.record({
    kind: fc.constant('succeeded' as const),
    chunk: fc.constantFrom(...chunks),
    position: fc.nat(4_096),
    succeeded: count,
    failed: count,
    rows: count,
    runMs: fc.nat(2 ** 40).map((micros) => micros / 1_000),
  }),
  fc.record(
    {
      kind: fc.constant('failed' as const),
      cause: fc.constantFrom(...chargeCauses),
      message: fc.string(),
      ran: fc.record({ startedAt: count, runMs: count, process: fc.nat(9) }),
    },
    { requiredKeys: ['kind', 'cause', 'message'] },
  ),
)
const report: fc.Arbitrary<AttemptReport> = fc.record({ ...named, outcome })

const message: fc.Arbitrary<LeaseMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('worker-hello' as const),
    slots: fc.nat(9),
    held: fc.array(lease),
    reports: fc.array(report),
  }),
  fc.record({ kind: fc.constant('attempts-finished' as const), reports: fc.array(report) }),
  fc.record({ kind: fc.constant('leases-started' as const), tokens: fc.array(token) }),
  fc.record({
    kind: fc.constant('job-noted' as const),
    job: named.job,
    message: fc.string({ maxLength: 100 }),
  }),
  fc.record({
    kind: fc.constant('leases-returned' as const),
    tokens: fc.array(token),
    reason: fc.constantFrom('out-of-reach' as const, 'input-unreachable' as const),
    message: fc.string({ maxLength: 100 }),
  }),
  fc.record({
    kind: fc.constant('leases-granted' as const),
    term: fc.constant({ number: 1, head }),
    leases: fc.array(lease),
  }),
)

/** As many leases as one message may hold, of one job, as a head grants them. */
const leasesInARow = (length: number): readonly Lease[] =>
  Array.from({ length }, (_, at) => ({
    token: { term: { number: 1, head }, leaseId: at },
    job: jobs[0] ?? asJobId(''),
    miniBatch: at,
    attempt: 1,
    firstItem: 10 * at,
    items: 10,
  }))

const grant = (leases: readonly Lease[]): LeaseMessage => ({
  kind: 'leases-granted',
  term: { number: 1, head },
  leases,
})

describe('a lease message', () => {
  it('comes back as it was, in its order', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(leaseProtocol.decode(leaseProtocol.encode(one))).toEqual(one)
      }),
    )
  })

  it('with a thousand leases of one job takes a few hundred bytes', () => {
    expect(leaseProtocol.encode(grant(leasesInARow(1_000))).length).toBeLessThan(500)
  })

  it('with more than its bound is refused, also if spread over many tables', () => {
    const most = limits.leasesPerMessage
    expect(leaseProtocol.decode(leaseProtocol.encode(grant(leasesInARow(most))))).toBeDefined()
    const over = leaseProtocol.encode(grant(leasesInARow(most + 1)))
    expect(() => leaseProtocol.decode(over)).toThrow(MusterFailure)
    const table = {
      term: { number: 1, head },
      leaseIds: encodeColumn(Array.from({ length: most }, (_, at) => at)),
    }
    const many = encodeCbor({ kind: 'leases-started', tokens: [table, table, table] })
    expect(() => leaseProtocol.decode(many)).toThrow(MusterFailure)
  })

  it('with columns of different length, or an attempt 0, is refused', () => {
    const [one] = leasesInARow(1)
    const table = {
      term: one?.token.term,
      job: one?.job,
      leaseIds: encodeColumn([1, 2]),
      miniBatches: encodeColumn([1, 2]),
      attempts: encodeColumn([1, 1]),
      firstItems: encodeColumn([1, 2]),
      items: encodeColumn([1, 1]),
    }
    const read = (leases: readonly object[]) =>
      leaseProtocol.decode(
        encodeCbor({ kind: 'leases-granted', term: { number: 1, head }, leases }),
      )
    expect(read([table])).toMatchObject({ leases: [{ miniBatch: 1 }, { miniBatch: 2 }] })
    expect(() => read([{ ...table, items: encodeColumn([1]) }])).toThrow(MusterFailure)
    expect(() => read([{ ...table, attempts: encodeColumn([0, 1]) }])).toThrow(MusterFailure)
  })

  it('never carries a time that is none', () => {
    const wrong: AttemptReport = {
      ...(leasesInARow(1)[0] as Lease),
      outcome: {
        kind: 'succeeded',
        chunk: chunks[0] ?? asBlobHash(''),
        position: 0,
        succeeded: 1,
        failed: 0,
        rows: 1,
        runMs: Number.NaN,
      },
    }
    const sent = leaseProtocol.encode({ kind: 'attempts-finished', reports: [wrong] })
    expect(leaseProtocol.decode(sent)).toMatchObject({ reports: [{ outcome: { runMs: 0 } }] })
  })
})
