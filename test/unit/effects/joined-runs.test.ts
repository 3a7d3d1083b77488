import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinInputs, splitOutcome } from '#agent/effects/worker/joined-runs.ts'
import type { Part } from '#agent/effects/worker/joined-runs.ts'
import type { RunInput, RunOutcome } from '#agent/ports/runtime.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import { jobId } from '#test/simulation/jobs.ts'

type Succeeded = Extract<RunOutcome, { kind: 'succeeded' }>

const partOf = (miniBatch: number, firstItem: number, items: number, input: RunInput): Part => ({
  lease: {
    token: { term: { number: 1, head: asPeerId('head') }, leaseId: miniBatch },
    job: jobId(0),
    miniBatch,
    attempt: 1,
    firstItem,
    items,
  },
  input,
})

const filesFrom = (first: number, count: number): RunInput => ({
  items: Array.from({ length: count }, (_, i) => ({
    item: first + i,
    name: `${first + i}.txt`,
    bytes: Buffer.from(`${first + i}`),
  })),
  input: 'texts',
})

/** What a plain loop over the items gives: as many rows for each as `rowsOf` says, none is a failure. */
const loop = (items: readonly number[], rowsOf: (item: number) => number): Succeeded => {
  const rows = items.flatMap((item) =>
    Array.from({ length: rowsOf(item) }, (_, i) => ({ item, i })),
  )
  return {
    kind: 'succeeded',
    items: rows.map(({ item }) => item),
    lines: Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')),
    failures: items
      .filter((item) => rowsOf(item) === 0)
      .map((item) => ({ item, name: `${item}.txt`, message: 'x' })),
    runMs: items.length,
  }
}

const textOf = (outcome: Succeeded): unknown => ({
  ...outcome,
  items: [...outcome.items],
  lines: Buffer.from(outcome.lines).toString(),
})

test('a shared run taken apart gives what each mini-batch gives by itself', () => {
  const lengths = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(3)), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(2), { minLength: 40, maxLength: 40 }), (list, counts) => {
      const parts: Part[] = []
      let next = 0
      for (const [items, gap] of list) {
        next += gap
        parts.push(partOf(parts.length, next, items, filesFrom(next, items)))
        next += items
      }
      const rowsOf = (item: number): number => counts[item % counts.length] ?? 0
      const joined = joinInputs(parts)
      const items = joined?.items.map(({ item }) => item) ?? []
      expect(items).toEqual(parts.flatMap(({ input }) => input.items.map(({ item }) => item)))
      const split = splitOutcome(loop(items, rowsOf), parts)
      expect(split.map(textOf)).toEqual(
        parts.map(({ input }) =>
          textOf(
            loop(
              input.items.map(({ item }) => item),
              rowsOf,
            ),
          ),
        ),
      )
    }),
  )
})

test('records of several mini-batches keep their sources', () => {
  const tableFrom = (first: number, name: string): RunInput => ({
    items: [],
    table: {
      format: 'delimited',
      delimiter: ',',
      sources: [
        {
          name,
          columns: ['a'],
          offset: 0,
          tailBytes: 0,
          content: { bytes: Buffer.from('1\n2\n') },
        },
      ],
      slices: [{ source: 0, firstRecord: 0, firstItem: first, records: 2, skip: 0 }],
    },
  })
  const parts = [
    partOf(0, 0, 2, tableFrom(0, 'a.csv')),
    partOf(1, 2, 2, tableFrom(2, 'b.csv')),
    partOf(2, 4, 2, tableFrom(4, 'c.csv')),
  ]
  const table = joinInputs(parts)?.table
  expect(table?.slices.map(({ source, firstItem }) => [source, firstItem])).toEqual([
    [0, 0],
    [1, 2],
    [2, 4],
  ])
  expect(table?.sources.map(({ name }) => name)).toEqual(['a.csv', 'b.csv', 'c.csv'])

  // What was read is told slice by slice, not record by record.
  const hashes = Buffer.from('aaaaaaaabbbbbbbbcccccccc')
  const all = loop([0, 1, 2, 3, 4, 5], () => 1)
  expect(
    splitOutcome({ ...all, contents: hashes }, parts).map(({ contents = [] }) =>
      Buffer.from(contents).toString(),
    ),
  ).toEqual(['aaaaaaaa', 'bbbbbbbb', 'cccccccc'])
})

test('items of different inputs do not share a run', () => {
  const other = { ...filesFrom(3, 2), input: 'others' }
  expect(joinInputs([partOf(0, 0, 3, filesFrom(0, 3)), partOf(1, 3, 2, other)])).toBeUndefined()
})
