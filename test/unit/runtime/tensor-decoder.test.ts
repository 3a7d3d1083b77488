import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createStoredTensorWriter,
  createTensorDecoder,
} from '#agent/runtime/child/tensor-decoder.ts'
import { clearFrom } from '#agent/runtime/child/tensor-data.ts'
import type { TensorPreprocess } from '#protocol/model/processing.ts'

const preprocess = (changes: Partial<TensorPreprocess> = {}): TensorPreprocess => ({
  decode: 'tensor',
  shape: [2, 2],
  dtype: 'float32',
  scale: 1,
  mean: 0,
  std: 1,
  ...changes,
})

const tensor = (wish: TensorPreprocess, bytes: Uint8Array): readonly number[] | string => {
  const stored = createTensorDecoder(wish).decode(bytes)
  if (typeof stored === 'string') return stored
  const writer = createStoredTensorWriter(wish)
  const batch = writer.allocate(2)
  writer.write(stored, batch, 1)
  return Array.from(batch.subarray(writer.itemLength), Number)
}

const bytesOf = (numbers: { readonly buffer: ArrayBufferLike }): Uint8Array =>
  new Uint8Array(numbers.buffer)

/** What NumPy 1.x and 2.x write, by version of the format. */
const npy = (head: string, numbers: Uint8Array, version = 1): Uint8Array => {
  const padded = Buffer.from(`${head.padEnd(60)}\n`, 'latin1')
  const length = Buffer.alloc(version === 1 ? 2 : 4)
  if (version === 1) length.writeUInt16LE(padded.length)
  else length.writeUInt32LE(padded.length)
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    length,
    padded,
    numbers,
  ])
}
const head = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`

describe('a file of nothing but numbers', () => {
  test('is read little-endian and scaled', () => {
    const bytes = bytesOf(Float32Array.of(1, 2, 3, 4))
    expect(tensor(preprocess(), bytes)).toEqual([1, 2, 3, 4])
    const scaled = preprocess({ scale: 10, mean: 5, std: 5 })
    expect(tensor(scaled, bytes)).toEqual([1, 3, 5, 7])
  })

  test('must have just as many bytes as the shape asks for', () => {
    expect(tensor(preprocess(), new Uint8Array(15))).toBe(
      'holds 15 bytes of numbers, but 4 of type float32 are 16',
    )
  })

  test('int64 keeps every bit where nothing is changed', () => {
    const large = 2n ** 60n + 1n
    const stored = createTensorDecoder(preprocess({ dtype: 'int64', shape: [1] })).decode(
      bytesOf(BigInt64Array.of(large)),
    )
    if (typeof stored === 'string') throw new Error(stored)
    const writer = createStoredTensorWriter(preprocess({ dtype: 'int64', shape: [1] }))
    const batch = writer.allocate(1)
    writer.write(stored, batch, 0)
    expect(batch[0]).toBe(large)
  })

  test('any numbers of any type come back', () => {
    fc.assert(
      fc.property(fc.float64Array({ minLength: 4, maxLength: 4, noNaN: true }), (numbers) => {
        expect(tensor(preprocess({ dtype: 'float64' }), bytesOf(numbers))).toEqual([...numbers])
      }),
    )
  })
})

describe('a .npy file', () => {
  test('tells its own type and is converted', () => {
    const numbers = bytesOf(Int8Array.of(-1, 2, -3, 4))
    for (const version of [1, 2])
      expect(tensor(preprocess(), npy(head('|i1', '(2, 2)'), numbers, version))).toEqual([
        -1, 2, -3, 4,
      ])
  })

  test('may have a batch axis of one', () => {
    const numbers = bytesOf(Float64Array.of(1, 2, 3, 4))
    expect(tensor(preprocess(), npy(head('<f8', '(1, 2, 2)'), numbers))).toEqual([1, 2, 3, 4])
  })

  test('of another shape, order, type or length is a problem in words', () => {
    const numbers = bytesOf(Float32Array.of(1, 2, 3, 4))
    const problem = (text: string, body = numbers) => tensor(preprocess(), npy(text, body))
    expect(problem(head('<f4', '(4,)'))).toBe('has the shape [4], but the job says [2, 2]')
    expect(problem(head('<f4', '(2, 2)', 'True'))).toContain('Fortran order')
    expect(problem(head('>f4', '(2, 2)'))).toContain('of type ">f4"')
    expect(problem(head('<f4', '(2, 2)'), numbers.subarray(4))).toContain('holds 12 bytes')
    expect(tensor(preprocess(), npy(head('<f4', '(2, 2)'), numbers).subarray(0, 30))).toContain(
      'ends within its header',
    )
  })

  test('no bytes whatever make the reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (tail) => {
        const bytes = Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), tail])
        expect(typeof tensor(preprocess({ shape: [1] }), bytes)).toMatch(/string|object/)
      }),
    )
  })
})

test('unused places of a batch are cleared, whatever they hold', () => {
  const numbers = BigInt64Array.of(1n, 2n)
  clearFrom(numbers, 1)
  expect([...numbers]).toEqual([1n, 0n])
  const words = ['a', 'b']
  clearFrom(words, 0)
  expect(words).toEqual(['', ''])
})
