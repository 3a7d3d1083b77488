import fc from 'fast-check'
import { expect, it } from 'vitest'
import { buffersOf, isLast, packChunk, unpackChunk } from '#agent/data/plan/packed-chunk.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import { job } from './specs.ts'

const item = fc.record({
  name: fc.string({ unit: 'binary', minLength: 1 }).filter((name) => !name.includes('\0')),
  bytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  modifiedMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
  input: fc.nat({ max: 20 }),
})

it('a chunk of files comes out of another thread as it went in', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 50 }), fc.boolean(), (items, last) => {
      const chunk: PlanChunk = {
        job,
        kind: 'files',
        chunk: 3,
        firstItem: 7,
        firstMiniBatch: 2,
        runs: [{ count: 1, items: Math.max(1, items.length) }],
        partitions: [],
        last,
        items,
      }
      const packed = packChunk(chunk)
      const moved = structuredClone(packed, { transfer: buffersOf(packed) })
      expect(isLast(moved)).toBe(last)
      expect(unpackChunk(moved)).toEqual(chunk)
    }),
  )
})
