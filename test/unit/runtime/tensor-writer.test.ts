import { describe, expect, test } from 'vitest'
import { createTensorWriter } from '#agent/runtime/child/tensor-writer.ts'
import type { ImagePreprocess } from '#protocol/model/processing.ts'
import { processing } from '#test/support/processing.ts'

const write = (
  preprocess: Partial<ImagePreprocess>,
  data: readonly number[],
  channels: number,
  index = 0,
) => {
  const spec = processing({ width: 2, height: 1, scale: 1, ...preprocess }).preprocess
  const writer = createTensorWriter(spec)
  const batch = writer.allocate(index + 1)
  writer.write({ width: 2, height: 1, channels, data: Uint8Array.from(data) }, batch, index)
  return { numbers: [...batch], shape: writer.itemShape }
}

describe('layout and order of channels', () => {
  const two = [10, 20, 30, 40, 50, 60]
  test.each([
    ['rgb', 'NCHW', [10, 40, 20, 50, 30, 60], [3, 1, 2]],
    ['bgr', 'NCHW', [30, 60, 20, 50, 10, 40], [3, 1, 2]],
    ['rgb', 'NHWC', [10, 20, 30, 40, 50, 60], [1, 2, 3]],
    ['bgr', 'NHWC', [30, 20, 10, 60, 50, 40], [1, 2, 3]],
  ] as const)('%s %s', (channels, layout, numbers, shape) => {
    expect(write({ channels, layout }, two, 3)).toEqual({ numbers, shape })
  })

  test('gray to colour repeats, colour to gray weighs as ITU-R BT.601', () => {
    expect(write({ channels: 'rgb' }, [7, 9], 1).numbers).toEqual([7, 9, 7, 9, 7, 9])
    expect(write({}, [255, 0, 0, 0, 255, 0], 3).numbers).toEqual([76, 150])
    expect(write({}, [0, 0, 255, 99, 99, 99], 3).numbers).toEqual([29, 99])
  })

  test('the second item stands behind the first', () => {
    expect(write({}, [7, 9], 1, 1).numbers).toEqual([0, 0, 7, 9])
  })
})

describe('numbers', () => {
  test('byte * scale, then (value - mean) / std, one mean for all or one a channel in the order of the model', () => {
    const one = write({ scale: 0.5, mean: [1], std: [2] }, [10, 20], 1).numbers
    expect(one).toEqual([2, 4.5])
    const each = write(
      { channels: 'bgr', mean: [1, 2, 3], std: [1, 1, 1] },
      [10, 20, 30, 40, 50, 60],
      3,
    )
    expect(each.numbers).toEqual([29, 59, 18, 48, 7, 37])
  })

  test('uint8 rounds and stays within a byte', () => {
    expect(write({ dtype: 'uint8', scale: 1.5, mean: [10] }, [5, 255], 1).numbers).toEqual([0, 255])
    expect(write({ dtype: 'uint8', scale: 0.5 }, [5, 4], 1).numbers).toEqual([3, 2])
  })
})

test('transparent pixels lie on white', () => {
  expect(write({ channels: 'rgb' }, [10, 20, 30, 0, 10, 20, 30, 255], 4).numbers).toEqual([
    255, 10, 255, 20, 255, 30,
  ])
  expect(write({}, [0, 128, 100, 255], 2).numbers).toEqual([127, 100])
})
