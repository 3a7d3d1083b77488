import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import type {
  HeldLog,
  LogEnd,
  SealedSegment,
  SegmentVerdict,
} from '#protocol/wire/ledger/segment-rules.ts'
import type { Keys } from '#agent/ports/keys.ts'
import { limits } from '#protocol/limits.ts'
import { asClusterId } from '#protocol/model/ids.ts'
import type { RecordBody } from '#protocol/model/record.ts'
import type { VerifiedRecord } from '#protocol/model/segment.ts'
import { decodeSegment, encodeSegment } from '#protocol/wire/ledger/segment.ts'
import { createTestKeys, genesisOf, jobNumbered } from '#test/support/ledger-fixtures.ts'

const [keys] = createTestKeys('s') as [Keys]
const rules = createLedgerRules(keys)
const cluster = asClusterId('c'.repeat(64))
const empty: LogEnd = { incarnation: 0, sequence: -1, hash: '' }

const cancel = (at: number): RecordBody => ({
  kind: 'job-cancel-requested',
  job: jobNumbered(1),
  at,
})

const seal = (bodies: readonly RecordBody[], end: LogEnd = empty): readonly SealedSegment[] => {
  const encoded = bodies.map((body) => {
    const one = rules.encode(body)
    if (!one.ok) throw new Error(one.error.detail)
    return one.value
  })
  return rules.seal(cluster, end, encoded)
}

/** A log that holds the first `count` of the given records. */
const holding = (records: readonly VerifiedRecord[], count: number): HeldLog => ({
  incarnation: 0,
  sequence: count - 1,
  hash: records[count - 1]?.hash ?? '',
  hashAt: (sequence) => (sequence < count ? records[sequence]?.hash : undefined),
})

const check = (bytes: Uint8Array, held: HeldLog): SegmentVerdict => {
  const segment = rules.open(bytes)
  return segment.ok
    ? rules.check(cluster, held, { bytes, segment: segment.value })
    : { kind: 'refused', error: segment.error }
}

const numbers = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 })

describe('a segment', () => {
  it('is told fresh, known or behind a gap by what is held, for every place and overlap', () => {
    fc.assert(
      fc.property(numbers, fc.nat(20), fc.nat(20), (ats, from, held) => {
        const [whole] = seal(ats.map(cancel))
        const first = Math.min(from, ats.length - 1)
        const before = holding(whole!.records, first)
        const [part] = seal(ats.slice(first).map(cancel), before)
        const known = Math.min(held, ats.length)
        const verdict = check(part!.bytes, holding(whole!.records, known))
        if (first > known) expect(verdict).toEqual({ kind: 'gap', origin: keys.self })
        else if (known === ats.length) expect(verdict.kind).toBe('known')
        else {
          expect(verdict.kind === 'fresh' ? verdict.segment.records : verdict.kind).toEqual(
            whole!.records.slice(known),
          )
        }
      }),
    )
  })

  it('is refused when any byte of it was changed', () => {
    const [segment] = seal([cancel(1), cancel(2), cancel(3)])
    fc.assert(
      fc.property(
        fc.nat(segment!.bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const changed = Uint8Array.from(segment!.bytes)
          changed[at] = (changed[at] ?? 0) ^ flip
          expect(check(changed, holding([], 0)).kind).not.toBe('fresh')
        },
      ),
      { numRuns: 500 },
    )
  })

  it('that parts from what is held is refused as a fork, wherever it parts', () => {
    fc.assert(
      fc.property(numbers, fc.nat(19), fc.nat(20), (ats, at, held) => {
        const [ours] = seal(ats.map(cancel))
        const parting = Math.min(at, ats.length - 1)
        const [theirs] = seal(ats.map((time, index) => cancel(index < parting ? time : time + 1)))
        const known = Math.min(held, ats.length)
        const verdict = check(theirs!.bytes, holding(ours!.records, known))
        if (known <= parting) expect(verdict.kind).toBe('fresh')
        else {
          expect(verdict.kind === 'refused' ? verdict.error.message : verdict.kind).toMatch(
            /contradicts records of the same place/,
          )
        }
      }),
    )
  })

  it('without bodies still chains, with records that say nothing', () => {
    const [segment] = seal([cancel(1), cancel(2)])
    const opened = decodeSegment(segment!.bytes)
    const entries = opened.entries.map((entry) => ({ ...entry, body: null }))
    const pruned = check(encodeSegment({ ...opened, entries }), holding([], 0))
    const records = pruned.kind === 'fresh' ? pruned.segment.records : []
    expect(records.map(({ hash, body }) => [hash, body])).toEqual(
      segment!.records.map(({ hash }) => [hash, undefined]),
    )
  })

  it('keeps to its limits of records and bytes, in one chain', () => {
    const many = seal(Array.from({ length: 2_500 }, (_, at) => cancel(at)))
    for (const [at, segment] of many.entries()) {
      expect(segment.records.length).toBeLessThanOrEqual(limits.segmentRecords)
      expect(segment.bytes.length).toBeLessThanOrEqual(limits.ownSegmentBytes)
      expect(segment.first).toBe(at === 0 ? 0 : many[at - 1]!.last + 1)
    }
    expect(many.flatMap(({ records }) => records).length).toBe(2_500)
  })

  it('read back from the disk gives the wanted records, and tells rot', () => {
    const [segment] = seal([cancel(1), cancel(2), cancel(3)])
    const read = rules.stored(segment!.bytes, (_, sequence) => sequence !== 1)
    expect(read.ok ? read.value : read.error).toEqual([segment!.records[0], segment!.records[2]])
    const opened = decodeSegment(segment!.bytes)
    const rotten = opened.entries.map((entry) => ({ ...entry, body: new Uint8Array([1]) }))
    expect(rules.stored(encodeSegment({ ...opened, entries: rotten }), () => true).ok).toBe(false)
  })

  it('may found only the cluster it belongs to', () => {
    const verdict = check(seal([genesisOf(keys.self)])[0]!.bytes, holding([], 0))
    expect(verdict.kind === 'refused' ? verdict.error.message : verdict.kind).toMatch(
      /it founds another cluster\.$/,
    )
  })
})

describe('a body', () => {
  it('that others could not read is not written', () => {
    const bad = [
      { ...cancel(1), job: 'no job' },
      { ...cancel(1), at: Number.NaN },
      { ...cancel(1), at: undefined },
      { ...cancel(1), kind: 'from-the-future' },
    ] as unknown as readonly RecordBody[]
    for (const body of bad) {
      const encoded = rules.encode(body)
      expect(encoded.ok ? '' : encoded.error.code).toBe('Internal')
    }
  })
})
