import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFull, tableChunkRoom, toRuns } from '#agent/job/cut/mini-batches.ts'
import { parsePartitionFormat } from '#agent/job/cut/partition-format.ts'
import { limits } from '#protocol/limits.ts'

describe('cutting items into mini-batches', () => {
  it('counts files, or looks at their bytes, and never leaves one empty', () => {
    const ten = { kind: 'items', items: 10 } as const
    expect(isFull(ten, { items: 9, bytes: 1e12 }, 1)).toBe(false)
    expect(isFull(ten, { items: 10, bytes: 0 }, 0)).toBe(true)
    const auto = { kind: 'auto' } as const
    expect(isFull(auto, { items: 0, bytes: 0 }, 100 * limits.autoBytes)).toBe(false)
    expect(isFull(auto, { items: 1, bytes: limits.autoBytes }, 1)).toBe(true)
    expect(isFull(auto, { items: limits.autoItems, bytes: 0 }, 0)).toBe(true)
  })

  it('tells lengths in runs that stand for exactly these lengths', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 })), (lengths) => {
        const runs = toRuns(lengths)
        expect(runs.flatMap((run) => Array.from({ length: run.count }, () => run.items))).toEqual(
          lengths,
        )
        expect(runs.every((run, i) => run.items !== runs[i - 1]?.items)).toBe(true)
      }),
    )
  })

  it('doubles the chunks of tables up to the most', () => {
    expect([0, 1, 2, 7, 50, 5_000].map((chunk) => tableChunkRoom(chunk).miniBatches)).toEqual([
      8, 16, 32, 1_024, 1_024, 1_024,
    ])
  })
})

describe('a partition format', () => {
  const match = (format: string, path: string): readonly string[] | string | undefined => {
    const parsed = parsePartitionFormat(format)
    return typeof parsed === 'string' ? parsed : parsed.match(path)
  }

  it.each([
    ['root/{user}/{season}/{x}.wav', '/data/root/u1/winter/a.b.wav', ['u1', 'winter', 'a.b']],
    ['root/{user}/{season}/{x}.wav', '/data/notroot/u1/winter/a.wav', undefined],
    ['{user}-{n}.csv', '/data/a-b-1.csv', ['a', 'b-1']],
    ['/{user}/(x).{end}', '/data/anna/(x).csv', ['anna', 'csv']],
    ['{user}/x.csv', '/data/anna/y/x.csv', ['y']],
  ])('%s on %s', (format, path, values) => expect(match(format, path)).toEqual(values))

  it('takes the shortest value for each field in turn, as a search that tries all would', () => {
    const name = fc.array(fc.constantFrom('a', '-', '.', '--'), { maxLength: 7 })
    const format = fc.array(fc.constantFrom('{}', 'a', '-', '.', '/'), {
      minLength: 1,
      maxLength: 7,
    })
    fc.assert(
      fc.property(format, fc.array(name, { minLength: 1, maxLength: 3 }), (pieces, names) => {
        let fields = 0
        const text = pieces.map((piece) => (piece === '{}' ? `{f${fields++}}` : piece)).join('')
        const parsed = parsePartitionFormat(text)
        fc.pre(typeof parsed !== 'string')
        const path = names.map((parts) => parts.join('')).join('/')
        const pattern = text
          .replace(/^(?:\.?\/)+/, '')
          .replaceAll('.', String.raw`\.`)
          .replaceAll(/\{\w+\}/g, '([^/]+?)')
        const wanted = new RegExp(`(?:^|/)${pattern}$`).exec(path)?.slice(1)
        expect(typeof parsed === 'string' ? parsed : parsed.match(path)).toEqual(wanted)
      }),
      { numRuns: 5_000 },
    )
  })

  it('is done with a name at once, however often its literals stand there', () => {
    const fields = Array.from({ length: 16 }, (_, i) => `{f${i}}`).join('-')
    expect(match(`${fields}.wav`, `${'-'.repeat(250)}.mp3`)).toBeUndefined()
    expect(match(`${fields}.wav`, `${'a-'.repeat(100)}.wav`)).toHaveLength(16)
  })

  it.each([
    ['a}b{c}', 'braces must come in pairs around a name'],
    ['a/b.csv', 'it has no field in braces'],
    ['{a}{b}', 'nothing stands between "{a}" and "{b}"'],
    ['{a}/{a}', '"{a}" stands twice'],
    ['{a}/b}', 'braces must come in pairs around a name'],
    ['{day:yyyy}/x', '"{day:yyyy}" is no name: use letters, digits, _ and -'],
  ])('%s cannot be read', (format, words) => expect(match(format, 'x')).toBe(words))
})
