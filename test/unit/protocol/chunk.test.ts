import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MusterFailure } from '#protocol/errors.ts'
import { asBlobHash, asJobId, asPeerId } from '#protocol/model/ids.ts'
import type { AttemptRows, ReadRows } from '#protocol/model/rows.ts'
import { decodeResultChunk, encodeResultChunk } from '#protocol/wire/chunk/chunk.ts'
import { decode, encode } from 'cborg'
import { encodeColumn } from '#protocol/wire/columns.ts'
import { linesOf } from '../../support/chunks.ts'

const job = asJobId('0'.repeat(26))
const peer = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')

const name = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'))
const hash = fc.stringMatching(/^[0-9a-f]{64}$/).map(asBlobHash)
const files = fc.record({
  pack: hash,
  list: fc.array(fc.record({ path: fc.constantFrom('a', 'b/c.txt', 'é'), bytes: fc.nat(), hash }), {
    minLength: 1,
    maxLength: 3,
  }),
})
/** One hash for each byte. */
const eightTimes = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: bytes.length * 8 }, (_, at) => bytes[at >> 3] ?? 0)

/** Items from 0 with their names; each has some rows of any value, or a failure. */
const entry: fc.Arbitrary<ReadRows> = fc
  .record({
    miniBatch: fc.nat(),
    attempt: fc.integer({ min: 1, max: 9 }),
    files: fc.option(files, { freq: 3 }),
    contents: fc.option(fc.uint8Array({ minLength: 1, maxLength: 3 }), { freq: 2 }),
    outcomes: fc.array(
      fc.record({ name, rows: fc.array(fc.json(), { maxLength: 3 }), message: fc.string() }),
      { maxLength: 5 },
    ),
  })
  .map(({ miniBatch, attempt, outcomes, files: left, contents }) => ({
    ...(left === null ? {} : { files: left }),
    ...(contents === null ? {} : { contents: eightTimes(contents) }),
    miniBatch,
    attempt,
    items: outcomes.flatMap(({ rows }, item) => rows.map(() => item)),
    names: outcomes.flatMap((one) => one.rows.map(() => one.name)),
    rows: outcomes.flatMap(({ rows }) => rows.map((text) => JSON.stringify(JSON.parse(text)))),
    failures: outcomes.flatMap(({ rows, name: failed, message }, item) =>
      rows.length > 0 ? [] : [{ item, name: failed, message }],
    ),
  }))

const toLines = ({ rows, ...rest }: ReadRows): AttemptRows => ({
  ...rest,
  lines: linesOf(rows),
})

const one: ReadRows = {
  miniBatch: 3,
  attempt: 1,
  items: [30, 30, 31],
  names: ['a', 'a', 'b'],
  rows: ['1', '2', '3'],
  failures: [],
}
const bytesOf = (...entries: readonly ReadRows[]): Uint8Array =>
  encodeResultChunk({ job, peer, entries: entries.map(toLines) })

describe('a result chunk', () => {
  it('is refused if it names a file that would lead out of its folder', () => {
    const pack = asBlobHash('0'.repeat(64))
    const names = ['../x', '/x', 'a//b', 'a/../b', 'a\\b', 'C:x', 'nul', 'a.', 'x'.repeat(201), '']
    for (const path of names) {
      const left = { pack, list: [{ path, bytes: 1, hash: pack }] }
      expect(() => decodeResultChunk(bytesOf({ ...one, files: left }))).toThrow(MusterFailure)
    }
  })

  it('comes back as it was: any text, several rows an item, entries without rows, failures', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 8 }), (entries) => {
        expect(decodeResultChunk(bytesOf(...entries))).toEqual({ job, peer, entries })
      }),
    )
  })

  it('says when and where every attempt ran, or of none', () => {
    const ran = { startedAt: 1_763_824_000_123, runMs: 7, process: 1 }
    const other = { startedAt: 1_763_824_000_100, runMs: 0, process: 0 }
    const entries = [
      { ...one, ran },
      { ...one, miniBatch: 4, ran: other },
    ]
    expect(decodeResultChunk(bytesOf(...entries)).entries).toEqual(entries)
    expect(decodeResultChunk(bytesOf({ ...one, ran }, one)).entries).toEqual([one, one])
    const short = {
      startedAt: encodeColumn([1]),
      runMs: encodeColumn([]),
      processes: encodeColumn([1]),
    }
    const changed = encode({ ...(decode(bytesOf(one)) as object), ran: short })
    expect(() => decodeResultChunk(changed)).toThrow(MusterFailure)
  })

  it('costs a few bytes a row beside the row itself', () => {
    const entries = Array.from({ length: 1_000 }, (_, miniBatch) => ({
      ...one,
      miniBatch,
      items: [miniBatch],
      names: [''],
      rows: ['{}'],
    }))
    expect(bytesOf(...entries).length).toBeLessThan(1_000 * 5)
  })

  it('whose columns contradict each other is refused', () => {
    const whole = decode(bytesOf(one)) as object
    const refused = (change: object): void => {
      expect(() => decodeResultChunk(encode({ ...whole, ...change }))).toThrow(MusterFailure)
    }
    refused({ rows: encodeColumn([2]) })
    refused({ rows: encodeColumn([4]) })
    refused({ rows: encodeColumn([2 ** 40]) })
    refused({ items: encodeColumn([30, 31]) })
    refused({ names: new TextEncoder().encode('a') })
    refused({ attempts: encodeColumn([0]) })
    refused({ attempts: encodeColumn([1, 1]) })
    refused({ failures: encodeColumn([1]) })
    refused({ miniBatches: new Uint8Array(), attempts: new Uint8Array() })
  })

  it('never carries a name that would be taken for two', () => {
    const read = decodeResultChunk(bytesOf({ ...one, names: ['a\0b', 'a\0b', 'c'] }))
    expect(read.entries[0]?.names).toEqual(['a\ufffdb', 'a\ufffdb', 'c'])
  })
})
