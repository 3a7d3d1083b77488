import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { parquetWriteFile } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { createItemReader } from '#agent/data/items.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { TableInput } from '#protocol/model/input.ts'
import { jobNumbered } from '#test/support/ledger-fixtures.ts'
import { specOf } from './specs.ts'
import { tempFolder } from './temp.ts'

const reader = createItemReader()

/** The first slice of a planned table, and what stands in some of its records read alone. */
const planned = async (root: string, format: 'csv' | 'jsonl' | 'parquet') => {
  const input: TableInput = {
    kind: 'table',
    name: 'prices',
    root,
    patterns: ['**/*'],
    format: ({ csv: 'delimited', jsonl: 'json-lines', parquet: 'parquet' } as const)[format],
    delimiter: ',',
    header: true,
  }
  const spec: JobSpec = {
    ...specOf({ root }),
    inputs: [input],
    miniBatchSize: { kind: 'bytes', bytes: 1_000_000 },
  }
  const signal = AbortSignal.timeout(20_000)
  for await (const chunk of createPlanner().plan(jobNumbered(1), spec, undefined, signal)) {
    const [slice] = chunk.kind === 'table' ? chunk.slices : []
    if (slice !== undefined) return { slice, input }
  }
  throw new Error('nothing was planned')
}

const valuesOf = async (
  input: TableInput,
  slices: Awaited<ReturnType<typeof reader.narrow>>,
): Promise<readonly unknown[]> => {
  const found: unknown[] = []
  for (const slice of slices) {
    const { records } = await readTable({
      format: input.format,
      delimiter: input.delimiter,
      sources: [
        {
          name: slice.file.name,
          columns: slice.file.columns,
          offset: slice.offset,
          tailBytes: slice.file.tailBytes,
          content: {
            path: join(input.root, slice.file.name),
            length: slice.length,
            fileBytes: slice.file.bytes,
            modifiedMs: slice.file.modifiedMs,
          },
        },
      ],
      slices: [
        {
          source: 0,
          firstRecord: slice.firstRecord,
          firstItem: slice.firstRecord,
          records: slice.records,
          skip: 0,
        },
      ],
    })
    for (const { name, item, values } of records) found.push([name, item, values?.['n']])
  }
  return found
}

const wantedOf = fc
  .uniqueArray(fc.nat(11), { minLength: 1 })
  .map((all) => all.toSorted((a, b) => a - b))

const texts = {
  csv: (fields: readonly string[]) =>
    `\uFEFFn,text\r\n${fields.map((one, i) => `${i},"${one.replaceAll('"', '""')}"`).join('\n')}`,
  jsonl: (fields: readonly string[]) =>
    fields.map((one, i) => JSON.stringify({ n: i, text: one })).join('\r\n'),
}

describe('records of a slice', () => {
  it.each(['csv', 'jsonl'] as const)(
    'of %s are found alone, whatever stands in them',
    async (format) => {
      await using temp = await tempFolder()
      const fields = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'ä') }), {
        minLength: 12,
        maxLength: 12,
      })
      await fc.assert(
        fc.asyncProperty(fields, wantedOf, async (all, wanted) => {
          await writeFile(join(temp.path, `a.${format}`), texts[format](all))
          const { slice, input } = await planned(temp.path, format)
          const narrowed = await reader.narrow(input, slice, wanted)
          const expected = wanted.map((n) => [
            `a.${format}#${n + 1}`,
            n,
            format === 'csv' ? String(n) : n,
          ])
          expect(await valuesOf(input, narrowed)).toEqual(expected)
        }),
        { numRuns: 60 },
      )
    },
  )

  it('of Parquet are found alone', async () => {
    await using temp = await tempFolder()
    const numbers = Array.from({ length: 12 }, (_, i) => i)
    parquetWriteFile({
      filename: join(temp.path, 'a.parquet'),
      rowGroupSize: [5],
      columnData: [{ name: 'n', data: numbers, type: 'INT32' }],
    })
    const { slice, input } = await planned(temp.path, 'parquet')
    const narrowed = await reader.narrow(input, slice, [1, 3, 4])
    expect(narrowed.map(({ records }) => records)).toEqual([1, 2])
    expect(await valuesOf(input, narrowed)).toEqual(
      [1, 3, 4].map((n) => [`a.parquet#${n + 1}`, n, n]),
    )
  })

  it('come back whole where the file is gone or shorter', async () => {
    await using temp = await tempFolder()
    const path = join(temp.path, 'a.csv')
    await writeFile(path, 'n\n1\n2\n3\n')
    const { slice, input } = await planned(temp.path, 'csv')
    await writeFile(path, 'n\n')
    expect(await reader.narrow(input, slice, [1])).toEqual([slice])
    const elsewhere = { ...input, root: join(temp.path, 'none') }
    expect(await reader.narrow(elsewhere, slice, [1])).toEqual([slice])
  })
})
