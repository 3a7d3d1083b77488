import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Output } from '#agent/runtime/child/inference.ts'
import { createRowWriter } from '#agent/runtime/child/row-writer.ts'
import type { Postprocess } from '#protocol/model/processing.ts'
import { processing } from '#test/support/processing.ts'

const output = (
  data: ArrayLike<unknown>,
  { items = 1, type = 'float32', shape }: { items?: number; type?: string; shape?: number[] } = {},
): Output => ({
  type,
  data,
  itemLength: data.length / items,
  itemShape: shape ?? [data.length / items],
})

const row = (postprocess: Partial<Postprocess>, from: Output, index = 0): unknown => {
  const text = createRowWriter(processing({}, postprocess).postprocess)('a.png', [from], index)
  if (typeof text !== 'string') return text
  expect(text).not.toContain('\n')
  return JSON.parse(text)
}

const scores = Float32Array.of(1, 3, 2)
const labels = ['cat', 'dog', 'emu']

describe('argmax', () => {
  test('label and score; without labels the number of the class', () => {
    expect(row({ labels }, output(scores))).toEqual({ item: 'a.png', prediction: 'dog', score: 3 })
    expect(row({}, output(scores))).toEqual({ item: 'a.png', prediction: 1, score: 3 })
    expect(row({ labels: ['cat'] }, output(scores))).toMatchObject({ prediction: 1 })
  })

  test('softmax makes the score a probability', () => {
    expect(row({ softmax: true }, output(scores))).toMatchObject({ score: 0.665241 })
    expect(row({ softmax: true }, output(Float32Array.of(1e30, 0)))).toMatchObject({ score: 1 })
  })

  test('the item, not another, and the first of equals', () => {
    const two = output(Float32Array.of(1, 2, 5, 5), { items: 2 })
    expect(row({}, two, 0)).toMatchObject({ prediction: 1, score: 2 })
    expect(row({}, two, 1)).toMatchObject({ prediction: 0, score: 5 })
  })

  test('NaN is never the largest; nothing but NaN is a problem', () => {
    expect(row({}, output(Float32Array.of(Number.NaN, -3, Number.NaN)))).toMatchObject({
      prediction: 1,
    })
    expect(row({}, output(Float32Array.of(Number.NaN)))).toHaveProperty('problem')
    expect(row({}, output(Float32Array.of(-Infinity, -Infinity)))).toMatchObject({
      prediction: 0,
      score: null,
    })
  })

  test('other types of numbers', () => {
    expect(row({}, output(BigInt64Array.of(1n, 7n), { type: 'int64' }))).toMatchObject({ score: 7 })
    // 1.5 and 2 as 16-bit floating point.
    expect(row({}, output(Uint16Array.of(0x3e00, 0x4000), { type: 'float16' }))).toMatchObject({
      prediction: 1,
      score: 2,
    })
  })
})

test('softmax gives every class, which sum to 1', () => {
  expect(row({ kind: 'softmax', labels: labels.slice(0, 2) }, output(scores))).toEqual({
    item: 'a.png',
    prediction: 'dog',
    score: 0.665241,
    scores: { cat: 0.0900306, dog: 0.665241, '2': 0.244728 },
  })
})

test('top-k gives the best in order, at most as many as there are classes', () => {
  expect(row({ kind: 'top-k', k: 2, labels }, output(scores))).toEqual({
    item: 'a.png',
    prediction: 'dog',
    score: 3,
    top: [
      { label: 'dog', score: 3 },
      { label: 'emu', score: 2 },
    ],
  })
  expect(row({ kind: 'top-k', k: 9 }, output(scores))).toMatchObject({ top: { length: 3 } })
})

describe('raw', () => {
  test('numbers, with their shape when there is more than one axis', () => {
    expect(row({ kind: 'raw' }, output(scores))).toEqual({ item: 'a.png', output: [1, 3, 2] })
    expect(row({ kind: 'raw' }, output(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] }))).toEqual({
      item: 'a.png',
      shape: [2, 2],
      output: [1, 2, 3, 4],
    })
    const odd = output(Float32Array.of(Number.NaN, Infinity, 0.1))
    expect(row({ kind: 'raw' }, odd)).toMatchObject({ output: [null, null, 0.1] })
  })

  test('words, truth values and whole numbers as they are', () => {
    expect(row({ kind: 'raw' }, output(['a"b', 'c'], { type: 'string' }))).toMatchObject({
      output: ['a"b', 'c'],
    })
    expect(row({ kind: 'raw' }, output(Uint8Array.of(0, 1), { type: 'bool' }))).toMatchObject({
      output: [false, true],
    })
    const large = createRowWriter(processing({}, { kind: 'raw' }).postprocess)
    expect(large('x', [output(BigInt64Array.of(2n ** 60n), { type: 'int64' })], 0)).toContain(
      String(2n ** 60n),
    )
  })

  test('every float32 comes back bit for bit', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1 }),
        (numbers) => {
          const back = row({ kind: 'raw' }, output(numbers)) as { output: number[] }
          const wanted = numbers.map((number) => (number === 0 ? 0 : number))
          expect(Float32Array.from(back.output)).toEqual(wanted)
        },
      ),
      { verbose: 1 },
    )
  })
})

describe('threshold', () => {
  test('gives every class whose score is large enough, largest first', () => {
    expect(row({ kind: 'threshold', threshold: 2, labels }, output(scores))).toEqual({
      item: 'a.png',
      labels: [
        { label: 'dog', score: 3 },
        { label: 'emu', score: 2 },
      ],
    })
    expect(row({ kind: 'threshold', threshold: 4 }, output(scores))).toEqual({
      item: 'a.png',
      labels: [],
    })
  })

  test('with sigmoid each number is a score by itself, and one half is enough', () => {
    const numbers = Float32Array.of(0, -1, 2)
    expect(row({ kind: 'threshold', sigmoid: true, labels }, output(numbers))).toEqual({
      item: 'a.png',
      labels: [
        { label: 'emu', score: 0.880797 },
        { label: 'cat', score: 0.5 },
      ],
    })
  })

  test('with softmax the scores add up to one, and NaN is never enough', () => {
    const numbers = Float32Array.of(1, Number.NaN, 1)
    const found = row({ kind: 'threshold', threshold: -10 }, output(numbers))
    expect(found).toMatchObject({ labels: [{ label: 0 }, { label: 2 }] })
    const sums = row({ kind: 'threshold', softmax: true, threshold: 0 }, output(scores)) as {
      labels: { score: number }[]
    }
    expect(sums.labels.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5)
  })
})

describe('embedding', () => {
  test('is all numbers in one list, scaled to length 1 if asked for', () => {
    const point = output(Float32Array.of(3, 0, 0, 4), { shape: [2, 2] })
    expect(row({ kind: 'embedding' }, point)).toEqual({ item: 'a.png', embedding: [3, 0, 0, 4] })
    expect(row({ kind: 'embedding', normalize: true }, point)).toEqual({
      item: 'a.png',
      embedding: [0.6, 0, 0, 0.8],
    })
  })

  test('nothing but zeros stay zeros; NaN is no point', () => {
    const zeros = output(Float32Array.of(0, 0))
    expect(row({ kind: 'embedding', normalize: true }, zeros)).toMatchObject({ embedding: [0, 0] })
    expect(row({ kind: 'embedding' }, output(Float32Array.of(Number.NaN)))).toEqual({
      problem: 'the model gave NaN for it',
    })
  })
})

test('several outputs stand under their names', () => {
  const base = { softmax: false, k: 5, labels: [] }
  const write = createRowWriter([
    { ...base, kind: 'argmax', output: 'class', labels },
    { ...base, kind: 'embedding', output: 'point "p"' },
  ])
  const text = write('a.png', [output(scores), output(Float32Array.of(1, 2))], 0)
  if (typeof text !== 'string') throw new Error(text.problem)
  expect(JSON.parse(text)).toEqual({
    item: 'a.png',
    class: { prediction: 'dog', score: 3 },
    'point "p"': { embedding: [1, 2] },
  })
})

test('a name with quotes and line breaks stays one line of JSON', () => {
  const write = createRowWriter(processing().postprocess)
  const text = write('a "b"\n.png', [output(scores)], 0)
  if (typeof text !== 'string') throw new Error(text.problem)
  expect(text).not.toContain('\n')
  expect(JSON.parse(text)).toMatchObject({ item: 'a "b"\n.png' })
})
