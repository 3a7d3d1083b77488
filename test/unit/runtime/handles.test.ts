import { describe, expect, test } from 'vitest'
import type { Channel } from '#agent/runtime/script/guest/channel.ts'
import { readTensors, toFeed } from '#agent/runtime/script/guest/handles.ts'
import type { CallWords, TensorWords } from '#agent/runtime/script/words.ts'

const numbers = Float32Array.of(1, 3, 2, 9, 7, 8)
const bytes = new Uint8Array(numbers.buffer)
const words = (id: number, length: number): TensorWords => ({
  id,
  type: 'float32',
  shape: [2, 3],
  bytes: length,
})

/** The script's end of a pipe at whose other end a runtime process has the numbers. */
const pipe = () => {
  const asked: CallWords[] = []
  const channel: Channel = {
    send: () => undefined,
    call: async (call) => {
      asked.push(call)
      if (call.what === 'data') return { value: undefined, body: bytes }
      const value = { argmax: [1, 0], topK: 'best', softmax: words(5, 0) }
      return { value: value[call.what as keyof typeof value], body: new Uint8Array() }
    },
  }
  return { asked, channel }
}

describe('a handle', () => {
  test('has numbers of a large tensor only once they are asked for; what is made of them is asked for as such', async () => {
    const { asked, channel } = pipe()
    const [handle] = readTensors(channel, [words(4, 0)], new Uint8Array())
    expect(await handle?.argmax()).toEqual([1, 0])
    expect(await handle?.topK(1)).toBe('best')
    const chances = await handle?.softmax()
    expect(toFeed('x', chances).feed).toEqual({ name: 'x', id: 5 })
    expect(asked).toEqual([
      { what: 'argmax', id: 4 },
      { what: 'topK', id: 4, k: 1 },
      { what: 'softmax', id: 4 },
    ])
    expect(await handle?.data()).toEqual(numbers)
    expect(await handle?.data()).toEqual(numbers)
    expect(asked.slice(3)).toEqual([{ what: 'data', id: 4 }])
  })

  test('of a small tensor has them from the start and asks nothing', async () => {
    const { asked, channel } = pipe()
    const [handle] = readTensors(channel, [words(4, bytes.length)], bytes)
    expect(await handle?.argmax()).toEqual([1, 0])
    expect(await handle?.topK(1)).toMatchObject([
      [{ index: 1, score: 3 }],
      [{ index: 0, score: 9 }],
    ])
    const chances = await (await handle?.softmax())?.data()
    const first = [...(chances ?? [])].slice(0, 3).map(Number)
    expect(first.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1)
    expect(await handle?.data()).toEqual(numbers)
    expect(asked).toEqual([])
  })
})
