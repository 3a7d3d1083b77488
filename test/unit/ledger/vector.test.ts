import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareVectors, covers, joinVectors, missing } from '#agent/ledger/vector.ts'
import type { LogPosition, VersionVector } from '#protocol/model/log-position.ts'
import { peerNamed } from '#test/support/ledger-fixtures.ts'

const position = fc.record<LogPosition>({
  origin: fc.constantFrom(peerNamed('a'), peerNamed('b'), peerNamed('c')),
  incarnation: fc.nat(1),
  sequence: fc.integer({ min: -1, max: 5 }),
})
const vector: fc.Arbitrary<VersionVector> = fc.uniqueArray(position, {
  selector: ({ origin, incarnation }) => `${origin} ${incarnation}`,
})

describe('version vectors', () => {
  it('are ordered by what they lack of each other', () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const order = compareVectors(a, b)
        const mirror = { equal: 'equal', apart: 'apart', ahead: 'behind', behind: 'ahead' } as const
        expect(compareVectors(b, a)).toBe(mirror[order])
        expect(compareVectors(a, a)).toBe('equal')
        if (order === 'equal' || order === 'behind') expect(missing(a, b)).toEqual([])
      }),
    )
  })

  it('name exactly the records that are missing', () => {
    fc.assert(
      fc.property(vector, vector, position, (ours, theirs, record) => {
        const isMissing = missing(ours, theirs).some(
          ({ origin, incarnation, after, upTo }) =>
            origin === record.origin &&
            incarnation === record.incarnation &&
            after < record.sequence &&
            record.sequence <= upTo,
        )
        const exists = record.sequence >= 0
        expect(isMissing).toBe(exists && covers(ours, record) && !covers(theirs, record))
      }),
    )
  })

  it('join to the least that holds both', () => {
    fc.assert(
      fc.property(vector, vector, position, (a, b, record) => {
        const joined = joinVectors(a, b)
        expect(covers(joined, record)).toBe(covers(a, record) || covers(b, record))
        expect(compareVectors(joined, joinVectors(b, a))).toBe('equal')
        expect(joinVectors(joined, a)).toEqual(joined)
      }),
    )
  })
})
