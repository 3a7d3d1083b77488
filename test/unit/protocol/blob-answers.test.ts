import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { blobProtocol } from '#protocol/wire/blob/protocol.ts'
import type { BlobAnswer } from '#protocol/wire/blob/protocol.ts'

const protocol = blobProtocol

/** Bytes as a connection may hand them out: cut anywhere, with empty parts between. */
const cut = (bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] => {
  const parts: Uint8Array[] = []
  let at = 0
  for (const length of lengths) {
    parts.push(bytes.subarray(at, at + length))
    at = Math.min(at + length, bytes.length)
  }
  return [...parts, bytes.subarray(at)]
}

const whole = (answer: BlobAnswer): unknown =>
  answer.kind === 'data' ? { kind: 'data', data: Buffer.concat(answer.parts) } : answer

const answers: fc.Arbitrary<BlobAnswer> = fc.oneof(
  fc.constant({ kind: 'missing' } as const),
  fc.record({
    kind: fc.constant('found' as const),
    bytes: fc.integer({ min: 0, max: limits.blobBytes }),
  }),
  fc.record({
    kind: fc.constant('data' as const),
    parts: fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }),
  }),
)

describe('answers of the blob protocol', () => {
  it('come back, joined or in parts, however they are cut', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(20), { maxLength: 8 }), (answer, lengths) => {
        const bytes = protocol.encodeAnswer(answer)
        expect(Buffer.concat(protocol.answerToParts?.(answer) ?? [])).toEqual(Buffer.from(bytes))
        expect(whole(protocol.decodeAnswer(bytes))).toEqual(whole(answer))
        const read = protocol.answerFromParts?.(cut(bytes, lengths))
        expect(read === undefined ? undefined : whole(read)).toEqual(whole(answer))
      }),
    )
  })

  it('that are none are refused in words', () => {
    const tooLarge = new Uint8Array(9).fill(255).with(0, 1)
    for (const bytes of [[], [3], [0, 0], [1], [1, 0, 0, 0, 0, 0, 0, 0], tooLarge])
      expect(() => protocol.decodeAnswer(Uint8Array.from(bytes))).toThrow(MusterFailure)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        try {
          const answer = protocol.decodeAnswer(bytes)
          if (answer.kind === 'found') expect(answer.bytes).toBeLessThanOrEqual(limits.blobBytes)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MusterFailure)
        }
      }),
    )
  })
})
