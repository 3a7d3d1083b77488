import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  firstHalf,
  halve,
  halvesWithin,
  miniBatchName,
  pathToHalf,
  readMiniBatchName,
  type MiniBatchRange,
} from '#protocol/model/half.ts'
import { pathOf, rangeOf } from '#protocol/model/plan-ranges.ts'

const allHalves = (whole: MiniBatchRange): readonly MiniBatchRange[] =>
  whole.items < 2 ? [] : halve(whole).flatMap((half) => [half, ...allHalves(half)])

const planned = fc.record({
  miniBatch: fc.nat(1_000),
  firstItem: fc.nat(100_000),
  items: fc.integer({ min: 1, max: 40 }),
})

describe('halves', () => {
  test('cover the items of their parent once, and single items are never cut', () => {
    fc.assert(
      fc.property(planned, (whole) => {
        const found = allHalves(whole)
        const single = whole.items === 1 ? [whole] : found.filter((half) => half.items === 1)
        expect(single.map((half) => half.firstItem).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: whole.items }, (_, i) => whole.firstItem + i),
        )
      }),
    )
  })

  test('have numbers of their own, within the range of their parent', () => {
    fc.assert(
      fc.property(planned, (whole) => {
        const numbers = allHalves(whole).map((half) => half.miniBatch)
        expect(new Set(numbers).size).toBe(numbers.length)
        const { from, to } = halvesWithin(whole)
        for (const number of numbers) {
          expect(number).toBeGreaterThanOrEqual(from)
          expect(number).toBeLessThan(to)
        }
      }),
    )
  })

  test('are found again from their number and the plan alone', () => {
    fc.assert(
      fc.property(planned, (whole) => {
        for (const half of allHalves(whole)) {
          const path = pathToHalf(whole, half.miniBatch)
          expect(path?.at(-1)).toEqual(half)
          expect(path?.[0]).toEqual(whole)
        }
        expect(pathToHalf(whole, firstHalf + 2 * whole.firstItem)).toBeUndefined()
        const behind = firstHalf + 2 * (whole.firstItem + whole.items)
        expect(pathToHalf(whole, behind)).toBeUndefined()
      }),
    )
  })

  test('have names that are read back', () => {
    const [first, second] = halve({ miniBatch: 4, firstItem: 40, items: 10 })
    expect([first, second].map((half) => miniBatchName(half.miniBatch))).toEqual(['45a', '45b'])
    for (const number of [0, 4, 12_345, first.miniBatch, second.miniBatch])
      expect(readMiniBatchName(miniBatchName(number))).toBe(number)
    // Tables of attempts have the plain numbers.
    expect(readMiniBatchName(String(second.miniBatch))).toBe(second.miniBatch)
    for (const text of ['', 'a', '0a', '4c', '-1', '4 a', '999999999b', '2147483648'])
      expect(readMiniBatchName(text)).toBeUndefined()
  })
})

test('a plan in chunks says what a half is part of', () => {
  const chunks = [
    { firstItem: 0, items: 20, firstMiniBatch: 0, miniBatches: 2, runs: [{ count: 2, items: 10 }] },
    {
      firstItem: 20,
      items: 13,
      firstMiniBatch: 2,
      miniBatches: 2,
      runs: [
        { count: 1, items: 10 },
        { count: 1, items: 3 },
      ],
    },
  ]
  expect(rangeOf(chunks, 3)).toEqual({ miniBatch: 3, firstItem: 30, items: 3 })
  expect(rangeOf(chunks, 4)).toBeUndefined()
  const [, second] = halve({ miniBatch: 3, firstItem: 30, items: 3 })
  expect(pathOf(chunks, second.miniBatch)?.map((one) => one.miniBatch)).toEqual([
    3,
    second.miniBatch,
  ])
  expect(rangeOf(chunks, second.miniBatch)).toEqual(second)
})
