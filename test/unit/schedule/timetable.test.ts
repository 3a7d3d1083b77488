import { describe, expect, it } from 'vitest'
import { freshMemory, lookAtTimes } from '#agent/job/schedule.ts'
import { createTimetable } from '#agent/schedule/timetable.ts'

const timetable = createTimetable()
const hour = 3_600_000

/** The due times from a time on, as the clock of the world shows them. */
const dueFrom = (
  expression: string,
  zone: string,
  from: string,
  count: number,
): readonly string[] => {
  const due: string[] = []
  for (let after = Date.parse(from); due.length < count;) {
    const next = timetable.next(expression, zone, after)
    if (next === undefined) break
    due.push(new Date(next).toISOString().slice(0, 16))
    after = next
  }
  return due
}

describe('the time zone of a schedule', () => {
  it('is that of its file, also where it is a quarter of an hour off', () => {
    expect(dueFrom('0 9 * * 1-5', 'Asia/Kathmandu', '2026-11-20T12:00Z', 2)).toEqual([
      '2026-11-23T03:15',
      '2026-11-24T03:15',
    ])
    expect(dueFrom('0 9 * * *', 'America/New_York', '2026-11-20T12:00Z', 1)).toEqual([
      '2026-11-20T14:00',
    ])
  })

  it('runs at the end of the gap what is due inside it, when clocks go forward', () => {
    // In Vienna there is no 2:30 on 29 March 2026: after 1:59 comes 3:00.
    expect(dueFrom('30 2 * * *', 'Europe/Vienna', '2026-03-27T12:00Z', 3)).toEqual([
      '2026-03-28T01:30',
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ])
    expect(dueFrom('30 * * * *', 'Europe/Vienna', '2026-03-29T00:00Z', 3)).toEqual([
      '2026-03-29T00:30',
      '2026-03-29T01:30',
      '2026-03-29T02:30',
    ])
    // Where midnight itself is left out.
    expect(dueFrom('0 0 * * *', 'America/Sao_Paulo', '2018-11-03T12:00Z', 2)).toEqual([
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ])
  })

  it('runs once what is due at a time that comes twice, and every hour what is due every hour', () => {
    // In Vienna 2:30 comes twice on 25 October 2026.
    expect(dueFrom('30 2 * * *', 'Europe/Vienna', '2026-10-24T12:00Z', 3)).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
      '2026-10-27T01:30',
    ])
    expect(dueFrom('30 * * * *', 'Europe/Vienna', '2026-10-25T00:00Z', 3)).toEqual([
      '2026-10-25T00:30',
      '2026-10-25T01:30',
      '2026-10-25T02:30',
    ])
  })

  it.each([
    ['2026-03-28T12:00Z', 'the day of the gap'],
    ['2026-10-24T12:00Z', 'the day that has an hour twice'],
  ])('from %s on (%s) starts one run a day, whenever it is looked at', (from) => {
    const next = (after: number) => timetable.next('30 2 * * *', 'Europe/Vienna', after)
    const start = Date.parse(from)
    let memory = freshMemory(start)
    const started: number[] = []
    for (let now = start; now < start + 72 * hour; now += 30_000) {
      const look = lookAtTimes(memory, { now, isBusy: false, isPaused: false }, next, 60_000)
      memory = look.memory
      if (look.dueAt !== undefined) started.push(look.dueAt)
    }
    expect(started.length).toBe(3)
    expect(memory.missedAt).toBeNull()
    for (const [i, dueAt] of started.entries())
      if (i > 0) expect(dueAt - (started[i - 1] ?? 0)).toBeGreaterThanOrEqual(22 * hour)
  })
})

describe('an expression', () => {
  it.each([
    ['0 6 * * 1-5', undefined, undefined],
    ['*/10 * * * * *', 'Europe/Vienna', undefined],
    [
      '0 6 * * *',
      'Europe/Vindobona',
      '"Europe/Vindobona" is no time zone known here: write one such as Europe/Vienna.',
    ],
    [
      '61 * * * *',
      undefined,
      '"61 * * * *" is no cron expression (Invalid value for minute: 61): write five or six fields, such as "0 6 * * 1-5".',
    ],
    ['0 0 30 2 *', undefined, 'The schedule "0 0 30 2 *" is never due: correct its day or month.'],
  ])('%s in %s: %s', (expression, zone, problem) => {
    expect(timetable.problem(expression, zone)).toBe(problem)
  })
})
