import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { spellings } from '#protocol/spec/job-file.ts'
import { fieldsAt } from '#protocol/spec/known-fields.ts'
import { suggest } from '#protocol/spec/suggest.ts'
import { unsupportedFields } from '#protocol/spec/unsupported.ts'
import type { FieldPath } from './job-file-text.ts'

/** Values set on the command line, by dotted field names such as `preprocess.width`. */
export type Overrides = Readonly<Record<string, string | number | boolean>>

type Fields = Readonly<Record<string, unknown>>

export interface Overridden {
  readonly value: Fields
  /** True if the value at this path came from the command line. */
  readonly isOverridden: (path: FieldPath) => boolean
}

/** Puts the overrides into what the file says. Whichever spelling of a setting is overridden wins. */
export const applyOverrides = (
  file: Fields,
  overrides: Overrides,
): Result<Overridden, MusterError> => {
  const set: (readonly string[])[] = []
  let value = file
  for (const [name, given] of Object.entries(overrides)) {
    const path = pathOf(name, file)
    if (path === undefined) return err(unknownOverride(name, allNames(file)))
    for (const other of othersOf(path)) value = withoutField(value, other)
    value = withField(value, path, given)
    set.push(path)
  }
  // An override of another spelling dropped it from the file, but not from the command line.
  for (const path of set)
    value = withField(value, path, overrides[path.join('.')] ?? valueAt(value, path))
  const starts = (path: FieldPath, start: readonly string[]): boolean =>
    start.every((name, i) => path[i] === name)
  return ok({ value, isOverridden: (path) => set.some((start) => starts(path, start)) })
}

/** The path an override means, or undefined if it names no single value. */
const pathOf = (name: string, file: Fields): readonly string[] | undefined => {
  const path = splitName(name)
  const isNamed = isMapOfInputs(path) || path[0] === 'models'
  if (isNamed && !namesIn(file, path[0] ?? '').includes(path[1] ?? '')) return undefined
  const there = fieldsAt(path)
  // A plain path may stand for an input's map, a word for a model's.
  const takesText = there?.kind === 'value' || (isNamed && path.length === 2)
  return takesText || name === 'model' ? path : undefined
}

/** Names of inputs, models and tags may hold dots of their own. */
const splitName = (name: string): readonly string[] => {
  const [, inputs, input, field] = inputField.exec(name) ?? modelField.exec(name) ?? []
  if (inputs !== undefined && input !== undefined && field !== undefined)
    return [inputs, input, field]
  const [, map, rest] = /^(inputs|side_inputs|models|tags)\.(.+)$/.exec(name) ?? []
  return map !== undefined && rest !== undefined ? [map, rest] : name.split('.')
}

const inputFields = [
  'path',
  'pattern',
  'share',
  'mode',
  'type',
  'format',
  'delimiter',
  'header',
  'partition_format',
] as const
const inputField = new RegExp(`^(inputs|side_inputs)\\.(.+)\\.(${inputFields.join('|')})$`)

const modelFields = ['name', 'version', 'path'] as const
const modelField = new RegExp(`^(models)\\.(.+)\\.(${modelFields.join('|')})$`)

const inputMaps = ['inputs', 'side_inputs'] as const
type InputMap = (typeof inputMaps)[number]

const isMapOfInputs = (path: readonly string[]): path is readonly [InputMap, ...string[]] =>
  inputMaps.some((name) => path[0] === name)

const namesIn = (file: Fields, map: string): readonly string[] => Object.keys(asMap(file[map]))

const asMap = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** The same setting under another name: an override must not contradict the file. */
const othersOf = (path: readonly string[]): readonly (readonly string[])[] => {
  const name = path.join('.')
  if (isMapOfInputs(path) && path[2] === 'pattern') return [[path[0], path[1] ?? '', 'patterns']]
  return spellings.flatMap(({ first, second }) => {
    if (first.join('.') === name) return [second]
    return second.join('.') === name ? [first] : []
  })
}

const valueAt = (value: unknown, path: FieldPath): unknown => {
  const [name, ...rest] = path
  return name === undefined ? value : valueAt(asMap(value)[name], rest)
}

/** A copy with one value set. */
const withField = (
  value: unknown,
  path: readonly string[],
  given: unknown,
  textIs = /^models?$/.test(path[0] ?? '') ? 'name' : 'path',
): Fields => {
  const [name, ...rest] = path
  const map = asMap(value)
  if (name === undefined) return map
  if (rest.length === 0) return { ...map, [name]: given }
  // A plain text stands for an input's path or a model's name, beside which a field is now set.
  const below = map[name]
  const isReplaced = rest[0] === 'name' || rest[0] === 'path'
  const opened = typeof below !== 'string' ? below : isReplaced ? {} : { [textIs]: below }
  return { ...map, [name]: withField(opened, rest, given, textIs) }
}

const withoutField = (value: unknown, path: readonly string[]): Fields => {
  const [name, ...rest] = path
  const map = asMap(value)
  if (name === undefined || !Object.hasOwn(map, name)) return map
  const { [name]: dropped, ...others } = map
  return rest.length === 0 ? others : { ...others, [name]: withoutField(dropped, rest) }
}

export const unknownOverride = (name: string, known: readonly string[]): MusterError => {
  const [first = ''] = name.split('.')
  const instead = unsupportedFields.get(first)
  const near = suggest(name, known).map((one) => `"${one}"`)
  const hint =
    instead !== undefined
      ? `${instead}.`
      : near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : `the fields are listed in docs/job-file.md.`
  return musterError(
    'JobFileInvalid',
    `"${name}", given on the command line, is not a field of the job file: ${hint}`,
  )
}

/** Every dotted name that can be overridden in this file. */
const allNames = (file: Fields): readonly string[] => {
  const names = (path: readonly string[]): readonly string[] => {
    const there = fieldsAt(path)
    if (there?.kind !== 'fields') return [path.join('.')]
    return there.names.flatMap((name) => names([...path, name]))
  }
  const inputs = inputMaps.flatMap((map) =>
    namesIn(file, map).flatMap((name) => inputFields.map((field) => `${map}.${name}.${field}`)),
  )
  const models = namesIn(file, 'models').map((name) => `models.${name}`)
  const others = names([]).filter((name) => ![...inputMaps, 'models', '$schema'].includes(name))
  return ['model', ...others, ...inputs, ...models]
}
