import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import type { ContentDigest } from '#agent/ports/data.ts'
import { createContentDigest } from '#agent/data/content-digest.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import { createLook } from '#agent/effects/runs/look-into-files.ts'
import { createReuseMatch } from '#agent/job/reuse-match.ts'
import type { Found } from '#agent/job/reuse-match.ts'
import { takenSentence } from '#agent/job/reuse-reason.ts'
import { contentsOf } from '#agent/job/reuse.ts'
import type { MiniBatchContent } from '#agent/job/reuse.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import { asPeerId } from '#protocol/model/ids.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { TableFormat } from '#protocol/model/input.ts'
import type { PlanChunk, PlannedSlice } from '#protocol/model/plan.ts'
import { jobNumbered, jobOf } from '#test/support/ledger-fixtures.ts'
import { planAll, runTable, tableSpec } from '../data/table-plans.ts'
import { tempFolder } from '../data/temp.ts'

/** What is taken over of tables: real files, planned and read as workers read them. */

const forever = new AbortController().signal
const digest = createContentDigest()

/** A record: what it is partitioned by, and a value. */
type Row = readonly [key: string, value: string]

const names = ['key', 'value'] as const

const textOf = (format: TableFormat, rows: readonly Row[], columns: readonly string[] = names) => {
  if (format === 'parquet')
    return Buffer.from(
      parquetWriteBuffer({
        columnData: columns.map((name, at) => ({
          name,
          data: rows.map((row) => row[at] ?? ''),
          type: 'STRING' as const,
        })),
        rowGroupSize: 4,
        codec: 'UNCOMPRESSED',
      }),
    )
  const lines =
    format === 'json-lines'
      ? rows.map(([key, value]) => JSON.stringify({ key, value }))
      : [columns.join(','), ...rows.map((row) => row.join(','))]
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

interface Cut {
  readonly format?: TableFormat
  readonly bytes?: number
  readonly keys?: readonly string[]
}

const specFor = (root: string, { bytes = 40, ...cut }: Cut): JobSpec =>
  tableSpec({ root, bytes, ...cut })

/** Long before any job. */
const oldTime = new Date('2024-05-06T07:08:09.123Z')
const laterTime = new Date('2024-05-07T07:08:09.123Z')

const write = async (root: string, name: string, bytes: Uint8Array, time = oldTime) => {
  const path = join(root, name)
  await writeFile(path, bytes)
  await utimes(path, time, time)
}

/** A plan, and what workers read of it. */
interface Ran {
  readonly chunks: readonly PlanChunk[]
  readonly contents: ReadonlyMap<number, Uint8Array>
  /** Of each mini-batch what a script gets to see. */
  readonly records: ReadonlyMap<number, string>
  readonly all: readonly MiniBatchContent[]
}

const run = async (spec: JobSpec): Promise<Ran> => {
  const chunks = await planAll(spec)
  const contents = new Map<number, Uint8Array>()
  const records = new Map<number, string>()
  const all = chunks.flatMap((chunk) => contentsOf(chunk, false))
  for (const { miniBatch, entries, text } of all) {
    const slices = entries.filter((entry): entry is PlannedSlice => 'file' in entry)
    const hashes = Buffer.alloc(slices.length * contentHashBytes)
    const found = await readTable(runTable(spec, slices), hashes)
    contents.set(miniBatch, hashes)
    const told = found.records.map(({ name, values, problem }) => [name, values, problem])
    const partition = spec.partitionKeys.length === 0 ? '' : text.slice(0, text.indexOf(',['))
    records.set(miniBatch, JSON.stringify([partition, found.columns, told]))
  }
  return { chunks, contents, records, all }
}

interface Reused {
  readonly found: readonly Found[]
  readonly sentence: string
  /** Numbers of the mini-batches whose rows are taken over. */
  readonly taken: readonly number[]
}

interface Options {
  /** What a job read of the files since. */
  readonly later?: Ran
  readonly wasRead?: boolean
  readonly contents?: ContentDigest
}

/** What a job of this plan takes over, as an agent finds it. */
const reuse = async (
  spec: JobSpec,
  now: Ran,
  earlier: Ran,
  { later, wasRead = true, contents: looked = digest }: Options = {},
): Promise<Reused> => {
  const match = createReuseMatch({
    spec,
    pinned: false,
    seenAt: Date.now(),
    files: undefined,
    isFinished: () => true,
  })
  const job = { ...jobOf(jobNumbered(0), asPeerId('anna')), spec }
  const look = createLook(looked, job, forever)
  const unread = { earlier: [...earlier.chunks], later: [...(later?.chunks ?? [])] }
  const contents = {
    earlier: wasRead ? earlier.contents : new Map<number, Uint8Array>(),
    later: later?.contents ?? new Map<number, Uint8Array>(),
  }
  const found: Found[] = []
  for (const planned of now.chunks) {
    for (const source of ['earlier', 'later'] as const)
      while (match.wants(source, planned)) {
        const next = unread[source].shift()
        if (next === undefined) break
        match.know(source, next, contents[source])
      }
    const chunk = match.cut(planned)
    if (chunk === undefined) continue
    expect(chunk).toBe(planned)
    const all = match.find(chunk)
    found.push(...all.found)
    for (const doubt of all.doubtful) {
      const changed = await look(doubt)
      match.settle(doubt.now.miniBatch, changed)
      if (changed?.length === 0) found.push(doubt)
    }
  }
  const taken = found.map((one) => one.now.miniBatch).toSorted((a, b) => a - b)
  return { found, taken, sentence: takenSentence('01J', match.counts(), true) }
}

const rowsNumbered = (count: number): Row[] =>
  Array.from({ length: count }, (_, at) => [`k${at % 3}`, String(at).padStart(5, '0')])

/** Numbers below `count` without these. */
const allBut = (count: number, ...missing: number[]): number[] =>
  Array.from({ length: count }, (_, at) => at).filter((at) => !missing.includes(at))

const formats = ['delimited', 'json-lines', 'parquet'] as const

describe('mini-batches of tables', () => {
  /** Writes `before`, runs it, writes `after`, and says what a second job takes over. */
  const change = async (
    before: Uint8Array,
    after: Uint8Array,
    cut: Cut,
    options: {
      readonly time?: Date
      readonly wasRead?: boolean
      readonly isNoticed?: boolean
    } = {},
  ): Promise<Reused & { readonly count: number }> => {
    await using folder = await tempFolder()
    const spec = specFor(folder.path, cut)
    await write(folder.path, 'a', before)
    const earlier = await run(spec)
    await write(folder.path, 'a', after, options.time ?? laterTime)
    const now = await run(spec)
    const reused = await reuse(spec, now, earlier, {
      ...(options.isNoticed === true ? { later: now } : {}),
      wasRead: options.wasRead ?? true,
    })
    return { ...reused, count: now.all.length }
  }

  it.for(formats)('of a touched file are taken over: %s', async (format) => {
    const text = textOf(format, rowsNumbered(40))
    const { taken, count, sentence } = await change(text, text, { format })
    expect(count).toBeGreaterThan(3)
    expect(taken).toEqual(allBut(count))
    expect(sentence).toBe(
      `${count} of ${count} mini-batches were taken over from job 01J; 1 file with another time holds the same as before.`,
    )
    const unread = await change(text, text, { format }, { wasRead: false })
    expect(unread.taken).toEqual([])
    expect(unread.sentence).toBe(
      'Nothing was taken over from job 01J: 1 file has another time, and what was in it is not known.',
    )
  })

  it.for(formats)('of a file that grew are taken over, but for its end: %s', async (format) => {
    const [less, more] = [rowsNumbered(42), rowsNumbered(60)]
    const cut = { format, bytes: format === 'parquet' ? 1 : 40 }
    const { taken, count, sentence } = await change(textOf(format, less), textOf(format, more), cut)
    // Three lines of text are cut at 40 bytes; a row group has four rows.
    const same = Math.floor(42 / { delimited: 5, 'json-lines': 2, parquet: 4 }[format])
    expect(count).toBeGreaterThan(same + 3)
    expect(taken.length).toBeGreaterThanOrEqual(same - 1)
    expect(taken).toEqual(allBut(count).slice(0, taken.length))
    expect(sentence).toBe(
      `${taken.length} of ${count} mini-batches were taken over from job 01J; 1 file changed.`,
    )
  })

  it.for(formats)('run anew where one record changed: %s', async (format) => {
    const rows = rowsNumbered(40)
    const cut = { format, bytes: format === 'parquet' ? 1 : 40 }
    const edited = rows.with(20, ['k2', 'xxxxx'])
    const { taken, count, sentence } = await change(
      textOf(format, rows),
      textOf(format, edited),
      cut,
    )
    expect(taken).toHaveLength(count - 1)
    expect(sentence).toContain('; 1 file changed.')
    // Nobody can see it under the same size and time, until somebody has read it.
    const [before, after] = [textOf(format, rows), textOf(format, edited)]
    const unseen = { time: oldTime }
    expect(before.length).toBe(after.length)
    expect((await change(before, after, cut, unseen)).taken).toHaveLength(count)
    const noticed = await change(before, after, cut, { ...unseen, isNoticed: true })
    expect(noticed.taken).toEqual(taken)
    expect(noticed.sentence).toBe(sentence)
  })

  it('behind a record of another length are found again as soon as the cuts meet', async () => {
    const rows = rowsNumbered(40)
    const longer = textOf('delimited', rows.with(20, ['k2', 'xxxxxx']))
    const { taken, count } = await change(textOf('delimited', rows), longer, {})
    expect(taken.length).toBeGreaterThan(count / 2)
    // Rows know the numbers of their records: behind one that came they are others.
    const inserted = textOf('delimited', rows.toSpliced(20, 0, ['k0', 'xxxxx']))
    const before = await change(textOf('delimited', rows), inserted, {})
    expect(before.taken).toEqual(allBut(before.count).filter((at) => at < 4))
  })

  it('run anew where a column has another name', async () => {
    const rows = rowsNumbered(20)
    const renamed = textOf('delimited', rows, ['key', 'price'])
    expect((await change(textOf('delimited', rows), renamed, {})).taken).toEqual([])
  })

  it('are found in all chunks of a long plan', async () => {
    const rows = rowsNumbered(400)
    const text = textOf('delimited', rows)
    const edited = textOf('delimited', rows.with(399, ['k0', 'xxxxx']))
    const { taken, count } = await change(text, edited, { bytes: 9 })
    expect(count).toBe(400)
    expect(taken).toEqual(allBut(400, 399))
  })

  it('by keys run anew just where their records changed', async () => {
    const rows = rowsNumbered(30)
    const cut = { keys: ['key'] }
    const edited = textOf('delimited', rows.with(7, ['k1', 'xxxxx']))
    const { taken, count } = await change(textOf('delimited', rows), edited, cut)
    expect(count).toBe(3)
    expect(taken).toEqual([0, 2])
    const more = textOf('delimited', [...rows, ['k0', '99999'], ['k9', '99999']])
    expect((await change(textOf('delimited', rows), more, cut)).taken).toEqual([1, 2])
  })

  it('by keys that share row groups of Parquet have these read once', async () => {
    await using folder = await tempFolder()
    const spec = specFor(folder.path, { format: 'parquet', keys: ['key'] })
    const text = textOf('parquet', rowsNumbered(40))
    await write(folder.path, 'a', text)
    const earlier = await run(spec)
    await write(folder.path, 'a', text, laterTime)
    let read = 0
    const contents: ContentDigest = {
      ...digest,
      slices: (input, slices, signal) => {
        read += slices.length
        return digest.slices(input, slices, signal)
      },
    }
    expect((await reuse(spec, await run(spec), earlier, { contents })).taken).toEqual([0, 1, 2])
    expect(read).toBe(10)
  })

  it('are taken over exactly where they hold the same, whatever sizes and times say', async () => {
    const row = fc.tuple(
      fc.constantFrom('k0', 'k1', 'k2'),
      fc.constantFrom('a', 'b', 'cc', 'dddd', 'e'.repeat(30)),
    )
    const edit = fc.record({
      at: fc.nat(30),
      remove: fc.nat(2),
      insert: fc.array(row, { maxLength: 2 }),
    })
    const file = fc.record({
      rows: fc.array(row, { maxLength: 30 }),
      edits: fc.array(edit, { maxLength: 2 }),
      isTouched: fc.boolean(),
    })
    const cuts = fc.record({
      format: fc.constantFrom(...formats),
      bytes: fc.integer({ min: 1, max: 90 }),
      keys: fc.constantFrom([], ['key']),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 2 }), cuts, async (files, cut) => {
        await using folder = await tempFolder()
        const spec = specFor(folder.path, cut)
        await write(folder.path, 'z', textOf(cut.format, [['k0', 'a']]))
        for (const [at, { rows }] of files.entries())
          await write(folder.path, String(at), textOf(cut.format, rows))
        const earlier = await run(spec)
        for (const [at, { rows, edits, isTouched }] of files.entries()) {
          let changed: readonly Row[] = rows
          for (const { at: place, remove, insert } of edits)
            changed = changed.toSpliced(place, remove, ...insert)
          const time = isTouched ? laterTime : oldTime
          await write(folder.path, String(at), textOf(cut.format, changed), time)
        }
        const now = await run(spec)
        // A job has read the files since: else nobody can know what changed under the same size and time.
        const { found, taken } = await reuse(spec, now, earlier, { later: now })
        for (const pair of found)
          expect(earlier.records.get(pair.earlier.miniBatch)).toBe(
            now.records.get(pair.now.miniBatch),
          )
        // What stands in row groups with changed records is computed anew.
        if (cut.format === 'parquet') return
        const had = new Set(earlier.records.values())
        expect(taken).toEqual(
          now.all
            .map(({ miniBatch }) => miniBatch)
            .filter((miniBatch) => had.has(now.records.get(miniBatch) ?? '')),
        )
      }),
      { numRuns: 100 },
    )
  })
})
