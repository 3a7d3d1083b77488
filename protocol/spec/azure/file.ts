import type { InputMode } from '../../model/input.ts'
import { cutExpressions, soleExpression } from './expressions.ts'
import type { AzureExpression } from './expressions.ts'

/** Names and list indices from the top of a file to a value. */
export type AzurePath = readonly (string | number)[]

/** Something to be told about a place in the file. */
export interface AzureNote {
  readonly path: AzurePath
  /** The rest of a sentence that begins with the field's name and place: `has no effect: ...`. */
  readonly words: string
}

export interface AzureFault {
  /** Unknown names come before wrong values, and what is missing last. */
  readonly rank: 0 | 1 | 2
  readonly path: AzurePath
  /** A sentence without its full stop. */
  readonly message: string
}

export type Fields = Readonly<Record<string, unknown>>

/** An Azure ML file that is being translated: what it says, and what is to be said about it. */
export interface AzureFile {
  readonly root: Fields
  readonly warnings: AzureNote[]
  readonly faults: AzureFault[]
}

export const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const mapAt = (value: unknown, name: string): Fields => {
  const below = isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return isMap(below) ? below : {}
}

/** `jobs.predict.inputs.images`: a place as people read it. */
export const azureName = (path: AzurePath): string => path.join('.')

export const wrong = (file: AzureFile, at: AzurePath, words: string): undefined => {
  file.faults.push({ rank: 1, path: at, message: `"${azureName(at)}" ${words}` })
}

/**
 * What an input is in the end, whatever it was bound to on the way: a plain value, data, or what another step
 * gives.
 */
export type Source =
  | { readonly kind: 'value'; readonly value: string | number | boolean; readonly at: AzurePath }
  | {
      readonly kind: 'data'
      readonly path: string
      /** `uri_folder` unless something else is said. */
      readonly type: string
      /** Muster's word for its mode; left out: the usual one. */
      readonly mode?: InputMode
      readonly at: AzurePath
    }
  | {
      readonly kind: 'step'
      readonly step: string
      readonly output: string
      readonly type: string
      readonly mode?: InputMode
      readonly at: AzurePath
    }

/** Follows an input of a step, or of the pipeline, to its source; undefined if that is told as a fault. */
export const sourceOf = (file: AzureFile, at: AzurePath, value: unknown): Source | undefined => {
  if (typeof value === 'number' || typeof value === 'boolean') return { kind: 'value', value, at }
  if (typeof value === 'string') return ofText(file, at, value)
  if (!isMap(value)) return wrong(file, at, 'must be a value, or a map with type and path')
  const { path, type } = value
  const literal = ['value', 'default'].find((name) => value[name] !== undefined)
  if (literal !== undefined && path === undefined)
    return sourceOf(file, [...at, literal], value[literal])
  if (type !== undefined && (typeof type !== 'string' || !dataTypes.has(type)))
    return wrong(file, [...at, 'type'], `must be one of ${[...dataTypes].join(', ')}`)
  if (typeof path !== 'string' || path.trim() === '')
    return wrong(file, path === undefined ? at : [...at, 'path'], 'needs a path')
  const below = [...at, 'path']
  const bound = soleExpression(path)
  const mode = modeOf(file, at, value)
  if (bound === undefined)
    return {
      kind: 'data',
      path: fill(file, below, path),
      type: type ?? 'uri_folder',
      at: below,
      ...mode,
    }
  const source = ofExpression(file, below, bound, path)
  if (source === undefined || source.kind === 'value') {
    return source === undefined
      ? undefined
      : {
          kind: 'data',
          path: String(source.value),
          type: type ?? 'uri_folder',
          at: source.at,
          ...mode,
        }
  }
  return type === undefined ? { ...source, ...mode } : { ...source, type, ...mode }
}

/** Azure's words for modes of an input. */
const modes: Readonly<Record<string, InputMode>> = {
  ro_mount: 'mount',
  rw_mount: 'mount',
  eval_mount: 'mount',
  download: 'download',
  eval_download: 'download',
  direct: 'direct',
}

/** A table's mode there is `direct` because it is no folder: here its records are read like any others. */
const modeOf = (
  file: AzureFile,
  at: AzurePath,
  { mode, type }: Fields,
): { readonly mode?: InputMode } => {
  if (mode === undefined) return {}
  const known = typeof mode === 'string' && Object.hasOwn(modes, mode) ? modes[mode] : undefined
  if (known === undefined) {
    wrong(file, [...at, 'mode'], `must be one of ${Object.keys(modes).join(', ')}`)
    return {}
  }
  if (type === 'mltable' && known === 'direct') return { mode: 'mount' }
  return { mode: known }
}

const dataTypes = new Set([
  'uri_folder',
  'uri_file',
  'mltable',
  'mlflow_model',
  'custom_model',
  'triton_model',
])

const ofText = (file: AzureFile, at: AzurePath, value: string): Source | undefined => {
  const bound = soleExpression(value)
  if (bound !== undefined) return ofExpression(file, at, bound, value)
  if (value.trim().startsWith('azureml:'))
    return { kind: 'data', path: value, type: 'uri_folder', at }
  return { kind: 'value', value: fill(file, at, value), at }
}

const ofExpression = (
  file: AzureFile,
  at: AzurePath,
  bound: AzureExpression,
  written: string,
): Source | undefined => {
  // An input of the pipeline itself is bound to nothing. `inputs.x` is an older form of `parent.inputs.x`.
  if (at[0] === 'jobs' && (bound.kind === 'parent-input' || bound.kind === 'input')) {
    const inputs = mapAt(file.root, 'inputs')
    if (!Object.hasOwn(inputs, bound.name))
      return wrong(file, at, `names the input "${bound.name}", which the pipeline does not have`)
    return sourceOf(file, ['inputs', bound.name], inputs[bound.name])
  }
  if (bound.kind === 'step-output')
    return { kind: 'step', step: bound.step, output: bound.name, type: 'uri_folder', at }
  return wrong(file, at, `is ${written.trim()}, which stands for nothing that can be read here`)
}

/** Replaces the expressions in a text by plain values. */
export const fill = (
  file: AzureFile,
  at: AzurePath,
  text: string,
  inputs?: (name: string) => string | undefined,
): string =>
  cutExpressions(text)
    .map((part) => {
      if (typeof part === 'string') return part
      const { expression } = part
      if (expression.kind === 'service') return expression.name === 'name' ? '${{name}}' : ''
      if (expression.kind === 'input' && inputs !== undefined) return inputs(expression.name) ?? ''
      if (expression.kind === 'output' && inputs !== undefined) return expression.name
      const source = ofExpression(file, at, expression, part.written)
      if (source?.kind === 'value') return String(source.value)
      if (source !== undefined)
        wrong(file, at, `names ${part.written}, which is data and no plain value`)
      return ''
    })
    .join('')
