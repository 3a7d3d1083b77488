import { describe, expect, test } from 'vitest'
import type { Batch, Inference } from '#agent/runtime/child/inference.ts'
import { createRowWriter } from '#agent/runtime/child/row-writer.ts'
import { runTable } from '#agent/runtime/child/table-batch.ts'
import type { TableRecord } from '#agent/runtime/child/table-batch.ts'
import type { ColumnsInput } from '#protocol/model/processing.ts'
import { processing } from '#test/support/processing.ts'

const input = (changes: Partial<ColumnsInput> = {}): ColumnsInput => ({
  columns: [],
  dtype: 'float32',
  mean: [0],
  std: [1],
  ...changes,
})

/** Gives each item's numbers of the first input back, and remembers what it was fed. */
const echo = (fixedBatch?: number): Inference & { readonly fed: Batch[][] } => {
  const fed: Batch[][] = []
  return {
    fixedBatch,
    fed,
    follow: async () => {},
    run: async (batches, items) => {
      fed.push([...batches])
      const [first] = batches
      if (first === undefined) return 'nothing was fed'
      const size = fixedBatch ?? items
      return [
        { type: 'float32', data: first.data, itemLength: first.data.length / size, itemShape: [1] },
      ]
    },
  }
}

const records = (...values: TableRecord['values'][]): TableRecord[] =>
  values.map((one, at) => ({ item: 10 + at, name: `t.csv#${at + 1}`, values: one }))

const run = async (
  inputs: readonly ColumnsInput[],
  given: readonly TableRecord[],
  inference = echo(),
) => {
  const rowWriter = createRowWriter(processing({}, { kind: 'embedding' }).postprocess)
  const deps = { preprocess: { decode: 'columns' as const, inputs }, inference, rowWriter }
  const outcome = await runTable(deps, given, ['a', 'b'])
  if (outcome.kind === 'threw') throw new Error(outcome.message)
  return {
    ...outcome,
    rows: outcome.rows.map((row) => (JSON.parse(row) as { embedding: number[] }).embedding),
  }
}

describe('records into tensors', () => {
  test('all columns as the table has them, or those named, scaled', async () => {
    const given = records({ a: '1', b: '2' }, { a: 3, b: '4.5' })
    expect((await run([input()], given)).rows).toEqual([
      [1, 2],
      [3, 4.5],
    ])
    const named = input({ columns: ['b', 'a'], mean: [1, 2], std: [2] })
    expect((await run([named], given)).rows).toEqual([
      [0.5, -0.5],
      [1.75, 0.5],
    ])
  })

  test('a broken record, an empty cell and a word are failed items; the rest goes on', async () => {
    const given = records(
      'The record t.csv#1 is broken.',
      { a: '', b: '2' },
      { a: 'x', b: '2' },
      { a: '1', b: '2' },
    )
    const outcome = await run([input()], given)
    expect(outcome.items).toEqual([13])
    expect(outcome.failures).toEqual([
      { item: 10, name: 't.csv#1', message: 'The record t.csv#1 is broken.' },
      { item: 11, name: 't.csv#2', message: 't.csv#2 has nothing in the column "a".' },
      {
        item: 12,
        name: 't.csv#3',
        message: 't.csv#3 has "x" in the column "a", which is no number.',
      },
    ])
  })

  test('an empty cell may stand for a number; yes and no are 1 and 0', async () => {
    const given = records({ a: null, b: true }, { b: 'FALSE' })
    expect((await run([input({ missing: -1 })], given)).rows).toEqual([
      [-1, 1],
      [-1, 0],
    ])
  })

  test('whole numbers must fit their type', async () => {
    const given = records({ a: '300', b: '1' }, { a: '1.5', b: '1' }, { a: '7', b: '8' })
    for (const dtype of ['uint8', 'int8'] as const) {
      const outcome = await run([input({ dtype })], given)
      expect(outcome.items).toEqual([12])
      expect(outcome.failures[0]?.message).toContain(`does not fit into ${dtype}`)
    }
    const outcome = await run([input({ dtype: 'int64' })], given)
    expect(outcome.items).toEqual([10, 12])
  })

  test('several inputs each get their columns; words go into an input of words', async () => {
    const inference = echo()
    const inputs = [input({ columns: ['a'] }), input({ columns: ['b'], dtype: 'string' })]
    await run(inputs, records({ a: '1', b: 'x' }, { a: '2', b: '' }), inference)
    const [batches] = inference.fed
    expect(batches?.map(({ itemShape }) => itemShape)).toEqual([[1], [1]])
    expect([...(batches?.[1]?.data ?? [])]).toEqual(['x', ''])
  })

  test('a fixed batch is filled up with zeros, part after part', async () => {
    const inference = echo(2)
    const given = records({ a: 1, b: 2 }, { a: 3, b: 4 }, { a: 5, b: 6 })
    const outcome = await run([input()], given, inference)
    expect(outcome.rows).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(inference.fed.map(([batch]) => Array.from(batch?.data ?? [], Number))).toEqual([
      [1, 2, 3, 4],
      [5, 6, 0, 0],
    ])
  })

  test('nothing is run where no record can be read', async () => {
    const inference = echo()
    const outcome = await run([input()], records('broken.'), inference)
    expect(outcome.rows).toEqual([])
    expect(inference.fed).toEqual([])
  })
})
