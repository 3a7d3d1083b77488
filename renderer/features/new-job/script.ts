import { isMap, textOf, withValue } from './draft.ts'
import type { FileFields } from './yaml.ts'

/** A model of a script, as a line of the form: the name it asks for, empty for the model's own, and which. */
export interface ScriptModel {
  readonly name: string
  /** A registered model or a path, as a job file names it. */
  readonly model: string
}

/** Fields that only a script has. */
const scriptOnly = [
  'runtime',
  'entry_script',
  'source_directory',
  'arguments',
  'environment_variables',
  'models',
]

/** The fields for a script in place of a model alone; a model that was chosen stays for it to use. */
export const withScript = (fields: FileFields): FileFields => {
  const { preprocess: _, postprocess: __, model, ...others } = fields
  const chosen = textOf(model)
  return { ...others, entry_script: '', ...(chosen === '' && !isMap(model) ? {} : { model }) }
}

/** The fields for a model alone; the first model of the script stays. */
export const withoutScript = (fields: FileFields): FileFields => {
  const [first] = scriptModels(fields)
  const others = Object.fromEntries(
    Object.entries(fields).filter(([name]) => !scriptOnly.includes(name)),
  )
  return { ...others, model: first?.model ?? '' }
}

/** The models of a script, whichever way they are written. */
export const scriptModels = (fields: FileFields): readonly ScriptModel[] => {
  const { model, models } = fields
  const named = Array.isArray(models)
    ? models.map((each) => ({ name: '', model: modelText(each) }))
    : isMap(models)
      ? Object.entries(models).map(([name, each]) => ({ name, model: modelText(each) }))
      : []
  const single = modelText(model)
  return single === '' ? named : [{ name: '', model: single }, ...named]
}

/** One model without a name is `model`; others are `models`, by the names that the script asks for. */
export const withModels = (fields: FileFields, models: readonly ScriptModel[]): FileFields => {
  const [first] = models
  const isSingle = models.length === 1 && first?.name.trim() === ''
  const named = Object.fromEntries(
    models
      .filter(({ model }) => model.trim() !== '')
      .map(({ name, model }) => [nameOf({ name, model }), model.trim()]),
  )
  const isNone = isSingle || Object.keys(named).length === 0
  const single = withValue(
    fields,
    ['model'],
    isSingle ? first.model.trim() || undefined : undefined,
  )
  return withValue(single, ['models'], isNone ? undefined : named)
}

/** What the script calls a model: the name given, else the registered model's or the file's. */
export const nameOf = ({ name, model }: ScriptModel): string => {
  if (name.trim() !== '') return name.trim()
  const file = model.trim().split(/[/\\]/).at(-1) ?? ''
  return file.replace(/\.onnx$/i, '').replace(/:\d+$/, '')
}

/** The names that stand more than once. */
export const doubledNames = (models: readonly ScriptModel[]): readonly string[] => {
  const names = models.filter(({ model }) => model.trim() !== '').map(nameOf)
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}

const modelText = (model: unknown): string => {
  if (!isMap(model)) return textOf(model)
  const [path, name, version] = ['path', 'name', 'version'].map((key) => textOf(model[key]))
  if (path !== undefined && path !== '') return path
  return version === undefined || version === '' ? (name ?? '') : `${name}:${version}`
}
