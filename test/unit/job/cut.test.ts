import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutItems, planChunkSize, planChunkStart } from '#agent/job/cut/mini-batches.ts'
import { limits } from '#protocol/limits.ts'

const size = fc.integer({ min: 1, max: limits.miniBatchItems })

describe('cutting items into mini-batches', () => {
  it('covers every item exactly once, and only the last mini-batch is short', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300_000 }), size, (items, miniBatch) => {
        const lengths = cutItems(items, miniBatch).flatMap((run) =>
          Array.from({ length: run.count }, () => run.items),
        )
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(items)
        expect(lengths.every((length) => length > 0)).toBe(true)
        expect(lengths.slice(0, -1).every((length) => length === miniBatch)).toBe(true)
      }),
    )
  })

  it('fills every chunk with whole mini-batches, as many as fit the limit', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 50 }), (miniBatch, chunk) => {
        const length = planChunkSize(miniBatch)
        expect(length % miniBatch).toBe(0)
        expect(length <= limits.planChunkItems || length === miniBatch).toBe(true)
        expect(length + miniBatch > limits.planChunkItems).toBe(true)
        const start = planChunkStart(chunk, miniBatch)
        expect(start.firstItem).toBe(chunk * length)
        expect(start.firstMiniBatch * miniBatch).toBe(start.firstItem)
      }),
    )
  })

  it('gives the figures of an example', () => {
    expect(cutItems(25, 10)).toEqual([
      { count: 2, items: 10 },
      { count: 1, items: 5 },
    ])
    expect(cutItems(0, 10)).toEqual([])
    expect(planChunkSize(3)).toBe(4_998)
    expect(planChunkSize(8_000)).toBe(8_000)
  })
})
