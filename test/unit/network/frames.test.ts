import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createFrameReader,
  createPartsReader,
  joinFrames,
  joinParts,
} from '#agent/network/frames.ts'

const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        payloads,
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
        (sent, cuts) => {
          const bytes = joinFrames(sent.map((payload) => [payload]))
          const reader = createFrameReader(300)
          const partsReader = createPartsReader(300)
          const got: Uint8Array[] = []
          const gotInParts: Uint8Array[] = []
          for (let offset = 0, cut = 0; offset < bytes.length; cut++) {
            const length = cuts[cut % cuts.length] ?? 1
            got.push(...reader.push(bytes.slice(offset, offset + length)))
            gotInParts.push(
              ...partsReader.push(bytes.slice(offset, offset + length)).map(joinParts),
            )
            offset += length
          }
          expect(got.map((frame) => [...frame])).toEqual(sent.map((payload) => [...payload]))
          expect(gotInParts.map((frame) => [...frame])).toEqual(got.map((frame) => [...frame]))
        },
      ),
    )
  })

  it('may be given in parts', () => {
    const bytes = joinFrames([[Uint8Array.of(1), Uint8Array.of(2, 3)], []])
    expect([...bytes]).toEqual([0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0])
  })

  it('never throw anything but a word about their length, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const reader = createFrameReader(1_000)
        try {
          for (const chunk of chunks)
            for (const frame of reader.push(chunk)) expect(frame.length).toBeLessThanOrEqual(1_000)
        } catch (thrown) {
          expect(thrown).toMatchObject({ error: { code: 'FrameTooLarge' } })
        }
      }),
    )
  })

  it('are refused by their header alone', () => {
    const reader = createFrameReader(10)
    expect(reader.push(Uint8Array.of(0, 0, 0))).toEqual([])
    expect(() => reader.push(Uint8Array.of(11))).toThrow('11 bytes')
    expect(() => createFrameReader(10).push(Uint8Array.of(0x80, 0, 0, 0))).toThrow('2147483648')
  })
})
