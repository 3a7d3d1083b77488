import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import {
  decodeColumn,
  decodeNames,
  decodeTimes,
  encodeColumn,
  encodeNames,
  encodeTimes,
  largestInColumn,
} from '#protocol/wire/columns.ts'

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

  it('of times may hold some before 1970, any other may not', () => {
    const times = [-1, 5, -86_400_000, -largestInColumn, largestInColumn]
    expect(decodeTimes(encodeTimes(times), times.length)).toEqual(times)
    expect(() => decodeColumn(encodeTimes(times), times.length)).toThrow(MusterFailure)
    expect(decodeTimes(encodeTimes([1e300, 1.5]), 2)).toEqual([largestInColumn, 1])
  })

  it('of names comes back, each once; what no name can have is replaced', () => {
    const name = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(fc.array(name), (names) => {
        expect(decodeNames(encodeNames(names), names.length)).toEqual(names)
      }),
    )
    expect(decodeNames(encodeNames(['a\0b', 'c']), 2)).toEqual(['a\ufffdb', 'c'])
    expect(() => decodeNames(encodeNames(['a', 'b']), 1)).toThrow(MusterFailure)
    expect(() => decodeNames(encodeNames(['x'.repeat(5_000)]), 1)).toThrow(MusterFailure)
  })

  it('takes whole numbers of its range only', () => {
    for (const wrong of [-1, 0.5, Number.NaN, largestInColumn + 1])
      expect(() => encodeColumn([wrong])).toThrow(RangeError)
  })
})
