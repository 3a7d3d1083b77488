import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitFields } from '#agent/job/cut/fields.ts'
import { endScan, recordsIn, scanRecords, startScan } from '#agent/job/cut/records.ts'
import type { FoundRecords, RecordRule } from '#agent/job/cut/records.ts'

const comma = ','.charCodeAt(0)
const csv: RecordRule = { delimiter: comma, longest: 1_000 }
const lines: RecordRule = { delimiter: undefined, longest: 1_000 }

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
/** Start and end of each record, one after the other. */
const flat = ({ count, starts, ends }: FoundRecords): number[] =>
  Array.from({ length: count }, (_, i) => [starts[i] ?? -1, ends[i] ?? -1]).flat()

const texts = (rule: RecordRule, text: string): string[] => {
  const bytes = bytesOf(text)
  const { count, starts, ends } = recordsIn(rule, bytes)
  return Array.from({ length: count }, (_, i) =>
    new TextDecoder().decode(bytes.subarray(starts[i], ends[i])),
  )
}

/** The same bytes in blocks of these lengths, one after the other. */
const scanInBlocks = (
  rule: RecordRule,
  bytes: Uint8Array,
  lengths: readonly number[],
): FoundRecords => {
  const scan = startScan(rule, 0)
  let turn = 0
  do {
    while (scan.at < bytes.length) {
      const length = lengths[turn++ % lengths.length] ?? 1
      scanRecords(scan, bytes.subarray(scan.at, scan.at + length))
    }
  } while (!endScan(scan))
  return scan.found
}

/** Text of pieces that matter: quotes, ends of lines, delimiters, letters of one to four bytes. */
const wild = fc
  .array(
    fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'a', 'bb', 'é', '€', '\u{1f600}', ' '),
    {
      maxLength: 60,
    },
  )
  .map((pieces) => pieces.join(''))

describe('records of delimited text', () => {
  it.each([
    ['a,b\n1,2\n', ['a,b\n', '1,2\n']],
    ['a,b\r\n1,2', ['a,b\r\n', '1,2']],
    ['\n\r\na\n\n', ['a\n']],
    ['"x\ny",2\n3,4', ['"x\ny",2\n', '3,4']],
    ['"x""\n""y",2\n3', ['"x""\n""y",2\n', '3']],
    ['5" pipe,1\n2,3\n', ['5" pipe,1\n', '2,3\n']],
    ['', []],
    ['\r\n', []],
    // Never closed: only its own line is broken.
    ['1,"x\n2,y\n3,z\n', ['1,"x\n', '2,y\n', '3,z\n']],
    ['1,"x', ['1,"x']],
    // Closed by the opening quote of a later record: the same.
    ['1,"x\n2,"y"\n3,z\n', ['1,"x\n', '2,"y"\n', '3,z\n']],
    ['a"b,"c\nd",e\nf', ['a"b,"c\nd",e\n', 'f']],
  ])('%j', (text, expected) => expect(texts(csv, text)).toEqual(expected))

  it('look for the end of a quote no further than the limit', () => {
    const rule = { delimiter: comma, longest: 10 }
    expect(texts(rule, '1,"x\n2\n3\n4\n5"\n6\n')).toEqual([
      '1,"x\n',
      '2\n',
      '3\n',
      '4\n',
      '5"\n',
      '6\n',
    ])
    expect(texts(rule, '"123456789012,3\n4"')).toEqual(['"123456789012,3\n', '4"'])
  })

  it('are the same whatever blocks the bytes come in', () => {
    const block = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    const longest = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(wild, block, longest, fc.boolean(), (text, blocks, limit, isLines) => {
        const rule = { delimiter: isLines ? undefined : comma, longest: limit }
        const bytes = bytesOf(text)
        expect(flat(scanInBlocks(rule, bytes, blocks))).toEqual(flat(recordsIn(rule, bytes)))
      }),
      { numRuns: 3_000 },
    )
  })

  it('stand in order, miss nothing but empty lines, and are the same in any stretch of them', () => {
    fc.assert(
      fc.property(
        wild,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.nat(),
        (text, longest, a, b) => {
          const rule = { delimiter: comma, longest }
          const bytes = bytesOf(text)
          const ends = flat(recordsIn(rule, bytes))
          let before = 0
          for (let i = 0; i < ends.length; i += 2) {
            const [start = 0, end = 0] = ends.slice(i, i + 2)
            expect(new TextDecoder().decode(bytes.subarray(before, start))).toMatch(/^[\r\n]*$/)
            expect(end).toBeGreaterThan(start)
            before = end
          }
          expect(new TextDecoder().decode(bytes.subarray(before))).toMatch(/^[\r\n]*$/)
          const count = ends.length / 2
          if (count === 0) return
          const [first, last] = [a % count, b % count].toSorted((x, y) => x - y)
          const from = ends[2 * (first ?? 0)] ?? 0
          const to = ends[2 * (last ?? 0) + 1] ?? 0
          expect(flat(recordsIn(rule, bytes.subarray(from, to))).map((at) => at + from)).toEqual(
            ends.slice(2 * (first ?? 0), 2 * (last ?? 0) + 2),
          )
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('read like another parser reads them, where the text is well formed', () => {
    const field = fc
      .array(fc.constantFrom('a', '1', ' ', ',', '"', '\n', '\r\n', 'é', '\u{1f600}'), {
        maxLength: 6,
      })
      .map((pieces) => pieces.join(''))
    const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, end, isEnded) => {
        const written = rows.map((row) => row.map(quoted).join(','))
        const text = written.join(end) + (isEnded ? end : '')
        const read = texts({ delimiter: comma, longest: 1_000 }, text).map((record) =>
          splitFields(record.replace(/\r?\n$/, ''), ','),
        )
        expect(read).toEqual(rows)
        expect(read).toEqual(
          parse(text, { relax_column_count: true, record_delimiter: ['\n', '\r\n'] }),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})

const quoted = (field: string, at: number): string =>
  /[",\r\n]/.test(field) || (field === '' && at === 0) ? `"${field.replaceAll('"', '""')}"` : field

describe('records that are lines', () => {
  it('end at every line feed', () => {
    expect(texts(lines, '{"a":1}\n\r\n{"b":"x\n{}')).toEqual(['{"a":1}\n', '{"b":"x\n', '{}'])
  })
})

describe('fields', () => {
  it.each([
    ['', ['']],
    ['a,b,', ['a', 'b', '']],
    ['"a,b","c""d"', ['a,b', 'c"d']],
    ['5" pipe,x', ['5" pipe', 'x']],
    ['"",""', ['', '']],
    ['"a"b,c', 'has characters behind a closing quotation mark'],
    ['a,"b', 'has a quotation mark that is never closed'],
  ])('of %j', (record, fields) => expect(splitFields(record, ',')).toEqual(fields))

  it('are split no further than asked', () => {
    expect(splitFields('a,b,c', ',', 2)).toEqual(['a', 'b'])
    expect(splitFields('"a",b,"c', ',', 2)).toEqual(['a', 'b'])
    expect(splitFields('a', ',', 2)).toEqual(['a'])
  })
})
