import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import { decodeColumn, encodeColumn, largestInColumn } from '#protocol/wire/columns.ts'

const number = fc.oneof(fc.nat(20), fc.nat(), fc.integer({ min: 0, max: largestInColumn }))

describe('a column', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(number), (numbers) => {
        expect(decodeColumn(encodeColumn(numbers), numbers.length)).toEqual(numbers)
      }),
    )
  })

  it('of equal steps takes a few bytes, however long', () => {
    const climbing = Array.from({ length: 100_000 }, (_, at) => 7_000 + at)
    expect(encodeColumn(climbing).length).toBeLessThan(12)
    expect(decodeColumn(encodeColumn(climbing), 100_000)).toEqual(climbing)
  })

  it('is never read beyond its bound, and any other bytes are refused in words or read', () => {
    expect(() => decodeColumn(encodeColumn([1, 2, 3]), 2)).toThrow(MusterFailure)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          const numbers = decodeColumn(bytes, 1_000)
          expect(numbers.length).toBeLessThanOrEqual(1_000)
          expect(numbers.every((one) => one >= 0 && one <= largestInColumn)).toBe(true)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MusterFailure)
        }
      }),
    )
  })

  it('takes whole numbers of its range only', () => {
    for (const wrong of [-1, 0.5, Number.NaN, largestInColumn + 1])
      expect(() => encodeColumn([wrong])).toThrow(RangeError)
  })
})
