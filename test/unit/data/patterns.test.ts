import { dirname } from 'node:path/posix'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createNameSorter } from '#agent/data/plan/names.ts'
import { compareNames } from '#agent/job/cut/names.ts'
import { createMatcher } from '#agent/data/plan/patterns.ts'
import { limits } from '#protocol/limits.ts'

describe('patterns', () => {
  it.each([
    [['**/*'], ['a.png', 'x/y/b.png'], []],
    [['*.png'], ['a.png'], ['x/a.png', 'a.jpg', 'a.png/b']],
    [['./*.png'], ['a.png'], ['x/a.png']],
    [['train/**/*.{png,jpg}'], ['train/a.png', 'train/x/b.jpg'], ['test/a.png', 'train/a.gif']],
    [
      ['**/*', '!**/thumb-*'],
      ['a.png', 'x/b.png'],
      ['thumb-1', 'x/thumb-2'],
    ],
    [['!*.txt'], ['a.png', 'x/b.txt'], ['b.txt']],
    [['digit-[0-9].png'], ['digit-3.png'], ['digit-a.png']],
    [
      ['a.png', 'b/*'],
      ['a.png', 'b/c'],
      ['b', 'c.png'],
    ],
  ])('%j', (patterns, wanted, unwanted) => {
    const matcher = createMatcher(patterns)
    expect(wanted.filter((name) => !matcher.matches(name))).toEqual([])
    expect(unwanted.filter((name) => matcher.matches(name))).toEqual([])
  })

  it('never leaves out a folder that holds a wanted file', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'c')
    const glob = fc.constantFrom('a', '*', 'a*', '?', '**', '{a,b}', '[ab]', '+(a|b)')
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 5 }),
        fc.array(glob, { minLength: 1, maxLength: 5 }),
        fc.array(glob, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (names, globs, others, isLess) => {
          const matcher = createMatcher([
            globs.join('/'),
            ...(isLess ? [`!${others.join('/')}`] : []),
          ])
          const path = names.join('/')
          fc.pre(matcher.matches(path))
          for (let folder = dirname(path); folder !== '.'; folder = dirname(folder))
            expect(matcher.reaches(folder)).toBe(true)
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('spares folders that cannot hold any', () => {
    const matcher = createMatcher(['train/*.png'])
    expect(['train', 'test', 'train/x'].map(matcher.reaches)).toEqual([true, false, false])
    expect(createMatcher(['*.png']).reaches('train')).toBe(false)
    const less = createMatcher(['**/*', '!private/**', '!**/old*/**/*', '!a/*'])
    const left = ['private', 'older', 'x/old']
    expect(left.map(less.reaches)).toEqual([false, false, false])
    expect(['private2', 'x/private', 'a', 'a/b', 'x'].map(less.reaches)).not.toContain(false)
  })
})

describe('the order of names', () => {
  const names = fc.string({ unit: 'binary', maxLength: 6 }).filter((name) => name.isWellFormed())

  it('is that of the bytes of their UTF-8', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    expect(compareNames('\u{1f600}', '\u{ff5e}')).toBeGreaterThan(0)
  })

  it('holds over many sorted stretches', () => {
    const count = limits.sortedNames * 3 + 17
    const sorter = createNameSorter()
    const all = Array.from({ length: count }, (_, i) => `${(i * 7_919) % count}-\u{1f600}`)
    for (const name of all) sorter.add(name)
    const sorted: string[] = []
    const iterator = sorter.sorted()
    for (let next = iterator.next(); next.done !== true; next = iterator.next())
      sorted.push(next.value)
    expect(sorted).toEqual(all.toSorted(compareNames))
  })
})
