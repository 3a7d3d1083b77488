import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerLimits, createFrameReader, encodeFrame } from '#agent/runtime/frames.ts'
import { readProcessMessage } from '#agent/runtime/messages.ts'

const frames = fc.array(
  fc.record({
    head: fc.record({ text: fc.string({ unit: 'grapheme' }), number: fc.integer() }),
    body: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
  }),
  { maxLength: 6 },
)

test('frames come back whole, however the stream is cut', () => {
  fc.assert(
    fc.property(
      frames,
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (sent, cuts) => {
        const stream = Buffer.concat(sent.flatMap(({ head, body }) => [...encodeFrame(head, body)]))
        const got: { head: unknown; body: Buffer }[] = []
        const read = createFrameReader(answerLimits, ({ head, body }) =>
          got.push({ head, body: Buffer.from(body) }),
        )
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1
          read(stream.subarray(at, at + length))
          at += length
        }
        expect(got).toEqual(sent.map(({ head, body }) => ({ head, body: Buffer.concat(body) })))
      },
    ),
    { verbose: 1 },
  )
})

test('large bodies are not copied together', () => {
  const body = [new Uint8Array(100_000), new Uint8Array(50_000)]
  expect(encodeFrame({ a: 1 }, body).slice(1)).toEqual(body)
})

describe('what is over the limits is refused before it is held', () => {
  test('length of a head, of a body, and a head that is no JSON', () => {
    const read = createFrameReader({ headBytes: 10, bodyBytes: 10 }, () => {})
    const prefix = (head: number, body: number) => {
      const bytes = Buffer.alloc(8)
      bytes.writeUInt32LE(head, 0)
      bytes.writeUInt32LE(body, 4)
      return bytes
    }
    expect(() => read(prefix(11, 0))).toThrow(/over the limit/)
    expect(() =>
      createFrameReader({ headBytes: 10, bodyBytes: 10 }, () => {})(prefix(0, 4e9)),
    ).toThrow(/over the limit/)
    const rubbish = Buffer.concat([prefix(3, 0), Buffer.from('{a}')])
    expect(() => createFrameReader(answerLimits, () => {})(rubbish)).toThrow(SyntaxError)
  })
})

test('answers that make no sense are not taken', () => {
  const good = { kind: 'succeeded', miniBatch: 1, items: [1], failures: [], runMs: 1 }
  expect(readProcessMessage(good)).toBe(good)
  const bad = [
    null,
    7,
    {},
    { kind: 'other' },
    { ...good, items: ['1'] },
    { ...good, items: { length: 1 } },
    { ...good, runMs: null },
    { ...good, failures: [{ item: 1, name: 'a' }] },
    { kind: 'ready' },
    { kind: 'refused', code: 'x' },
    { kind: 'threw', miniBatch: 1, runMs: 1 },
  ]
  for (const message of bad) expect(readProcessMessage(message)).toBeUndefined()
})
