import { describe, expect, test } from 'vitest'
import { checkFit } from '#agent/runtime/fit.ts'
import type { Processing } from '#agent/runtime/fit.ts'
import type { ModelDescription, TensorDescription } from '#protocol/model/model.ts'
import { processing } from '#test/support/processing.ts'

const tensor = (
  name: string,
  shape: TensorDescription['shape'],
  type = 'float32',
): TensorDescription => ({ name, type, shape })

const model = (
  inputs = [tensor('image', ['batch', 1, 8, 8])],
  outputs = [tensor('scores', ['batch', 4])],
): ModelDescription => ({ inputs, outputs, opset: 17, producer: '', parameters: 0, bytes: 0 })

const misfit = (spec: Processing, facts: ModelDescription): string => {
  const result = checkFit(spec, facts)
  if (result.ok) throw new Error('it fits')
  expect(result.error.code).toBe('ModelMismatch')
  expect(result.error.message).toMatch(/^[^\n]+\.$/)
  return result.error.message
}

test('what fits, fits', () => {
  expect(checkFit(processing(), model()).ok).toBe(true)
  expect(checkFit(processing(), model([tensor('image', ['n', 'c', 'h', 'w'])])).ok).toBe(true)
  expect(checkFit(processing(), model([tensor('image', [1, 1, 8, 8])])).ok).toBe(true)
  expect(
    checkFit(
      processing({ channels: 'rgb', layout: 'NHWC' }),
      model([tensor('image', [1, 8, 8, 3])]),
    ).ok,
  ).toBe(true)
})

describe('inputs', () => {
  test('an unknown name, two to choose from, one left unfed', () => {
    const two = model([tensor('left', ['b', 1, 8, 8]), tensor('right', ['b', 1, 8, 8])])
    expect(misfit(processing({ input: 'picture' }), model())).toMatch(/"picture".*"image"/)
    expect(misfit(processing(), two)).toMatch(/2 inputs \("left", "right"\).*preprocess\.input/)
    expect(misfit(processing({ input: 'left' }), two)).toMatch(/only "left".*"right"/)
    expect(misfit(processing(), model([]))).toContain('no input')
  })

  test('type, rank and each size are named with both figures', () => {
    expect(misfit(processing(), model([tensor('image', ['b', 1, 8, 8], 'uint8')]))).toMatch(
      /float32.*uint8/,
    )
    expect(misfit(processing(), model([tensor('image', ['b', 64])]))).toMatch(
      /4 axes.*2: \[b, 64\]/,
    )
    expect(misfit(processing(), model([tensor('image', ['b', 3, 8, 8])]))).toMatch(/channels 1.*3/)
    expect(misfit(processing(), model([tensor('image', ['b', 1, 9, 8])]))).toMatch(/height 8.*9/)
    expect(misfit(processing(), model([tensor('image', ['b', 1, 8, 7])]))).toMatch(/width 8.*7/)
  })

  test('the right sizes in the wrong layout are recognised', () => {
    const nhwc = model([tensor('image', ['b', 8, 8, 3])])
    expect(misfit(processing({ channels: 'rgb' }), nhwc)).toContain('layout NHWC would fit')
  })
})

describe('outputs', () => {
  const withOutput = (shape: TensorDescription['shape'], type?: string) =>
    model(undefined, [tensor('scores', shape, type)])

  test('an unknown name, and two to choose from', () => {
    const two = model(undefined, [tensor('a', ['b', 4]), tensor('c', ['b', 4])])
    expect(misfit(processing({}, { output: 'z' }), two)).toMatch(/"z".*"a", "c"/)
    expect(misfit(processing(), two)).toContain('postprocess.output')
    expect(checkFit(processing({}, { output: 'c' }), two).ok).toBe(true)
  })

  test('more labels than classes are an error, fewer are not', () => {
    const labels = ['a', 'b', 'c', 'd', 'e']
    expect(misfit(processing({}, { labels }), model())).toMatch(/5 labels.*4 classes/)
    expect(checkFit(processing({}, { labels: labels.slice(0, 2) }), model()).ok).toBe(true)
    expect(checkFit(processing({}, { labels }), withOutput(['b', 'classes'])).ok).toBe(true)
    expect(misfit(processing({}, { labels: ['a', 'a'] }), model())).toContain('"a" stands twice')
  })

  test('one number an item, maps and words cannot be classified', () => {
    expect(misfit(processing(), withOutput(['b', 1]))).toContain('use raw')
    expect(misfit(processing(), withOutput(['b']))).toContain('use raw')
    expect(misfit(processing(), withOutput(['b', 4, 8, 8]))).toContain('use raw')
    expect(misfit(processing(), withOutput(['b', 4], 'string'))).toContain('use raw')
    expect(checkFit(processing({}, { kind: 'raw' }), withOutput(['b', 4, 8, 8])).ok).toBe(true)
    expect(checkFit(processing(), withOutput(['b', 10, 1, 1])).ok).toBe(true)
    expect(misfit(processing({}, { kind: 'raw' }), withOutput([], 'sequence'))).toContain(
      'sequence',
    )
  })
})
