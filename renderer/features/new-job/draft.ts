import type { DatasetView } from '../../../protocol/control/registry-views.ts'
import type { ModelView } from '../../../protocol/control/views.ts'
import { suggestJob } from '../../../protocol/spec/suggest-job.ts'
import type { SuggestedJob } from '../../../protocol/spec/suggest-job.ts'
import type { FileFields } from './yaml.ts'

/**
 * What is being made: the fields of a job file, or a text that no form can show, such as a pipeline.
 * `file` is the path under which it is submitted; relative paths in it start at its folder.
 */
export type Draft =
  | { readonly kind: 'form'; readonly file: string; readonly fields: FileFields }
  | { readonly kind: 'text'; readonly file: string; readonly text: string }

/** Name of the one input of a new job. */
const inputName = 'items'

export const emptyFields: FileFields = {
  name: '',
  model: '',
  inputs: { [inputName]: { path: '' } },
}

export const isMap = (value: unknown): value is FileFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value at a place, such as `['preprocess', 'width']`. */
export const valueAt = (fields: FileFields, path: readonly string[]): unknown => {
  let value: unknown = fields
  for (const name of path) value = isMap(value) ? value[name] : undefined
  return value
}

/** The fields with one value changed; undefined takes it out, and maps that are empty then with it. */
export const withValue = (
  fields: FileFields,
  path: readonly string[],
  value: unknown,
): FileFields => {
  const [name, ...below] = path
  if (name === undefined) return fields
  const before = fields[name]
  const next = below.length === 0 ? value : withValue(isMap(before) ? before : {}, below, value)
  const { [name]: _, ...others } = fields
  const isGone = next === undefined || (below.length > 0 && isMap(next) && isEmpty(next))
  if (isGone) return others
  // What was there keeps its place.
  return Object.hasOwn(fields, name) ? { ...fields, [name]: next } : { ...others, [name]: next }
}

const isEmpty = (map: FileFields): boolean => Object.keys(map).length === 0

/** An input as a map, whichever way it is written. */
export interface DraftInput {
  readonly name: string
  readonly place: FileFields
}

/** The inputs; the form shows the first. */
export const inputsOf = (fields: FileFields): readonly DraftInput[] => {
  const inputs = fields['inputs']
  if (!isMap(inputs)) return [{ name: inputName, place: { path: '' } }]
  return Object.entries(inputs).map(([name, value]) => ({
    name,
    place: isMap(value) ? value : { path: typeof value === 'string' ? value : '' },
  }))
}

export const firstInput = (fields: FileFields): DraftInput =>
  inputsOf(fields)[0] ?? { name: inputName, place: { path: '' } }

/** The first input as the agent is asked to look into it; undefined while nothing is chosen. */
export const lookAt = (fields: FileFields): FileFields | undefined => {
  const { place } = firstInput(fields)
  return textOf(place['path']) === '' && textOf(place['dataset']) === '' ? undefined : place
}

/** What the agent knows and a file may name. */
export interface Known {
  readonly models: readonly ModelView[]
  readonly datasets: readonly DatasetView[]
}

const tableEnding = /\.(?:csv|tsv|jsonl|parquet)$/i

/** Whether a path is that of a table by its ending. */
export const isTablePath = (path: string): boolean => tableEnding.test(path.trim())

/** Whether each record is an item. */
export const readsTable = (fields: FileFields, datasets: Known['datasets']): boolean => {
  const { place } = firstInput(fields)
  const dataset = textOf(place['dataset'])
  if (dataset !== '') return datasets.find(({ name }) => name === dataset)?.type === 'table'
  return place['type'] === 'table' || (place['format'] !== undefined && place['type'] !== 'files')
}

export const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''

/** `name:version` of the registered model that a file names; empty for a path or none. */
export const modelNameOf = (fields: FileFields, models: readonly ModelView[]): string => {
  const model = fields['model']
  const name = isMap(model) ? textOf(model['name']) : textOf(model)
  const version = isMap(model) ? textOf(model['version']) : ''
  if (name === '') return ''
  const written = version === '' ? name : `${name}:${version}`
  const found = newestFirst(models).find(
    (one) => one.name === written || `${one.name}:${one.version}` === written,
  )
  return found === undefined ? '' : `${found.name}:${found.version}`
}

export const newestFirst = (models: readonly ModelView[]): readonly ModelView[] =>
  models.toSorted((a, b) => a.name.localeCompare(b.name) || b.version - a.version)

/** The registered model that a file names. */
export const modelOf = (
  fields: FileFields,
  models: readonly ModelView[],
): ModelView | undefined => {
  const wanted = modelNameOf(fields, models)
  return models.find(({ name, version }) => `${name}:${version}` === wanted)
}

/** What the model suggests; a text says why nothing; undefined without a registered model. */
export const suggestionFor = (
  fields: FileFields,
  { models, datasets }: Known,
): SuggestedJob | string | undefined => {
  const model = modelOf(fields, models)
  if (model === undefined || isScripted(fields)) return undefined
  return suggestJob(model, readsTable(fields, datasets))
}

/** Whether a script runs the items; its path may still be empty. */
export const isScripted = (fields: FileFields): boolean => fields['entry_script'] !== undefined

/**
 * After a change of model or data, pre- and postprocessing follow what is suggested now, unless the person
 * changed them.
 */
export const following = (before: FileFields, after: FileFields, known: Known): FileFields => {
  const [was, is] = [suggestionFor(before, known), suggestionFor(after, known)]
  if (JSON.stringify(was) === JSON.stringify(is)) return after
  let fields = after
  for (const part of ['preprocess', 'postprocess'] as const) {
    const old = isMap(was) ? was[part] : undefined
    const own = after[part]
    if (own !== undefined && JSON.stringify(own) !== JSON.stringify(old)) continue
    fields = withValue(fields, [part], isMap(is) ? is[part] : undefined)
  }
  return fields
}

/** What must be there before the agent can look at it; empty if nothing lacks. */
export const lacking = (fields: FileFields): string => {
  if (isScripted(fields)) {
    if (textOf(fields['entry_script']).trim() === '') return 'Choose a script first.'
  } else if (textOf(fields['model']) === '' && !isMap(fields['model']))
    return 'Choose a model first.'
  if (lookAt(fields) === undefined) return 'Choose the data.'
  if (textOf(fields['name']) === '') return 'Give the job a name.'
  return ''
}
