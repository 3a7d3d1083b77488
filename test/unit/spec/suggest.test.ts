import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldsAt } from '#protocol/spec/known-fields.ts'
import { editDistance, suggest } from '#protocol/spec/suggest.ts'

describe('suggestions', () => {
  it('counts letters added, left out, changed and swapped', () => {
    expect(editDistance('width', 'width')).toBe(0)
    expect(editDistance('width', 'widt')).toBe(1)
    expect(editDistance('width', 'widht')).toBe(1)
    expect(editDistance('width', 'height')).toBe(4)
    expect(editDistance('', 'abc')).toBe(3)
  })

  it('is a distance: symmetric, and zero only between equals', () => {
    const short = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b) === 0).toBe(a === b)
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })

  it('finds every field of a job file from one wrong letter in it', () => {
    const top = fieldsAt([])
    if (top?.kind !== 'fields') throw new Error('the job file has no fields')
    for (const name of top.names.filter((known) => known.length > 4)) {
      for (let i = 0; i < name.length; i++) {
        const wrong = `${name.slice(0, i)}q${name.slice(i + 1)}`
        expect(suggest(wrong, top.names)[0]).toBe(name)
      }
    }
  })

  it('keeps silent about words that are near to nothing', () => {
    expect(suggest('colour', ['mini_batch_size', 'inputs'])).toEqual([])
  })
})

describe('fields of a job file', () => {
  it('knows maps, maps with free names, and values', () => {
    expect(fieldsAt(['retry_settings'])).toEqual({
      kind: 'fields',
      names: ['max_retries', 'timeout'],
    })
    expect(fieldsAt(['tags'])).toEqual({ kind: 'any' })
    expect(fieldsAt(['inputs', 'digits', 'path'])).toEqual({ kind: 'value' })
    expect(fieldsAt(['preprocess', 'mean', 0])).toEqual({ kind: 'value' })
  })

  it('knows no field that the object prototype would lend', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'shape'])
      expect(fieldsAt([name])).toBeUndefined()
  })
})
