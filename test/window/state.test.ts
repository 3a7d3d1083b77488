import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ControlClient } from '#protocol/control/client.ts'
import type { DeltaView, SnapshotView } from '#protocol/control/views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { makeJob, makeMachine, makeRow } from '#test/support/control-views.ts'
import { applyDelta } from '../../renderer/agent/live-state.ts'
import { createLiveStore } from '../../renderer/agent/live-store.ts'
import { createLoadHistory } from '../../renderer/agent/load-history.ts'
import { cellAt, layCells } from '../../renderer/features/jobs/map/cells.ts'
import { valueColumns } from '../../renderer/features/jobs/rows/value-columns.ts'
import { mayBePicture } from '../../renderer/ui/may-be-picture.ts'
import { contentHeightMax, rowWindowAt } from '../../renderer/ui/row-window.ts'

const snapshot = (sequence: number, change: Partial<SnapshotView> = {}): SnapshotView => ({
  sequence,
  agent: {
    peer: 'peer-anna',
    name: 'anna',
    version: '0.1.0',
    node: 'v26.10.0',
    home: '/home/anna',
    pid: 1,
    startedAt: 0,
    addresses: [],
    webAddress: 'http://127.0.0.1:1',
    itemsStreamed: 0,
  },
  cluster: null,
  machines: [],
  jobs: [],
  models: [],
  ...change,
})

test('only what may be a picture is asked for one', () => {
  for (const name of ['00001.png', 'a/b/Photo.JPEG', 'scan', 'v1.2/scan', 'x.tar.webp'])
    expect(mayBePicture(name), name).toBe(true)
  for (const name of ['17.txt', 'sales.csv#1', 'a.png/b.json', 'sound.wav'])
    expect(mayBePicture(name), name).toBe(false)
})

describe('row window', () => {
  const view = fc.record({
    count: fc.integer({ min: 1, max: 20_000_000 }),
    rowHeight: fc.constantFrom(28, 35),
    viewHeight: fc.integer({ min: 100, max: 3_000 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })

  test('never makes an element too high, and always fills the view', () => {
    fc.assert(
      fc.property(view, ({ count, rowHeight, viewHeight, part }) => {
        const height = Math.min(count * rowHeight, contentHeightMax)
        const scrollTop = part * Math.max(0, height - viewHeight)
        const window = rowWindowAt({ count, rowHeight, viewHeight, scrollTop })
        expect(window.height).toBe(height)
        expect(window.last - window.first).toBeLessThan(viewHeight / rowHeight + 16)
        expect(window.topOf(window.first)).toBeLessThanOrEqual(scrollTop + 1e-3)
        const bottom = window.topOf(window.last - 1) + rowHeight
        expect(bottom).toBeGreaterThanOrEqual(Math.min(scrollTop + viewHeight, height) - 1e-3)
      }),
    )
  })

  test('the end of the content is the end of the last row', () => {
    fc.assert(
      fc.property(view, ({ count, rowHeight, viewHeight }) => {
        const { height, last, topOf } = rowWindowAt({
          count,
          rowHeight,
          viewHeight,
          scrollTop: Number.MAX_SAFE_INTEGER,
        })
        expect(last).toBe(count)
        if (height > viewHeight) expect(topOf(count - 1) + rowHeight).toBeCloseTo(height, 3)
      }),
    )
  })
})

test('every cell of the map is found under its own middle', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200_000 }),
      fc.integer({ min: 50, max: 2_000 }),
      fc.integer({ min: 50, max: 1_000 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (...[total, width, height, part]) => {
        const grid = layCells({ from: 0, to: total }, width, height)
        const cells = Math.ceil(total / grid.perCell)
        expect(grid.columns * grid.size).toBeLessThanOrEqual(width)
        expect(Math.ceil(cells / grid.columns) * grid.size).toBeLessThanOrEqual(height)
        const cell = Math.floor(part * cells)
        const x = ((cell % grid.columns) + 0.5) * grid.size
        const y = (Math.floor(cell / grid.columns) + 0.5) * grid.size
        expect(cellAt(grid, x, y)).toBe(cell * grid.perCell)
      },
    ),
  )
})

describe('deltas', () => {
  const deltas: readonly DeltaView[] = [
    { kind: 'job-changed', job: makeJob('a', { submittedAt: 1 }) },
    { kind: 'job-changed', job: makeJob('b', { submittedAt: 2 }) },
    { kind: 'machine-changed', machine: makeMachine({ peer: 'p' }) },
    { kind: 'machine-changed', machine: makeMachine({ peer: 'p', load: 0.9 }) },
    { kind: 'job-changed', job: makeJob('a', { submittedAt: 1, state: 'Completed' }) },
  ]
  const fold = (state: SnapshotView, some: readonly DeltaView[]): SnapshotView =>
    some.reduce((folded, delta, at) => applyDelta(folded, at + 1, delta), state)

  test('keep jobs newest first and the newest of each machine', () => {
    const state = fold(snapshot(0), deltas)
    expect(state.jobs.map(({ id, state }) => [id, state])).toEqual([
      ['b', 'Queued'],
      ['a', 'Completed'],
    ])
    expect(state.machines.map(({ load }) => load)).toEqual([0.9])
    expect(fold(state, [{ kind: 'machine-removed', peer: 'p' }]).machines).toEqual([])
  })

  test('do no harm when they come twice', () => {
    const once = fold(snapshot(0), deltas)
    expect({ ...fold(once, deltas), sequence: 0 }).toEqual({ ...once, sequence: 0 })
  })
})

describe('live store', () => {
  const failure = (code: 'AgentUnreachable' | 'Unauthorized' | 'NotFound' | 'Internal') =>
    new MusterFailure(musterError(code, `A sentence about ${code}.`))

  /** Runs a store against scripted answers; ends when the script does. Returns the phases seen at waits. */
  const follow = async (script: readonly (SnapshotView | Error)[]) => {
    const stop = new AbortController()
    const seen: { phase: string; waitMs: number; problem: string }[] = []
    const answers = [...script]
    const client = {
      call: async () => {
        const answer = answers.shift()
        if (answers.length === 0) stop.abort()
        if (answer === undefined || answer instanceof Error) throw answer ?? failure('NotFound')
        return answer
      },
      // oxlint-disable-next-line require-yield -- a stream that breaks at once
      follow: async function* () {
        throw failure('AgentUnreachable')
      },
    } as unknown as ControlClient
    const store = createLiveStore({
      client,
      now: () => 5,
      wait: async (waitMs) => {
        const { phase, problem } = store.state()
        seen.push({ phase, waitMs, problem })
      },
    })
    await store.run(stop.signal)
    return { seen, state: store.state() }
  }

  test('waits longer while the agent stays away, and keeps what it knew', async () => {
    const away = Array.from({ length: 6 }, () => failure('AgentUnreachable'))
    const { seen, state } = await follow([snapshot(7), ...away, failure('AgentUnreachable')])
    expect(seen.map(({ phase }) => phase)).toEqual(seen.map(() => 'away'))
    expect(seen.map(({ waitMs }) => waitMs)).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000])
    expect(state.data?.sequence).toBe(7)
  })

  test('tells a lost cookie and an answer in error apart from absence', async () => {
    const { seen } = await follow([
      failure('Unauthorized'),
      failure('Internal'),
      failure('Internal'),
    ])
    expect(seen[0]).toMatchObject({ phase: 'signed-out', problem: '' })
    expect(seen[1]).toMatchObject({ phase: 'failing', problem: 'A sentence about Internal.' })
  })
})

test('the load of a machine is kept for five minutes, with gaps where nothing was heard', () => {
  const history = createLoadHistory()
  const machine = makeMachine({ peer: 'p', load: 0.5 })
  for (const second of [0, 1, 2, 400, 401, 420]) history.note([machine], second * 1_000)
  history.note([makeMachine({ peer: 'p', liveness: 'lost', load: 1 })], 421_000)
  expect(history.series('p', 421_000)).toEqual({
    seconds: [400, 401, 402, 420],
    load: [0.5, 0.5, null, 0.5],
  })
  expect(history.series('nobody', 421_000)).toEqual({ seconds: [], load: [] })
})

describe('columns of the rows', () => {
  const rows = (values: readonly unknown[]) =>
    values.map((value, item) => ({ ...makeRow(0), item, name: `in/${item}.png`, value }))

  test('come from the keys of the values; one that repeats the item is left out', () => {
    const columns = valueColumns(
      rows([
        { item: '0.png', prediction: '7', top_score: 0.99812 },
        { item: '1.png', prediction: '3', top_score: 1 },
      ]),
    )
    expect(columns.map(({ head, numeric }) => [head, numeric])).toEqual([
      ['Prediction', false],
      ['Top score', true],
    ])
    expect(columns[1]?.textOf({ top_score: 0.99812 })).toBe('0.998')
  })

  test('plain values get one column, and failures alone tell the reason', () => {
    expect(valueColumns(rows([3, 4]))[0]).toMatchObject({ head: 'Value', numeric: true })
    expect(valueColumns([{ ...makeRow(6) }])[0]).toMatchObject({ head: 'Reason', numeric: false })
    expect(valueColumns(rows([{ scores: { a: 1 } }]))[0]?.textOf({ scores: { a: 1 } })).toBe(
      '{"a":1}',
    )
  })
})
