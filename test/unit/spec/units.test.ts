import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSize, parseSize } from '#protocol/spec/units.ts'

describe('sizes', () => {
  it('reads what it wrote, for every number of bytes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseSize(formatSize(bytes))?.bytes).toBe(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.nat(4_000), fc.constantFrom(1024, 1024 ** 2, 1024 ** 3), (count, unit) => {
        expect(parseSize(formatSize(count * unit))?.bytes).toBe(count * unit)
      }),
    )
  })

  it.each([
    ['1024', 1024, false],
    ['1024KB', 1024 ** 2, true],
    ['10MB', 10 * 1024 ** 2, true],
    ['1 GB', 1024 ** 3, true],
    [' 3 kb ', 3072, true],
    ['0', 0, false],
  ])('reads %j', (text, bytes, hasUnit) => {
    expect(parseSize(text)).toEqual({ bytes, hasUnit })
  })

  it.each(['', 'MB', '10kbmb', '1.5MB', '-1', '10 M', '1e3', '99999999999999999GB'])(
    'refuses %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined()
    },
  )
})
