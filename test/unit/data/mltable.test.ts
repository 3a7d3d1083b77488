import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readMlTable } from '#agent/data/job-file/mltable.ts'
import { tempFolder, writeFiles } from './temp.ts'

const read = async (text: string) => {
  await using temp = await tempFolder()
  await writeFiles(temp.path, { 'table/MLTable': text })
  const result = readMlTable(join(temp.path, 'table'))
  if (result.ok) {
    const { path, ...fields } = result.value
    return { ...fields, path: String(path).replace(temp.path, '') }
  }
  const { message, position } = result.error
  return `${position?.line ?? '-'}: ${message.replace(temp.path, '')}`
}

it('names the files and how their records are written', async () => {
  const text = `
$schema: https://azuremlschemas.azureedge.net/latest/MLTable.schema.json
type: mltable
paths:
  - file: ./a[1].csv
  - pattern: ./2026/*.csv
  - folder: older
transformations:
  - read_delimited:
      delimiter: ";"
      encoding: utf8
      header: all_files_same_headers
      include_path_column: false
`
  expect(await read(text)).toEqual({
    path: '/table',
    patterns: ['a[[]1[]].csv', '2026/*.csv', 'older/**/*'],
    type: 'table',
    format: 'delimited',
    delimiter: ';',
    header: true,
  })
})

it('takes a folder that is called a file for what is in it', async () => {
  await using temp = await tempFolder()
  await writeFiles(temp.path, { MLTable: 'paths: [{ file: ./pictures }]', 'pictures/1.png': '' })
  expect(readMlTable(temp.path)).toMatchObject({
    ok: true,
    value: { path: temp.path, patterns: ['pictures/**/*'] },
  })
})

it.each([
  ['- read_json_lines: {invalid_lines: drop}', { type: 'table', format: 'json-lines' }],
  ['- read_parquet', { type: 'table', format: 'parquet' }],
  [
    '- read_delimited: {header: no_header, infer_column_types: false}',
    { type: 'table', format: 'delimited', header: false },
  ],
  ['', { type: 'files' }],
])('reads %s', async (transformation, fields) => {
  const text = `paths:\n  - pattern: '*.x'\ntransformations:\n  ${transformation}\n`
  expect(await read(text)).toEqual({ path: '/table', patterns: ['*.x'], ...fields })
})

it('may lie beside its files', async () => {
  const text = 'paths:\n  - folder: ../data\ntransformations:\n  - read_parquet\n'
  expect(await read(text)).toMatchObject({ path: '/data', patterns: ['**/*'] })
})

const table = (rest: string) => `paths:\n  - file: a.csv\n${rest}`

it.each([
  ['colour: red\n', '1: "colour" is not a field of an MLTable file that is known here.'],
  ['paths: a.csv\n', '1: "paths" must be a list of maps with file, folder or pattern.'],
  ['paths:\n  - glob: a\n', '2: "paths" must be a list of maps with file, folder or pattern.'],
  [
    'paths:\n  - file: https://example.org/a.csv\n',
    '2: "paths" names a place outside the cluster: copy the files to a folder of this machine.',
  ],
  [
    'paths:\n  - file: a.csv\n  - file: ../b.csv\n',
    '1: "paths" names places in several folders: put the files into one.',
  ],
  [
    table('transformations:\n  - read_delimited\n  - keep_columns: [a]\n'),
    '5: "keep_columns" is not done here: do it in the script, or to the files before they are read.',
  ],
  [
    table('transformations:\n  - read_delta_lake: {version_as_of: 1}\n'),
    '4: "read_delta_lake" is not done here: do it in the script, or to the files before they are read.',
  ],
  [
    table('transformations:\n  - read_delimited:\n      include_path_column: true\n'),
    '5: "read_delimited.include_path_column" cannot be true here: change it, or the files.',
  ],
  [
    table('transformations:\n  - read_delimited:\n      header: from_first_file\n'),
    '5: "read_delimited.header" cannot be "from_first_file" here: change it, or the files.',
  ],
  [
    table('transformations:\n  - read_json_lines: {encoding: utf16}\n'),
    '4: "read_json_lines.encoding" cannot be "utf16" here: change it, or the files.',
  ],
  ['paths: [\n', /^\d: The MLTable file is not valid YAML here/],
])('%j is refused', async (text, words) => {
  const told = await read(text)
  if (typeof words === 'string') expect(told).toBe(words)
  else expect(told).toMatch(words)
})

it('must be there', () => {
  const result = readMlTable('/nowhere/table')
  expect(result.ok ? '' : result.error.message).toBe(
    `${join('/nowhere/table', 'MLTable')} is missing, unreadable or larger than 262144 bytes: an input of the type mltable is a folder with this file.`,
  )
})
