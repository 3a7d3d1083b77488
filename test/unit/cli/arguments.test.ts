import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { readCount, readDuration, readRoles, readSetting, readTag } from '#agent/cli/arguments.ts'

describe('command-line values', () => {
  test.each([
    ['1s', 1],
    ['90s', 90],
    ['10m', 600],
    ['2h', 7_200],
    ['1d', 86_400],
  ])('the time %s', (text, seconds) => expect(readDuration(text)).toBe(seconds))

  test.each(['', '0s', '10', 'm', '1.5h', '2d', '-1s', '1w', '9999999s'])('no time: %j', (text) => {
    expect(() => readDuration(text)).toThrow('It must be a time')
  })

  test.each([
    ['a=1', { a: 1 }],
    ['a=-1.5e3', { a: -1_500 }],
    ['a=true', { a: true }],
    ['a="1"', { a: '1' }],
    ['a=0123', { a: '0123' }],
    ['a=1.2.3', { a: '1.2.3' }],
    ['a="b', { a: '"b' }],
    ['a=b=c', { a: 'b=c' }],
    ['a=', { a: '' }],
    ['a.b=null', { 'a.b': 'null' }],
  ])('the setting %s', (text, setting) => expect(readSetting(text)).toEqual(setting))

  test('settings and tags add up; the last of a name counts', () => {
    expect(readSetting('b=2', readSetting('a=1'))).toEqual({ a: 1, b: 2 })
    expect(readSetting('a=2', readSetting('a=1'))).toEqual({ a: 2 })
    expect(readTag('a=1')).toEqual({ a: '1' })
    for (const text of ['a', '=a', '']) {
      expect(() => readSetting(text)).toThrow('key=value')
      expect(() => readTag(text)).toThrow('key=value')
    }
  })

  test('roles', () => {
    expect(readRoles('submit, work,work')).toEqual(['submit', 'work'])
    for (const text of ['', 'boss', 'work,', 'constructor']) expect(() => readRoles(text)).toThrow()
  })

  property.prop([fc.string()])('a count is a whole number in its bounds, or refused', (text) => {
    let value: number
    try {
      value = readCount(3, 70)(text)
    } catch {
      return
    }
    expect(String(value)).toBe(text.replace(/^0+/, ''))
    expect(value).toBeGreaterThanOrEqual(3)
    expect(value).toBeLessThanOrEqual(70)
  })
})
