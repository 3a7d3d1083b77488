import { existsSync, statSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { isMap } from '#protocol/spec/azure/file.ts'
import type { AzureFault, Fields } from '#protocol/spec/azure/file.ts'
import { readPlace } from '#protocol/spec/azure/places.ts'
import { isAzureFile, translateAzure } from '#protocol/spec/azure/translate.ts'
import type { AzureTranslation } from '#protocol/spec/azure/translation.ts'
import { withComponents } from './azure-components.ts'
import { faultError, nameOf } from './job-file-errors.ts'
import type { Overrides } from './job-file-overrides.ts'
import type { FieldPath, ReadText } from './job-file-text.ts'
import { readMlTable } from './mltable.ts'

/** A file in the words of job files, whichever it was written in. */
export interface DialectText {
  readonly text: ReadText
  /** Those that were not yet put in. */
  readonly overrides: Overrides
  /** Sentences about what was accepted but has no effect here, with their place. */
  readonly warnings: readonly string[]
  /** The file with its component files put in; left out where it names none. */
  readonly whole?: string
}

/** What stands beside a file that may be one of Azure ML. */
export interface DialectContext {
  /** Its path, for what lies beside it. */
  readonly file: string
  readonly overrides: Overrides
  /** Names of the pools there are; undefined: not known. */
  readonly pools: readonly string[] | undefined
  /** Scripts are those of an earlier run: none is looked for. */
  readonly isAgain: boolean
}

/** Translates a file of Azure ML; another comes back as it is. */
export const readDialect = (
  written: ReadText,
  context: DialectContext,
): Result<DialectText, MusterError> => {
  const { overrides } = context
  if (!isAzureFile(written.value)) return ok({ text: written, overrides, warnings: [] })
  const put = withComponents(written, context.file)
  if (!put.ok) return put
  const { text, whole } = put.value
  const set = setInAzure(text.value, overrides)
  const translation = translateAzure(set.value)
  const { pools, isAgain } = context
  const around = { folder: dirname(context.file), pools, isAgain, placeOf: text.valueAt }
  const given = dataBeside(translation, set.left)
  const faults = [...translation.faults, ...given.faults]
  if (faults.length === 0 && !isAgain && !isPythonLeft(translation.fields, around))
    faults.push(...awaitedFaults(translation.awaited, around.folder))
  const error = faultError(faults, {
    text,
    overridden: { value: set.value, isOverridden: set.isSet },
  })
  if (error !== undefined) return err(error)
  const { origin } = translation
  const sentence = (path: FieldPath, words: string): string => {
    const { file: name, line, column } = text.keyAt(path)
    const place = set.isSet(path) ? 'on the command line' : `${name}:${line}:${column}`
    return `"${nameOf(path)}" (${place}) ${words}.`
  }
  const beside = lookBeside({ ...translation, fields: given.fields }, around)
  if (!beside.ok) return beside
  const notes = [...translation.warnings, ...given.notes, ...beside.value.notes]
  return ok({
    text: {
      value: beside.value.fields,
      keyAt: (path) => text.keyAt(origin(path)),
      valueAt: (path) => text.valueAt(origin(path)),
      nameAt: (path) => nameOf(origin(path)),
    },
    overrides: given.left,
    ...(whole === undefined ? {} : { whole }),
    warnings: notes.map(({ path, words }) => sentence(path, words)),
  })
}

interface DataBeside {
  readonly fields: Fields
  readonly left: Overrides
  readonly faults: readonly AzureFault[]
  readonly notes: AzureTranslation['warnings']
}

/** A deployment gets its data when it is called, so here it is said beside the file: `inputs.NAME`. */
const dataBeside = (translation: AzureTranslation, overrides: Overrides): DataBeside => {
  const { fields, isWithoutData = false } = translation
  if (!isWithoutData) return { fields, left: overrides, faults: [], notes: [] }
  const isData = ([name]: readonly [string, unknown]): boolean => name.startsWith('inputs.')
  const all = Object.entries(overrides)
  const left = Object.fromEntries(all.filter((one) => !isData(one)))
  const data = all.filter(isData)
  const message =
    '"inputs" is missing: such a file does not name its data, so say it with --set inputs.data=FOLDER'
  const whole = data.reduce((map, [name, value]) => withValue(map, name.split('.'), value), fields)
  return {
    left,
    ...withoutCount(whole, translation),
    faults: data.length > 0 ? [] : [{ rank: 2, path: [], message }],
  }
}

/** Records are cut by bytes, so a count of files says nothing about them: 2 would be two bytes. */
const withoutCount = (
  fields: Fields,
  { countsFiles = false, origin }: AzureTranslation,
): Pick<DataBeside, 'fields' | 'notes'> => {
  const { mini_batch_size: size, ...others } = fields
  const inputs = isMap(fields['inputs']) ? Object.values(fields['inputs']) : []
  const isTable = inputs.some((one) => isMap(one) && one['type'] === 'table')
  if (!countsFiles || !isTable || size === undefined) return { fields, notes: [] }
  const words =
    'counts files, but the data is a table, which is cut by bytes: a mini-batch has 1MB, or what --set mini_batch_size says'
  return { fields: others, notes: [{ path: origin(['mini_batch_size']), words }] }
}

/** Commands are not run: where others read what one of them writes, somebody must have put it there. */
const awaitedFaults = (
  awaited: AzureTranslation['awaited'],
  folder: string,
): readonly AzureFault[] =>
  awaited.flatMap(({ step, output, path }) => {
    const place = readPlace(path)
    if (place.kind !== 'path' || existsSync(wholePath(place.path, folder))) return []
    const [name, field] = [`jobs.${step}`, `jobs.${step}.outputs.${output}.path`]
    const message = `"${name}" is a command, which is not run here, and what others read of it as "${output}" is not at ${wholePath(place.path, folder)}: run it yourself, or say where its files are with --set ${field}=FOLDER`
    return [{ rank: 0, path: ['jobs', step], message }]
  })

/** Whether a script is not ported yet: the answer to that comes first, and is the longer work. */
const isPythonLeft = (fields: Fields, around: Around): boolean =>
  [fields, ...(isMap(fields['steps']) ? Object.values(fields['steps']) : [])].some(
    (step) => isMap(step) && isUnported(step['entry_script'], around),
  )

const isUnported = (entry: unknown, { folder, isAgain }: Around): boolean =>
  typeof entry === 'string' &&
  /\.py$/i.test(entry) &&
  portedScript(entry, folder, isAgain) === undefined

interface SetInAzure {
  readonly value: Fields
  readonly left: Overrides
  readonly isSet: (path: FieldPath) => boolean
}

/** What only files of Azure have at their top. Inputs are theirs if they have one of that name. */
const ownNames = new Set([
  'jobs',
  'settings',
  'outputs',
  'experiment_name',
  'display_name',
  'code_configuration',
  'parallel_run_config',
])

/** Overrides by the names of the Azure file: `jobs.predict.mini_batch_size`, `inputs.images`, `settings...`. */
const setInAzure = (root: Fields, overrides: Overrides): SetInAzure => {
  const left: Record<string, string | number | boolean> = {}
  const set: (readonly string[])[] = []
  let value = root
  for (const [name, given] of Object.entries(overrides)) {
    const path = name.split('.')
    const [first = '', second = ''] = path
    const below = root[first]
    const isInput = first === 'inputs' && isMap(below) && Object.hasOwn(below, second)
    if (!ownNames.has(first) && !isInput) left[name] = given
    else {
      const whole = isInput && path.length === 2 && isMap(below[second]) ? [...path, 'path'] : path
      value = withValue(value, whole, given)
      set.push(whole)
    }
  }
  return {
    value,
    left,
    isSet: (path) => set.some((one) => one.every((part, i) => String(path[i]) === part)),
  }
}

const withValue = (
  map: Fields,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): Fields => {
  if (rest.length === 0) return { ...map, [name]: value }
  const below = map[name]
  return { ...map, [name]: withValue(isMap(below) ? below : {}, rest, value) }
}

/** What is looked at besides the file. */
interface Around {
  readonly folder: string
  readonly pools: readonly string[] | undefined
  readonly isAgain: boolean
  readonly placeOf: ReadText['valueAt']
}

interface Beside {
  readonly fields: Fields
  readonly notes: AzureTranslation['warnings']
}

/** What only the files beside the job file can tell: a ported script, a table's description. */
const lookBeside = (
  { fields, origin }: AzureTranslation,
  around: Around,
): Result<Beside, MusterError> => {
  const { steps } = fields
  if (!isMap(steps)) return stepBeside(fields, around, (path) => origin(path))
  const notes: AzureTranslation['warnings'][number][] = []
  const looked: Record<string, unknown> = {}
  for (const [name, step] of Object.entries(steps)) {
    if (!isMap(step)) continue
    const beside = stepBeside(step, around, (path) => origin(['steps', name, ...path]))
    if (!beside.ok) return beside
    looked[name] = beside.value.fields
    notes.push(...beside.value.notes)
  }
  return ok({ fields: { ...fields, steps: looked }, notes })
}

const stepBeside = (
  step: Fields,
  around: Around,
  origin: (path: FieldPath) => FieldPath,
): Result<Beside, MusterError> => {
  const { folder, pools, isAgain } = around
  const notes: AzureTranslation['warnings'][number][] = []
  const fields: Record<string, unknown> = { ...step }
  const pool = step['compute']
  // Which machines work changes no result, and a file of Azure names a compute of Azure.
  if (typeof pool === 'string' && pools?.includes(pool) === false) {
    delete fields['compute']
    const words = `names the pool "${pool}", which is not there: all machines may work`
    notes.push({ path: origin(['compute']), words })
  }
  const entry = step['entry_script']
  const ported = typeof entry === 'string' ? portedScript(entry, folder, isAgain) : undefined
  if (ported !== undefined) {
    fields['entry_script'] = ported
    notes.push({
      path: origin(['entry_script']),
      words: `is Python: ${ported} is run in its place`,
    })
  }
  for (const field of ['inputs', 'side_inputs']) {
    const inputs = step[field]
    if (!isMap(inputs)) continue
    const read: Record<string, unknown> = {}
    for (const [name, input] of Object.entries(inputs)) {
      const table = isUnported(entry, around) ? asTable(input) : tableOf(input, folder)
      if (table?.ok === false)
        return err(placed(table.error, around, origin([field, name, 'path'])))
      const { mode } = isMap(input) ? input : {}
      read[name] =
        table === undefined ? input : { ...table.value, ...(mode === undefined ? {} : { mode }) }
    }
    fields[field] = read
  }
  return ok({ fields, notes })
}

/** An error that has no place yet gets that of what named the file. */
const placed = (error: MusterError, { placeOf }: Around, path: FieldPath): MusterError =>
  error.position === undefined ? { ...error, position: placeOf(path) } : error

/** `score.ts` (or .mts, .js, .mjs) beside `score.py`. */
const portedScript = (entry: string, folder: string, isAgain: boolean): string | undefined => {
  if (!/\.py$/i.test(entry)) return undefined
  const ported = ['.ts', '.mts', '.js', '.mjs'].map((ending) => entry.replace(/\.py$/i, ending))
  return (
    ported.find(
      (path) => statSync(wholePath(path, folder), { throwIfNoEntry: false })?.isFile() === true,
    ) ?? (isAgain ? ported[0] : undefined)
  )
}

const tableOf = (input: unknown, folder: string): Result<Fields, MusterError> | undefined => {
  if (!isMap(input) || input['type'] !== 'mltable') return undefined
  const { path } = input
  return typeof path === 'string' ? readMlTable(wholePath(path, folder)) : undefined
}

/** A table whose description need not be read: the step is refused for its script. */
const asTable = (input: unknown): Result<Fields, MusterError> | undefined =>
  isMap(input) && input['type'] === 'mltable'
    ? ok({ ...input, type: 'table', format: 'csv' })
    : undefined

const wholePath = (path: string, folder: string): string =>
  isAbsolute(path) ? path : resolve(folder, path)
