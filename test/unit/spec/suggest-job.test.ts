import { describe, expect, it } from 'vitest'
import { suggestJob } from '#protocol/spec/suggest-job.ts'
import type { ValueFacts } from '#protocol/spec/suggest-job.ts'

const value = (shape: ValueFacts['shape'], type = 'float32', name = 'x'): ValueFacts => ({
  name,
  type,
  shape,
})
const suggest = (input: ValueFacts, output: ValueFacts = value(['n', 10]), isTable = false) =>
  suggestJob({ inputs: [input], outputs: [output] }, isTable)

describe('a suggestion', () => {
  it('a picture model gets its size, channels and layout', () => {
    expect(suggest(value(['batch', 1, 28, 30]))).toEqual({
      preprocess: {
        width: 30,
        height: 28,
        channels: 'gray',
        layout: 'NCHW',
        dtype: 'float32',
        scale: 1 / 255,
      },
      postprocess: { kind: 'top-k', k: 5 },
    })
    expect(suggest(value([1, 'h', 'w', 3], 'uint8'), value([1, 3]))).toEqual({
      preprocess: { width: 224, height: 224, channels: 'rgb', layout: 'NHWC', dtype: 'uint8' },
      postprocess: { kind: 'top-k', k: 3 },
    })
  })

  it('a fixed shape is a tensor, and what is no list of classes stays raw', () => {
    expect(suggest(value(['n', 16, 8]), value(['n', 4, 4]))).toEqual({
      preprocess: { shape: [16, 8], dtype: 'float32' },
      postprocess: { kind: 'raw' },
    })
  })

  it('a table gives columns', () => {
    expect(suggest(value(['n', 4], 'float64'), value(['n', 1]), true)).toEqual({
      preprocess: { decode: 'columns', dtype: 'float64' },
      postprocess: { kind: 'raw' },
    })
    expect(suggest(value(['n', 3, 8, 8]), value(['n', 2]), true)).toContain('try files')
  })

  it('of several outputs the first is named; several inputs are for a job file', () => {
    const two = [value(['n', 2], 'float32', 'a'), value(['n', 2], 'float32', 'b')]
    const image = value(['n', 3, 8, 8])
    expect(suggestJob({ inputs: [image], outputs: two }, false)).toMatchObject({
      postprocess: { kind: 'top-k', k: 2, output: 'a' },
    })
    expect(suggestJob({ inputs: two, outputs: two }, false)).toContain('has 2 inputs')
  })

  it('an open shape is a reason in words', () => {
    expect(suggest(value(['n', 'length']))).toContain('leaves the shape of its input "x" open')
  })
})
