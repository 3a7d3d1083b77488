import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, posix, relative, resolve, sep } from 'node:path'
import type { MusterError, TextPosition } from '#protocol/errors.ts'
import { musterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { fileAsPattern } from '#protocol/spec/azure/places.ts'
import { readJobFileText } from './job-file-text.ts'
import type { FieldPath, ReadText } from './job-file-text.ts'

/** Fields of an input of a job file. */
type InputFields = Readonly<Record<string, unknown>>

/**
 * Reads the MLTable file in a folder: which files, and how their records are written. Whatever else it would
 * do to the records is refused by name, since it would change what the script gets.
 * @param folder absolute
 */
export const readMlTable = (folder: string): Result<InputFields, MusterError> => {
  const file = join(folder, 'MLTable')
  const text = readText(file)
  if (text === undefined)
    return err(
      musterError(
        'InputMissing',
        `${file} is missing, unreadable or larger than ${limits.jobFileBytes} bytes: an input of the type mltable is a folder with this file.`,
      ),
    )
  const parsed = readJobFileText(text, file)
  if (!parsed.ok)
    return err({
      ...parsed.error,
      message: parsed.error.message.replace('job file', 'MLTable file'),
    })
  const table: MlTable = { read: parsed.value, folder }
  const unknown = Object.keys(table.read.value).find((name) => !topFields.has(name))
  if (unknown !== undefined)
    return fault(
      table,
      [unknown],
      `"${unknown}" is not a field of an MLTable file that is known here`,
    )
  const paths = readPaths(table)
  if (!paths.ok) return paths
  const format = readTransformations(table)
  return format.ok ? ok({ ...paths.value, ...format.value }) : format
}

interface MlTable {
  readonly read: ReadText
  readonly folder: string
}

const topFields = new Set(['$schema', 'type', 'paths', 'transformations', 'metadata', 'traits'])

const fault = ({ read }: MlTable, path: FieldPath, message: string): Result<never, MusterError> => {
  const position: TextPosition = read.keyAt(path)
  return err(musterError('JobFileInvalid', `${message}.`, { position }))
}

const readText = (file: string): string | undefined => {
  try {
    const facts = statSync(file)
    if (!facts.isFile() || facts.size > limits.jobFileBytes) return undefined
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const pathForms = 'a list of maps with file, folder or pattern'

/** All paths below one folder, and globs below that. */
const readPaths = (table: MlTable): Result<InputFields, MusterError> => {
  const { paths } = table.read.value
  if (!Array.isArray(paths) || paths.length === 0)
    return fault(table, ['paths'], `"paths" must be ${pathForms}`)
  const places: { readonly folder: string; readonly glob: string }[] = []
  for (const [i, entry] of paths.entries()) {
    const place = isMap(entry) ? placeOf(table.folder, entry) : undefined
    if (place === undefined) return fault(table, ['paths', i], `"paths" must be ${pathForms}`)
    if (place === 'far')
      return fault(
        table,
        ['paths', i],
        '"paths" names a place outside the cluster: copy the files to a folder of this machine',
      )
    places.push(place)
  }
  // The table's own folder if all lie in it, else the only one that is named.
  const isInside = places.every(({ folder }) => isBelow(table.folder, folder))
  const root = isInside ? table.folder : places[0]?.folder
  const patterns = places.map(({ folder, glob }) =>
    root !== undefined && isBelow(root, folder)
      ? posix.join(relative(root, folder).split(sep).map(literal).join('/'), glob)
      : undefined,
  )
  const known = patterns.filter((pattern) => pattern !== undefined)
  if (known.length < patterns.length)
    return fault(
      table,
      ['paths'],
      '"paths" names places in several folders: put the files into one',
    )
  return ok({ path: root, patterns: known })
}

const literal = (name: string): string => fileAsPattern(`x/${name}`).pattern

const isBelow = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

const placeOf = (
  base: string,
  entry: Readonly<Record<string, unknown>>,
): { readonly folder: string; readonly glob: string } | 'far' | undefined => {
  const [[kind, written] = [], second] = Object.entries(entry)
  if (typeof written !== 'string' || written === '' || second !== undefined) return undefined
  if (/^[a-z][a-z0-9+.-]+:/i.test(written) && !/^[a-z]:[\\/]/i.test(written)) return 'far'
  const whole = (path: string): string => (isAbsolute(path) ? resolve(path) : resolve(base, path))
  switch (kind) {
    case 'file':
      // A folder under this name is what is in it: one of the public examples has it so.
      if (statSync(whole(written), { throwIfNoEntry: false })?.isDirectory() === true)
        return { folder: whole(written), glob: '**/*' }
      return { folder: dirname(whole(written)), glob: fileAsPattern(written).pattern }
    case 'folder':
      return { folder: whole(written), glob: '**/*' }
    case 'pattern': {
      const parts = written.split('/')
      const first = parts.findIndex((part) => /[*?[{]/.test(part))
      const at = first < 0 ? parts.length - 1 : first
      return { folder: whole(parts.slice(0, at).join('/') || '.'), glob: parts.slice(at).join('/') }
    }
    default:
      return undefined
  }
}

const readTransformations = (table: MlTable): Result<InputFields, MusterError> => {
  const { transformations: given } = table.read.value
  if (given === undefined || given === null) return ok({ type: 'files' })
  if (!Array.isArray(given))
    return fault(table, ['transformations'], '"transformations" must be a list')
  let format: InputFields = { type: 'files' }
  for (const [i, entry] of given.entries()) {
    const named: unknown = entry
    const [name = '', options] = isMap(named) ? (Object.entries(named)[0] ?? []) : [String(named)]
    const at = ['transformations', i, name]
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (reader === undefined)
      return fault(
        table,
        at,
        `"${name}" is not done here: do it in the script, or to the files before they are read`,
      )
    const read = readOptions(table, at, reader, isMap(options) ? options : {})
    if (!read.ok) return read
    format = { type: 'table', format: reader.format, ...read.value }
  }
  return ok(format)
}

/** What an option becomes; undefined: it cannot be honoured. */
type Option = (value: unknown) => InputFields | undefined

interface TableReader {
  readonly format: string
  readonly options: Readonly<Record<string, Option>>
}

const nothing: Option = () => ({})
const only =
  (...values: readonly unknown[]): Option =>
  (value) =>
    values.includes(value) ? {} : undefined
const utf8 = only('utf8', 'utf8bom', 'utf-8', 'ascii')

/** Records with quoted line ends are read whole; broken ones are failed items. */
const readers: Readonly<Record<string, TableReader>> = {
  read_delimited: {
    format: 'delimited',
    options: {
      delimiter: (value) => (typeof value === 'string' ? { delimiter: value } : undefined),
      header: (value) => {
        if (value === 'no_header' || value === false) return { header: false }
        const isNamed = ['all_files_same_headers', 'all_files_different_headers', true]
        return isNamed.includes(value as string | boolean) ? { header: true } : undefined
      },
      encoding: utf8,
      infer_column_types: nothing,
      empty_as_string: nothing,
      support_multi_line: nothing,
      include_path_column: only(false),
    },
  },
  read_json_lines: {
    format: 'json-lines',
    options: { encoding: utf8, invalid_lines: nothing, include_path_column: only(false) },
  },
  read_parquet: { format: 'parquet', options: { include_path_column: only(false) } },
}

const readOptions = (
  table: MlTable,
  at: FieldPath,
  reader: TableReader,
  given: Readonly<Record<string, unknown>>,
): Result<InputFields, MusterError> => {
  let fields: InputFields = {}
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(reader.options, name) ? reader.options[name] : undefined
    const read = option?.(value)
    if (read === undefined)
      return fault(
        table,
        [...at, name],
        `"${at.at(-1)}.${name}" cannot be ${JSON.stringify(value)} here: change it, or the files`,
      )
    fields = { ...fields, ...read }
  }
  return ok(fields)
}
