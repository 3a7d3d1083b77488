import { describe, expect, test } from 'vitest'
import {
  durationText,
  groupDigits,
  progressLine,
  rangeText,
  rateText,
} from '#protocol/control/progress-line.ts'
import { makeJob } from '#test/support/control-views.ts'

describe('the progress line', () => {
  test('is the one of the design', () => {
    const job = makeJob('a', {
      items: 10_000,
      itemsSucceeded: 8_337,
      itemsFailed: 3,
      itemsPerSecond: 12_913,
      secondsLeft: [1.1, 1.9],
    })
    expect(progressLine(job)).toBe('8,340 / 10,000 · 12,900/s · 1-2 s left · 3 failed')
  })

  test('leaves out what cannot be told, and what is over', () => {
    expect(progressLine(makeJob('a', { items: 7, planComplete: false }))).toBe('0 / 7+')
    const ended = makeJob('a', {
      itemsSucceeded: 25,
      endedAt: 5,
      itemsPerSecond: 9,
      secondsLeft: [0, 0],
    })
    expect(progressLine(ended)).toBe('25 / 25')
  })

  test('tells rate and time taken of a job that has ended', () => {
    const ended = makeJob('a', {
      items: 10_000,
      itemsSucceeded: 9_997,
      itemsFailed: 3,
      startedAt: 1_000,
      endedAt: 9_200,
      secondsLeft: null,
    })
    expect(progressLine(ended)).toBe('10,000 / 10,000 · 1,220/s · took 8.2 s · 3 failed')
    // The agent's own rate leaves out the time that the output took.
    expect(progressLine({ ...ended, itemsFailed: 0, itemsPerSecond: 12_900 })).toBe(
      '9,997 / 10,000 · 12,900/s · took 8.2 s',
    )
  })

  test.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567.8, '1,234,568'],
  ])('groups %d as %s', (value, text) => expect(groupDigits(value)).toBe(text))

  test.each([
    [0.04, '0.0'],
    [3.14, '3.1'],
    [340.4, '340'],
    [1_234, '1,230'],
    [12_913, '12,900'],
    [999_999, '1,000,000'],
  ])('a rate of %d is %s', (value, text) => expect(rateText(value)).toBe(text))

  test.each([
    [45, '45 ms'],
    [12_400, '12.4 s'],
    [59_600, '60 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
  ])('%d ms are %s', (ms, text) => expect(durationText(ms)).toBe(text))

  test.each([
    [[0, 0.2], '0-1 s'],
    [[5, 5], '5 s'],
    [[80, 119], '80-119 s'],
    [[80, 130], '1-3 min'],
    [[3_600, 7_100], '60-119 min'],
    [[7_200, 7_200], '2 h'],
    [[86_400, 259_200], '1-3 d'],
  ] as const)('a range of %j is %s', (range, text) => expect(rangeText(range)).toBe(text))
})
