import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { causeOf } from '#agent/store/queries/cause.ts'

const same = (one: string, other: string, items: readonly [string, string] = ['', '']): boolean =>
  causeOf(one, items[0]).key === causeOf(other, items[1]).key

describe('the cause of a failure', () => {
  it.each([
    [
      'Cannot open /data/2.txt/part-17.bin after 3.7 s (score.ts:1).',
      'Cannot open /data/66/part-5.bin after 11.100000001 s (score.ts:1).',
    ],
    ['row 0 is bad', 'row 12,345 is bad'],
    [
      String.raw`ENOENT: no such file C:\data\a.png`,
      String.raw`ENOENT: no such file C:\x\b c.png`.replace(' c', ''),
    ],
    ['It has 3 channels, not 1e-7.', 'It has 4 channels, not 25.'],
    ['blob 9f86d081884c7d65 is gone', 'blob 2c26b46b68ffc68f is gone'],
    ['id 6fa459ea-ee8a-3ca4-894e-db77e160355e', 'id 16fd2706-8baf-433b-82eb-8c7fada847da'],
  ])('is one for %j and %j', (one, other) => {
    expect(same(one, other)).toBe(true)
  })

  it.each([
    ['It is no image.', 'It is empty.'],
    ['x is not defined (score.ts:10)', 'x is not defined (score.ts:11)'],
    ['Unknown column "price"', 'Unknown column "name"'],
  ])('is another for %j and %j', (one, other) => {
    expect(same(one, other)).toBe(false)
  })

  it('leaves out the name of the item, unless it is so short that it may be part of a word', () => {
    expect(same('scan-a.png is no image', 'cat.png is no image', ['scan-a.png', 'cat.png'])).toBe(
      true,
    )
    expect(same('it is no image', 'xt xs no xmage', ['i', 'x'])).toBe(false)
  })

  it('has words that all of its sentences have', () => {
    const { common } = causeOf('scan-0.png is not an image (it begins with "no 7").', 'scan-0.png')
    expect(common).toBe('is not an image (it begins with "no')
    const part = fc.constantFrom('a', ' is bad', '/x/y', ' 12', 'é', '"', '.ts:3', '(', 'deadbeef0')
    fc.assert(
      fc.property(fc.array(part), fc.constantFrom('', 'item.png'), (parts, item) => {
        const message = parts.join(item)
        const { key, common: words } = causeOf(message, item)
        expect(message).toContain(words)
        expect(causeOf(message, item)).toEqual({ key, common: words })
      }),
    )
  })

  it('is found quickly in one long word', () => {
    const long = `${'a'.repeat(100_000)} ${'-'.repeat(100_000)}`
    expect(causeOf(long, '').key).toBe(long)
  })
})
