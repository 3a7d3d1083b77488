import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JobFile } from '#agent/ports/job-file.ts'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { createMatcher } from '#agent/data/plan/patterns.ts'
import { tempFolder } from './temp.ts'

const file = '/jobs/digits/job.yaml'
const reader = createJobFileReader()

const read = (text: string): JobFile => {
  const result = reader.read(text, file, {})
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** `line:column message` of the error that a job file must give. */
const errorOf = (text: string): string => {
  const result = reader.read(text, file, {})
  if (result.ok) throw new Error('the job file was accepted')
  const { position, message } = result.error
  return `${position?.line}:${position?.column} ${message}`
}

describe('inputs', () => {
  const table = (fields: string, more = ''): string =>
    `name: sales\nentry_script: score.ts\ninputs:\n  sales: ${fields}\n${more}`

  it.each([
    ['{ path: a.csv, type: table }', { format: 'delimited', delimiter: ',', header: true }],
    ['{ path: a, pattern: "*.tsv", type: table }', { format: 'delimited', delimiter: '\t' }],
    ['{ path: a, format: tsv, header: false }', { delimiter: '\t', header: false }],
    ['{ path: a, format: csv, delimiter: "\\\\t" }', { format: 'delimited', delimiter: '\t' }],
    ['{ path: a, patterns: ["!x", "**/*.ndjson"], type: table }', { format: 'json-lines' }],
    ['{ path: a.parquet, type: table }', { format: 'parquet' }],
  ])('may be tables: %s', (fields, expected) => {
    const { spec } = read(table(fields))
    expect(spec.inputs).toMatchObject([{ kind: 'table', name: 'sales', ...expected }])
    expect(spec.miniBatchSize).toEqual({ kind: 'bytes', bytes: 1_048_576 })
  })

  it('may be downloaded; side inputs are whole on every machine in any case', () => {
    const modeOf = (text: string) => read(table(text)).spec.inputs[0]?.mode
    expect(modeOf('{ path: a, mode: download }')).toBe('download')
    expect(modeOf('{ path: a.csv, type: table, mode: download }')).toBe('download')
    expect(modeOf('{ path: a, mode: mount }')).toBeUndefined()
    expect(errorOf(table('{ path: a, mode: fetch }'))).toContain('"inputs.sales.mode" is "fetch"')
    const side = read(table('./a', 'side_inputs: { b: { path: ./b, mode: download } }\n'))
    expect(side.spec.sideInputs[0]?.mode).toBeUndefined()
  })

  it('may be opened by the script itself, but only where there is one, for files, and in place', () => {
    expect(read(table('{ path: a, mode: direct }')).spec.inputs[0]?.mode).toBe('direct')
    const onnx = 'name: sales\nmodel: m\ninputs:\n  sales: { path: a, mode: direct }\n'
    expect(errorOf(onnx)).toBe(
      '4:27 "inputs.sales.mode" is direct, but without "entry_script" nothing opens files by itself: leave it out, or use download.',
    )
    expect(errorOf(table('{ path: a, format: csv, mode: direct }'))).toContain(
      'the records of tables are read by Muster',
    )
    expect(errorOf(table('{ path: a, mode: direct }', 'in_place: false\n'))).toContain(
      'files can be opened only where they lie',
    )
    expect(errorOf(table('{ path: a, mode: direct }\n  more: ./b'))).toContain(
      '"inputs.more" and "inputs.sales" differ in mode',
    )
    expect(errorOf(table('./a', 'side_inputs: { b: { path: ./b, mode: direct } }\n'))).toContain(
      'side inputs are copied to every machine',
    )
  })

  it('may be a single file of a table, whatever its name', async () => {
    await using folder = await tempFolder()
    await writeFile(join(folder.path, 'a[1].csv'), 'x\n1\n')
    const { spec } = read(table(`{ path: "${folder.path}/a[1].csv", type: table }`))
    const [input] = spec.inputs
    expect(input?.root).toBe(folder.path)
    expect(createMatcher(input?.patterns ?? []).matches('a[1].csv')).toBe(true)
    expect(createMatcher(input?.patterns ?? []).matches('a1.csv')).toBe(false)
  })

  it.each([
    ['1024', { kind: 'bytes', bytes: 1_024 }],
    ['10 mb', { kind: 'bytes', bytes: 10_485_760 }],
    ['1GB', { kind: 'bytes', bytes: 1_073_741_824 }],
    ['auto', { kind: 'auto' }],
  ])('of tables are cut by bytes: %s', (size, expected) => {
    const text = table('{ path: a.csv, type: table }', `mini_batch_size: ${size}\n`)
    expect(read(text).spec.miniBatchSize).toEqual(expected)
  })

  it('may be several of one kind, with keys and side inputs', () => {
    const more = `  more: { path: ./b, partition_format: '{user}/{n}.png' }
side_inputs: { prices: { path: p.csv, type: table }, words: ./words }
partition_keys: [user]
mini_batch_size: 5
`
    const { spec, warnings } = read(table(`{ path: a, partition_format: 'x/{user}.png' }`, more))
    expect(spec.inputs.map((input) => input.name)).toEqual(['sales', 'more'])
    expect(spec.sideInputs.map((input) => [input.name, input.kind])).toEqual([
      ['prices', 'table'],
      ['words', 'files'],
    ])
    expect(spec.partitionKeys).toEqual(['user'])
    expect(warnings).toEqual([
      `"mini_batch_size" (${file}:8:1) has no effect: each combination of partition_keys is one mini-batch.`,
    ])
  })

  it.each([
    ['{ path: a, delimiter: ";" }', '', '4:32 "inputs.sales.delimiter" is for tables'],
    ['{ path: a, type: table }', '', '4:10 "inputs.sales" is a table whose format'],
    [
      '{ path: a, format: parquet, header: true }',
      '',
      '4:46 "inputs.sales.header" is for delimited',
    ],
    ['{ path: a, format: csv, delimiter: ab }', '', '4:45 "inputs.sales.delimiter" is "ab"'],
    ['{ path: a, format: csv, partition_format: "{x}" }', '', 'is for files: partition_keys'],
    ['{ path: a, partition_format: "{x}{y}" }', '', 'nothing stands between "{x}" and "{y}"'],
    ['a', 'partition_keys: [user]\n', '5:18 "partition_keys" names "user", which is no field'],
    ['{ path: a.csv, type: table }', 'partition_keys: [a, a]\n', 'names "a" twice'],
    ['{ path: a.csv, type: table }', 'mini_batch_size: 2GB\n', 'but must be a size from 1 to 1GB'],
    ['a', 'mini_batch_size: 100001\n', 'but must be a whole number of files from 1 to 100000'],
  ])('%s %j are refused', (fields, more, words) => {
    expect(errorOf(table(fields, more))).toContain(words)
  })

  it('that are not split are for scripts', () => {
    expect(
      errorOf(
        'name: abc\nmodel: m\ninputs: { a: b }\npreprocess: { width: 1, height: 1 }\nside_inputs: { words: ./w }\n',
      ),
    ).toContain('"side_inputs" are for scripts')
  })
})
