import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AttemptSpanView } from '#protocol/control/job-views.ts'
import {
  addAnswer,
  emptyBook,
  gapsOf,
  layLanes,
  spansMost,
} from '../../renderer/features/jobs/timeline/spans.ts'
import type { Lane } from '../../renderer/features/jobs/timeline/spans.ts'
import { lastMinutes, ticksOf, within, zoomed } from '../../renderer/features/jobs/timeline/view.ts'

const span = (miniBatch: number, change: Partial<AttemptSpanView>): AttemptSpanView => ({
  miniBatch,
  attempt: 1,
  peer: 0,
  grantedAt: 0,
  startedAt: null,
  endedAt: null,
  runMs: null,
  outcome: 'committed',
  detail: '',
  ...change,
})

const answer = (attempts: readonly AttemptSpanView[], at = 10_000) => ({
  at,
  from: 0,
  note: '',
  peers: [
    { peer: 'a', name: 'ada' },
    { peer: 'b', name: 'ben' },
  ],
  attempts: [...attempts],
})

const laneOf = (attempts: readonly AttemptSpanView[], now = 10_000): Lane =>
  layLanes(addAnswer(emptyBook, answer(attempts, now)), now)[0]!

const place = ({ bars }: Lane) =>
  bars.map(({ span: { miniBatch }, from, to, row }) => [miniBatch, from, to, row])

describe('lanes', () => {
  test('short runs of one slot that were told of together stand one after the other', () => {
    const first = [0, 1, 2].map((at) => span(at, { endedAt: 1_000, runMs: 10 }))
    const later = [3, 4, 5].map((at) => span(at, { endedAt: 1_050, runMs: 10, startedAt: 1_010 }))
    expect(place(laneOf([...first, ...later]))).toEqual([
      [0, 970, 980, 0],
      [1, 980, 990, 0],
      [2, 990, 1_000, 0],
      [3, 1_020, 1_030, 0],
      [4, 1_030, 1_040, 0],
      [5, 1_040, 1_050, 0],
    ])
  })

  test('long runs of several slots stand below each other, each where it ended', () => {
    const runs = [0, 1, 2].map((at) => span(at, { endedAt: 1_000 + at * 100, runMs: 900 }))
    const lane = laneOf(runs)
    expect(lane.rows).toBe(3)
    expect(lane.bars.map(({ from, to }) => [from, to])).toEqual([
      [100, 1_000],
      [200, 1_100],
      [300, 1_200],
    ])
  })

  test('runs that go on end now; failures stand where they began; what never began is left out', () => {
    const lane = laneOf([
      span(0, { startedAt: 100, endedAt: 400, outcome: 'charged' }),
      span(1, { startedAt: 500, outcome: 'running' }),
      span(2, { outcome: 'waiting' }),
      span(3, { outcome: 'freed', endedAt: 600 }),
    ])
    expect(place(lane)).toEqual([
      [0, 100, 400, 0],
      [1, 500, 10_000, 0],
    ])
  })

  const attempt = fc
    .record({
      grantedAt: fc.integer({ min: 0, max: 5_000 }),
      waits: fc.integer({ min: 0, max: 500 }),
      runMs: fc.option(fc.integer({ min: 0, max: 800 }), { nil: null }),
      heard: fc.integer({ min: 0, max: 300 }),
    })
    .map(({ grantedAt, waits, runMs, heard }) => ({
      grantedAt,
      startedAt: runMs === null ? grantedAt + waits : null,
      endedAt: grantedAt + waits + (runMs ?? 100) + heard,
      runMs,
      outcome: runMs === null ? ('charged' as const) : ('committed' as const),
    }))

  test('bars of a row never overlap, and lie between their grant and what was heard of their end', () => {
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 28 }), (attempts) => {
        const { bars, rows } = laneOf(attempts.map((each, at) => span(at, each))) ?? {
          bars: [],
          rows: 1,
        }
        expect(bars.length).toBe(attempts.length)
        for (const bar of bars) {
          expect(bar.from).toBeGreaterThanOrEqual(bar.span.grantedAt!)
          expect(bar.to).toBeLessThanOrEqual(bar.span.endedAt!)
          expect(bar.row).toBeLessThan(rows)
          if (bar.span.runMs !== null) expect(bar.to - bar.from).toBe(bar.span.runMs)
        }
        for (const [at, bar] of bars.entries())
          for (const other of bars.slice(at + 1))
            if (bar.row === other.row && bar.to > bar.from && other.to > other.from)
              expect(other.from >= bar.to || other.to <= bar.from).toBe(true)
      }),
    )
  })
})

test('an answer changes what it tells of, and the oldest attempts are forgotten', () => {
  let book = addAnswer(emptyBook, answer([span(0, { startedAt: 50, outcome: 'running' })]))
  book = addAnswer(book, answer([span(0, { grantedAt: null, endedAt: 90 })]))
  expect([...book.spans.values()]).toMatchObject([{ grantedAt: 0, startedAt: 50, endedAt: 90 }])
  const many = Array.from({ length: spansMost }, (_, at) => span(at + 1, { endedAt: 100 }))
  book = addAnswer(book, answer(many))
  expect(book.spans.size).toBe(spansMost)
  expect([...book.spans.values()][0]?.miniBatch).toBe(1)
})

test('gaps say why', () => {
  const lane = laneOf([
    span(0, { startedAt: 0, endedAt: 1_000, outcome: 'freed', detail: 'its owner is back' }),
    span(1, { grantedAt: 6_000, startedAt: 6_100, endedAt: 7_000, outcome: 'charged' }),
    span(2, { grantedAt: 7_050, startedAt: 9_000, endedAt: 9_500, outcome: 'charged' }),
  ])
  expect(gapsOf(lane, { leastMs: 400, until: 10_000, lastWords: 'on battery' })).toEqual([
    { from: 1_000, to: 6_100, words: 'its owner is back' },
    { from: 7_000, to: 9_000, words: 'waiting for data or model' },
    { from: 9_500, to: 10_000, words: 'on battery' },
  ])
})

describe('the times in sight', () => {
  const all = { from: 1_000_000, to: 1_900_000 }

  test('are the last five minutes, or all there is', () => {
    expect(lastMinutes(all)).toEqual({ from: 1_600_000, to: 1_900_000 })
    expect(lastMinutes({ from: 5, to: 70 })).toEqual({ from: 5, to: 70 })
  })

  test('never leave what there is, and stay where the pointer is', () => {
    const view = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 100, max: 900_000 }),
    )
    fc.assert(
      fc.property(
        view,
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        ([share, width], factor, pointer) => {
          const start = within(
            { from: all.from + share * 900_000, to: all.from + share * 900_000 + width },
            all,
          )
          const around = start.from + pointer * (start.to - start.from)
          const after = within(zoomed(start, all, factor, around), all)
          expect(after.from).toBeGreaterThanOrEqual(all.from - 1e-6)
          expect(after.to).toBeLessThanOrEqual(all.to + 1e-6)
          expect(around).toBeGreaterThanOrEqual(after.from - 1)
          expect(around).toBeLessThanOrEqual(after.to + 1)
        },
      ),
    )
  })

  test('are told by round times that do not touch', () => {
    const ticks = ticksOf({ from: 1_234, to: 61_234 }, 8)
    expect(ticks).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000])
    expect(ticksOf({ from: 0, to: 100 }, 8)).toEqual([0, 20, 40, 60, 80, 100])
  })
})
