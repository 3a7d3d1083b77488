import { expect, test } from 'vitest'
import { createAhead } from '#agent/runtime/script/guest/ahead.ts'
import type { Channel } from '#agent/runtime/script/guest/channel.ts'
import { createMiniBatch } from '#agent/runtime/script/guest/items.ts'
import type { MiniBatch } from '#agent/runtime/script/guest/items.ts'
import type { AheadWords, CallWords, TensorWords } from '#agent/runtime/script/words.ts'

const options = { width: 2, height: 1 }

/** A runtime process that makes `most` pictures for one call at most; place 7 is no picture. */
const open = (most = 99) => {
  const asked: string[] = []
  let next = 1
  const tensor = (bytes: number): TensorWords => ({
    id: next++,
    type: 'uint8',
    shape: [1, 1],
    bytes,
  })
  const call = (words: CallWords): ReturnType<Channel['call']> => {
    const body = new Uint8Array(100)
    if (words.what === 'release') asked.push(`release ${words.id}`)
    if (words.what !== 'decodeEach') return Promise.resolve({ value: null, body })
    const { at, feed } = words
    asked.push(`${at[0]}-${at.at(-1)}${feed === null ? '' : ` for ${feed}`}`)
    const value = at.slice(0, most).map((place): AheadWords => {
      if (place === 7) return { picture: null, outputs: null }
      return { picture: tensor(0), outputs: feed === null ? null : [tensor(1)] }
    })
    return Promise.resolve({ value, body })
  }
  const channel: Channel = { call, send: () => {} }
  const ahead = createAhead(channel)
  const miniBatch = (size: number): MiniBatch => {
    const names = Array.from({ length: size }, (_, at) => String(at))
    const items = names.map(Number)
    const beside = { miniBatch: 1, table: null, partition: null, input: '' }
    const made = createMiniBatch(channel, { kind: 'run', items, names, ...beside })
    ahead.begin(made)
    return made
  }
  /** Goes along the pictures from one place to another and feeds each; gives how each was had. */
  const walk = async (of: MiniBatch, from: number, to: number): Promise<string> => {
    let had = ''
    for (const item of of.items.slice(from, to)) {
      const picture = await ahead.picture(item, options)
      const outputs = picture === undefined ? undefined : ahead.outputs(picture.id, 'image')
      had += picture === undefined ? '-' : outputs === undefined ? 'p' : 'o'
    }
    return had
  }
  return { ahead, asked, miniBatch, walk }
}

test('pictures in a row come together, and with what the model makes of them once that is a habit', async () => {
  const s = open()
  expect(await s.walk(s.miniBatch(40), 0, 40)).toBe(`--pppoo-${'o'.repeat(32)}`)
  expect(s.asked).toEqual(['2-4', '5-10 for image', '11-22 for image', '23-39 for image'])
})

test('the next mini-batch begins where the habit was', async () => {
  const s = open()
  await s.walk(s.miniBatch(40), 0, 40)
  s.asked.length = 0
  s.ahead.forget()
  expect(await s.walk(s.miniBatch(40), 0, 40)).toBe(`${'o'.repeat(7)}-${'o'.repeat(32)}`)
  expect(s.asked).toEqual(['0-31 for image', '32-39 for image'])
})

test('an answer that ends early is asked on from there', async () => {
  const s = open(4)
  expect(await s.walk(s.miniBatch(12), 0, 12)).toBe('--pppoo-ooo-')
  // The last one is asked for alone.
  expect(s.asked).toEqual(['2-4', '5-10 for image', '9-10 for image'])
})

test('a script that leaves the row gets nothing made for it, and what is left over is released', async () => {
  const s = open()
  const batch = s.miniBatch(40)
  await s.walk(batch, 0, 6)
  // Picture 5 was taken of 5-10, number 7 cannot be had: 6, 8, 9 and 10 are left, each with an output.
  expect(await s.ahead.picture(batch.items[30] ?? never(), options)).toBeUndefined()
  await Promise.resolve()
  expect(s.asked.filter((words) => words.startsWith('release'))).toHaveLength(8)
})

test('pictures that are not fed, or fed by another name, are made without the model', async () => {
  const s = open()
  const batch = s.miniBatch(40)
  for (const item of batch.items) await s.ahead.picture(item, options)
  expect(s.asked).toEqual(['2-4', '5-10', '11-22', '23-39'])
  const other = open()
  await other.walk(other.miniBatch(20), 0, 11)
  const picture = await other.ahead.picture(other.miniBatch(20).items[0] ?? never(), options)
  expect(picture && other.ahead.outputs(picture.id, 'mask')).toBeUndefined()
})

test('what is made of a picture is given once, and not after its release or its mini-batch', async () => {
  const s = open()
  const batch = s.miniBatch(40)
  await s.walk(batch, 0, 5)
  const take = async (at: number): Promise<number> =>
    (await s.ahead.picture(batch.items[at] ?? never(), options))?.id ?? 0
  const once = await take(5)
  expect(s.ahead.outputs(once, 'image')).toHaveLength(1)
  expect(s.ahead.outputs(once, 'image')).toBeUndefined()
  const released = await take(6)
  s.ahead.released(released)
  expect(s.ahead.outputs(released, 'image')).toBeUndefined()
  await take(7)
  const late = await take(8)
  s.ahead.forget()
  expect(s.ahead.outputs(late, 'image')).toBeUndefined()
})

test('side by side each picture is had once', async () => {
  const s = open(4)
  const batch = s.miniBatch(40)
  const all = await Promise.all(batch.items.map((item) => s.ahead.picture(item, options)))
  const ids = all.flatMap((picture) => picture?.id ?? [])
  // The first two, and number 7.
  expect([ids.length, new Set(ids).size]).toEqual([37, 37])
})

const never = (): never => {
  throw new Error('there is no such item')
}
