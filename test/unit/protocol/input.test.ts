import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import { encodeCbor } from '#protocol/wire/codec.ts'
import { encodeColumn } from '#protocol/wire/columns.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type { InputAnswer, InputPart } from '#protocol/wire/input/protocol.ts'

const hashed = fc.record({
  item: fc.nat(),
  name: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  total: fc.nat(),
  offset: fc.nat(),
  data: fc.uint8Array({ maxLength: 20 }),
  modifiedMs: fc.integer(),
  input: fc.nat(3),
  problem: fc.constantFrom('', '', 'It is gone.'),
  sha256: fc.option(fc.constantFrom('0'.repeat(64), 'f'.repeat(64)), { nil: undefined }),
})
/** Most parts have no hash. */
const part: fc.Arbitrary<InputPart> = hashed.map(({ sha256, ...rest }) =>
  sha256 === undefined ? rest : { ...rest, sha256 },
)
const answer: fc.Arbitrary<InputAnswer> = fc.record({
  parts: fc.array(part),
  last: fc.boolean(),
})

describe('an answer with items', () => {
  it('comes back as it was, with the bytes of every part', () => {
    fc.assert(
      fc.property(answer, ({ parts, last }) => {
        const read = inputProtocol.decodeAnswer(inputProtocol.encodeAnswer({ parts, last }))
        const plain = (one: InputPart) => ({ ...one, data: [...one.data] })
        expect(read.parts.map(plain)).toEqual(parts.map(plain))
        expect(read.last).toBe(last)
      }),
    )
  })

  it('whose parts claim other bytes than there are is refused', () => {
    const one = encodeColumn([1])
    const wire = {
      items: one,
      totals: one,
      offsets: encodeColumn([0]),
      lengths: one,
      inputs: encodeColumn([0]),
      modifiedMs: one,
      names: new TextEncoder().encode('a'),
      data: new Uint8Array([7]),
      problems: [],
      last: true,
    }
    const read = (change: object) => inputProtocol.decodeAnswer(encodeCbor({ ...wire, ...change }))
    expect(read({}).parts).toMatchObject([{ item: 1, name: 'a', total: 1 }])
    expect(() => read({ data: new Uint8Array() })).toThrow(MusterFailure)
    expect(() => read({ data: new Uint8Array(2) })).toThrow(MusterFailure)
    expect(() => read({ lengths: encodeColumn([1, 1]) })).toThrow(MusterFailure)
    expect(() => read({ modifiedMs: new Uint8Array() })).toThrow(MusterFailure)
    expect(() => read({ inputs: encodeColumn([2 ** 20]) })).toThrow(MusterFailure)
  })
})
