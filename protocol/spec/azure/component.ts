import { cutExpressions } from './expressions.ts'
import { isMap, mapAt } from './file.ts'
import type { AzureFault, AzurePath, Fields } from './file.ts'

/** A step of a pipeline with what its component says put in. */
export interface MergedStep {
  readonly step: Fields
  readonly faults: readonly AzureFault[]
}

/** What `component:` of a step names. */
export type ComponentPlace =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'refused'; readonly why: string }

export const readComponentPlace = (given: unknown): ComponentPlace => {
  if (typeof given !== 'string' || given.trim() === '')
    return { kind: 'refused', why: 'must be the path of a component file, such as ./score.yml' }
  const text = given.trim()
  if (/^azureml:/i.test(text))
    return {
      kind: 'refused',
      why: `is ${text}, a component that is registered in a workspace of Azure: save its file beside this one and give its path, such as ./score.yml`,
    }
  const path = text.replace(/^file:(\/\/)?/i, '')
  return /^[a-z][a-z0-9+.-]+:/i.test(path)
    ? { kind: 'refused', why: `is ${text}: only component files on this machine are read` }
    : { kind: 'file', path }
}

/**
 * Puts a component into the step that uses it. What the step says goes before what the component says; of
 * maps, name by name. Places in faults begin at the step.
 * @param inFolder a path beside the component's file, as one beside the pipeline's file
 */
export const mergeComponent = (
  step: Fields,
  component: Fields,
  inFolder: (path: string) => string,
): MergedStep => {
  const faults: AzureFault[] = []
  const { $schema: _, name: __, version: ___, inputs: ____, outputs: _____, ...rest } = component
  const { component: ______, inputs: _______, outputs: ________, ...own } = step
  const inputs = mergeInputs(mapAt(component, 'inputs'), mapAt(step, 'inputs'), faults)
  const merged: Record<string, unknown> = { ...rest, ...own, type: component['type'] }
  for (const field of mergedMaps)
    if (isMap(rest[field]) || isMap(own[field]))
      merged[field] = { ...mapAt(rest, field), ...mapAt(own, field) }
  if (isMap(rest['task'])) merged['task'] = taskOf(mapAt(rest, 'task'), inputs, inFolder)
  merged['inputs'] = inputs
  merged['outputs'] = mergeOutputs(mapAt(component, 'outputs'), mapAt(step, 'outputs'), faults)
  return { step: merged, faults }
}

/** Fields that are merged name by name. A task is the component's alone. */
const mergedMaps: readonly string[] = [
  'resources',
  'retry_settings',
  'environment_variables',
  'tags',
]

const dataType = /^(uri_folder|uri_file|mltable|mlflow_model|custom_model|triton_model)$/

const mergeInputs = (declared: Fields, given: Fields, faults: AzureFault[]): Fields => {
  const merged: Record<string, unknown> = {}
  refuseUnknown('inputs', declared, given, faults)
  for (const [name, declaration] of Object.entries(declared)) {
    const value = given[name] ?? (isMap(declaration) ? declaration['default'] : undefined)
    const at = ['inputs', name]
    if (value !== undefined) merged[name] = bound(declaration, value)
    else if (!isMap(declaration) || declaration['optional'] !== true)
      faults.push({
        rank: 2,
        path: ['inputs'],
        message: `"inputs.${name}" is missing: the component wants it, and gives no default`,
      })
    if (value !== undefined) checkValue(at, declaration, value, faults)
  }
  return merged
}

/** A value of the step under the type that the component declares. */
const bound = (declaration: unknown, value: unknown): unknown => {
  const type = isMap(declaration) ? declaration['type'] : undefined
  if (typeof type !== 'string' || !dataType.test(type)) return isMap(value) ? plain(value) : value
  return isMap(value) ? { type, ...value } : { type, path: value }
}

/** A value may be given as a map too: `{ type: number, value: 3 }` is not; a default is. */
const plain = (value: Fields): unknown =>
  value['path'] === undefined && value['default'] !== undefined ? value['default'] : value

const checkValue = (
  at: AzurePath,
  declaration: unknown,
  value: unknown,
  faults: AzureFault[],
): void => {
  if (!isMap(declaration) || isMap(value)) return
  if (cutExpressions(String(value)).some((part) => typeof part !== 'string')) return
  const why = valueProblem(declaration, value)
  if (why === undefined) return
  faults.push({ rank: 1, path: at, message: `"${at.join('.')}" is ${String(value)}, but ${why}` })
}

const valueProblem = ({ type, enum: among, min, max }: Fields, value: unknown) => {
  const number = Number(value)
  if ((type === 'number' || type === 'integer') && !isNumber(value))
    return 'the component wants a number'
  if (type === 'integer' && !Number.isInteger(number)) return 'the component wants a whole number'
  if (Array.isArray(among) && !among.map(String).includes(String(value)))
    return `the component allows only ${among.join(', ')}`
  if (typeof min === 'number' && number < min) return `the component wants at least ${min}`
  if (typeof max === 'number' && number > max) return `the component wants at most ${max}`
  return undefined
}

const isNumber = (value: unknown): boolean =>
  typeof value === 'number' ||
  (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))

const mergeOutputs = (declared: Fields, given: Fields, faults: AzureFault[]): Fields => {
  refuseUnknown('outputs', declared, given, faults)
  const merged: Record<string, unknown> = {}
  for (const [name, declaration] of Object.entries(declared)) {
    const type = isMap(declaration) ? { type: declaration['type'] ?? 'uri_folder' } : {}
    const own = given[name]
    merged[name] = own === undefined ? type : isMap(own) ? { ...type, ...own } : own
  }
  return merged
}

const refuseUnknown = (
  field: 'inputs' | 'outputs',
  declared: Fields,
  given: Fields,
  faults: AzureFault[],
): void => {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue
    const known = Object.keys(declared).join(', ')
    const message = `"${field}.${name}" is not one of the component's ${field}, which are ${known === '' ? 'none' : known}`
    faults.push({ rank: 0, path: [field, name], message })
  }
}

/** Paths of a component are beside its own file; arguments of optional inputs that nobody gave go. */
const taskOf = (
  task: Fields,
  inputs: Fields,
  inFolder: (path: string) => string,
): Readonly<Record<string, unknown>> => {
  const { code, entry_script: entry } = task
  const merged: Record<string, unknown> = { ...task }
  if (typeof code === 'string') merged['code'] = inFolder(code)
  else if (typeof entry === 'string') merged['entry_script'] = inFolder(entry)
  for (const field of ['program_arguments', 'args']) {
    const text = task[field]
    if (typeof text === 'string') merged[field] = withOptional(text, inputs)
  }
  return merged
}

const withOptional = (text: string, inputs: Fields): string =>
  text.replaceAll(/\$\[\[(.*?)\]\]/gs, (_, inside: string) =>
    cutExpressions(inside).every(
      (part) =>
        typeof part === 'string' ||
        part.expression.kind !== 'input' ||
        Object.hasOwn(inputs, part.expression.name),
    )
      ? inside
      : '',
  )
